// tests/engine/node_late_test.cc - what does not come from one peer is asked of another.
#include <catch2/catch.hpp>

#include "tests/engine/node_fixture.h"

namespace deltamesh::test {
namespace {

// How many streams a node has subscribed to at the peer since the last look.
std::size_t subscriptions(ScriptedPeer& peer) {
  std::size_t count = 0;
  for (const auto& ack : only<message::Ack>(peer.hear())) count += ack.subscribed.size();
  return count;
}

message::Ack have(Seq seq) {
  message::Ack ack;
  ack.haves = {{{0, std::nullopt}, IntervalSet({seq, seq})}};
  return ack;
}

// A node that gets a writer's stream from `source`; `other` was slower and tells what it has.
struct Supplied {
  Supplied() {
    source.say(source.hello());
    source.say(message::Frontier{{{{0, kFar}, IntervalSet({1, 5}), {}, 5, 0}}, true, {}});
    other.agree();
    auto delta = source.delta(1, 4);
    source.say(named_before(delta));
    delta.ref.stream = kFar;
    other.say(delta);
    source.hear();
    other.hear();
  }

  TestNode node{1};
  ScriptedPeer source{node}, other{node, 98};
};

message::MapDelta entry(const ScriptedPeer& writer, std::uint32_t number, Seq seq) {
  message::MapDelta out;
  out.delta = number;
  if (number == 1) out.streams = {{0, writer.map_stream()}};
  out.entries = {{0, {"key", {0, HlcStamp{(1u << 20) + seq}, {{}, seq}}, false, "x", false, {}}}};
  return out;
}

}  // namespace

TEST_CASE("an event that its source does not bring is asked of another, whatever else that one brings",
          "[engine][node][source]") {
  Supplied s;
  s.other.say(have(5));
  std::size_t asked = 0;
  for (Seq seq = 6; seq < 66 && asked == 0; ++seq) {
    s.node.wait(seconds(1));
    s.source.say(named_before(s.source.delta(seq, 1)));
    s.other.say(message::Pong{});
    asked = subscriptions(s.other);
  }
  CHECK(asked == 1);
}

TEST_CASE("what a peer was to bring is asked of another as soon as it is gone", "[engine][node][source]") {
  Supplied s;
  s.other.say(have(5));
  s.node.wait(seconds(2));
  s.node.wait(seconds(1));
  REQUIRE(subscriptions(s.other) == 0);
  s.source.leave();
  CHECK(subscriptions(s.other) == 1);
}

TEST_CASE("a map entry that could not be stored is asked of another peer that has it",
          "[engine][node][source]") {
  TestNode node(1);
  ScriptedPeer first(node), second(node, 98);
  first.agree();
  second.agree();
  first.say(entry(first, 1, 1));
  second.say(entry(first, 1, 1));  // Twice, so that the second only tells from now on.
  node.hold_commits();
  first.say(entry(first, 2, 2));
  second.say(have(2));
  second.hear();
  node.fail_next();
  node.release_commits();
  REQUIRE(first.end() != "");
  REQUIRE(second.end() == "");
  CHECK(subscriptions(second) == 1);
}

TEST_CASE("a second link to a node goes on with what the first was bringing", "[engine][node][source]") {
  TestNode node(1);
  ScriptedPeer first(node), second(node, 99, 1);
  const message::Frontier frontier{{{{0, first.stream()}, IntervalSet({1, 10}), {}, 10, 0}}, true, {}};
  first.say(first.hello());
  first.say(frontier);
  first.say(named_before(first.delta(7, 4)));
  second.say(second.hello());  // Its peer was told, in our HELLO, to send only what we subscribe to.
  second.say(frontier);
  CHECK(subscriptions(second) == 1);
}

TEST_CASE("what comes again over another link to the same node is no reason to leave that",
          "[engine][node][source]") {
  TestNode node(1);
  ScriptedPeer first(node), second(node, 99, 1);
  first.agree();
  second.agree();
  first.say(first.delta(1, 4));
  second.say(second.delta(1, 4));
  for (const auto& ack : only<message::Ack>(second.hear())) CHECK(ack.unsubscribed.empty());
}

TEST_CASE("two nodes that dialled each other at once agree which link carries data", "[engine][node]") {
  TestNode a(1), b(2);
  const PeerId one{1}, two{2};
  for (const PeerId peer : {one, two}) {
    a.opened(peer);
    b.opened(peer);
  }
  // Carries what is under way, in another order of links to each node.
  const auto carry = [](std::deque<Send> frames, std::vector<PeerId> order, TestNode& to) {
    for (const PeerId peer : order) {
      for (const auto& send : frames) {
        if (send.peer == peer) to.received(peer, *send.frame);
      }
    }
  };
  for (int round = 0; round < 8; ++round) {
    carry(std::exchange(b.frames, {}), {two, one}, a);
    carry(std::exchange(a.frames, {}), {one, two}, b);
  }
  for (Ticks time = 1; time <= 2; ++time) {
    REQUIRE((a.frames.empty() && b.frames.empty()));
    REQUIRE(a.write(events(time, 1)).ok());
    REQUIRE(b.write(events(time, 1)).ok());
    REQUIRE((a.frames.size() == 1 && b.frames.size() == 1));
    if (time == 2) CHECK(a.frames[0].peer == b.frames[0].peer);
    for (int round = 0; round < 3; ++round) {
      carry(std::exchange(b.frames, {}), {two, one}, a);
      carry(std::exchange(a.frames, {}), {one, two}, b);
    }
  }
}

}  // namespace deltamesh::test
