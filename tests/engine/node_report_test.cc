// tests/engine/node_report_test.cc - when a peer is told what became durable, and by whom.
#include <catch2/catch.hpp>

#include "tests/engine/node_fixture.h"

namespace deltamesh::test {
namespace {

NodeConfig slow_to_tell() {
  NodeConfig out = config();
  out.news_interval = limits::kNewsInterval;
  return out;
}

IntervalSet told(ScriptedPeer& peer) {
  IntervalSet dots;
  for (const auto& ack : only<message::Ack>(peer.hear())) {
    for (const auto& have : ack.haves) dots.join(have.dots);
  }
  return dots;
}

// A writer in session with a peer that gets its events from elsewhere.
struct Lazy {
  explicit Lazy(std::uint8_t peer_number) : node(50, slow_to_tell()), peer(node, peer_number) {
    peer.agree();
    REQUIRE(node.write(events(1, 1)).ok());
    message::Ack stop;
    stop.deltas = 1;
    stop.unsubscribed = {0};
    peer.say(stop);
    REQUIRE(node.write(events(2, 1)).ok());
    REQUIRE(told(peer).empty());
  }
  void hear_from_peer(const IntervalSet& dots) {
    message::Ack news;
    news.haves = {{{0, node.stream()}, dots}};
    peer.say(news);
  }

  TestNode node;
  ScriptedPeer peer;
};

}  // namespace

TEST_CASE("deltas are acknowledged in the order in which they were sent", "[engine][node][report]") {
  TestNode node(1);
  ScriptedPeer peer(node, 50), other(node, 60);
  peer.agree();
  other.agree();
  message::Delta far = peer.delta(1, 4);
  far.ref.stream = kFar;
  other.say(far);  // Durable here.
  node.hold_commits();
  peer.say(peer.delta(1, 4));
  far.ref.index = 1;
  peer.say(far);
  CHECK(acknowledged(peer.hear()) == 0);
  node.release_commits();
  CHECK(acknowledged(peer.hear()) == 2);
}

TEST_CASE("what brings no news counts against credit until it is acknowledged", "[engine][node][report]") {
  TestNode node(1);
  ScriptedPeer peer(node, 50);
  peer.agree();
  node.hold_commits();
  peer.say(peer.delta(1, 4));
  peer.hear();
  for (int i = 0; i < 3; ++i) peer.say(named_before(peer.delta(1, 4)));
  CHECK(only<message::Ack>(peer.hear()).empty());
  node.release_commits();
  std::uint32_t credit = 0, deltas = 0;
  for (const auto& ack : only<message::Ack>(peer.hear())) credit += ack.credit, deltas += ack.deltas;
  CHECK(deltas == 4);
  CHECK(credit == encode(peer.delta(1, 4)).size() + 3 * encode(named_before(peer.delta(1, 4))).size());
}

TEST_CASE("a peer that gives credit and acknowledges nothing is sent only so much",
          "[engine][node][report]") {
  TestNode node(1);
  ScriptedPeer peer(node, 50);
  peer.agree();
  message::Ack more;
  more.credit = limits::kCreditBytes;
  std::size_t sent = 0;
  for (Ticks time = 1; time <= static_cast<Ticks>(limits::kDeltasSentMax) + 10; ++time) {
    REQUIRE(node.write(events(time, 1)).ok());
    sent += only<message::Delta>(peer.hear()).size();
    if (time % 1000 == 0) peer.say(more);
  }
  CHECK(sent == limits::kDeltasSentMax);
  CHECK(node.wake_at.value_or(microseconds::max()) > node.now.steady);  // It waits, and does not spin.
  message::Ack some;
  some.deltas = 10;
  peer.say(some);
  CHECK_FALSE(only<message::Delta>(peer.hear()).empty());
}

TEST_CASE("what a peer acknowledged is not sent again, and nothing that it did not",
          "[engine][node][report]") {
  TestNode node(1);
  ScriptedPeer peer(node, 50);
  peer.agree();
  REQUIRE(node.write(events(1, 2)).ok());
  REQUIRE(node.write(events(3, 2)).ok());
  REQUIRE(only<message::Delta>(peer.hear()).size() == 2);
  message::Ack first;
  first.deltas = 1;
  peer.say(first);
  REQUIRE(node.node().sessions().size() == 1);
  CHECK(node.node().sessions()[0].events_unacknowledged == 2);
}

TEST_CASE("of two sides of a link the lesser tells first what it holds", "[engine][node][report]") {
  Lazy lesser(60), greater(40);
  for (Lazy* const lazy : {&lesser, &greater}) lazy->node.wait(limits::kNewsInterval);
  CHECK(told(lesser.peer) == IntervalSet({2, 2}));
  CHECK(told(greater.peer).empty());

  SECTION("and the greater later") {
    greater.node.wait(limits::kNewsInterval);
    CHECK(told(greater.peer) == IntervalSet({2, 2}));
  }
  SECTION("unless it has heard the same by then") {
    TestNode& writer = greater.node;
    REQUIRE(writer.write(events(3, 1)).ok());
    greater.hear_from_peer(IntervalSet({1, 2}));
    writer.wait(limits::kNewsInterval);
    CHECK(told(greater.peer).empty());
    writer.wait(limits::kNewsInterval);
    CHECK(told(greater.peer) == IntervalSet({3, 3}));
  }
}

}  // namespace deltamesh::test
