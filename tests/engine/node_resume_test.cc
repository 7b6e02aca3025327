// tests/engine/node_resume_test.cc - a session goes on from what the last one with that peer began with.
#include <catch2/catch.hpp>

#include <algorithm>

#include "engine/frontier_digest.h"
#include "tests/engine/node_fixture.h"

namespace deltamesh::test {
namespace {

// A frontier of one stream, of which so many events are held, and its digest.
struct OneStream {
  [[nodiscard]] message::Frontier frontier() const {
    return {{{{0, stream}, IntervalSet({1, events}), {}, events, 0}}, true, {}};
  }
  [[nodiscard]] Bytes digest() const {
    StreamKnowledge known;
    known.hold({1, events});
    FrontierDigest out;
    out.add(stream, known);
    return out.bytes();
  }

  StreamId stream;
  Seq events = 0;
};

bool contains(const Bytes& token, const Bytes& digest) {
  return std::search(token.begin(), token.end(), digest.begin(), digest.end()) != token.end();
}

// Two nodes; the first heard of 20 writers before they met.
struct Met {
  Met() {
    for (std::uint8_t writer = 50; writer < 70; ++writer) hear(writer, 1);
    meet();
  }

  // Writer number `writer` says event `seq` to the first node, and leaves.
  void hear(std::uint8_t writer, Seq seq) {
    ScriptedPeer peer(a, writer);
    peer.agree();
    peer.say(peer.delta(seq, 1));
    peer.leave();
    a.frames.clear();
    a.now.steady += seconds(1);  // It remembers whom it met last.
  }
  std::vector<message::Frontier> meet() {
    net.said.clear();
    link = net.connect(a, b);
    net.run();
    return only<message::Frontier>(net.said);
  }
  void part() { net.disconnect(link); }

  TestNode a{1}, b{2};
  TestNet net;
  PeerId link{};
};

}  // namespace

TEST_CASE("two nodes that meet again tell each other only what has changed", "[engine][node][resume]") {
  Met met;
  met.part();
  met.hear(55, 2);
  met.hear(70, 1);
  const auto told = met.meet();
  REQUIRE(told.size() == 2);
  CHECK((!told[0].base.empty() && !told[1].base.empty()));
  // The second node got its 20 streams in the course of the last session.
  CHECK(told[0].entries.size() + told[1].entries.size() == 22);
  met.part();
  met.hear(56, 2);
  const auto again = met.meet();
  REQUIRE(again.size() == 2);
  CHECK(again[0].entries.size() + again[1].entries.size() == 3);
  CHECK(met.a.node().knowledge() == met.b.node().knowledge());
  CHECK((met.a.node().quiet() && met.b.node().quiet()));
}

TEST_CASE("after a restart of either side whole frontiers are told", "[engine][node][resume]") {
  Met met;
  met.part();
  met.b.restart();
  met.hear(55, 2);
  const auto told = met.meet();
  REQUIRE(told.size() == 2);
  CHECK((told[0].base.empty() && told[1].base.empty()));
  CHECK(met.a.node().knowledge() == met.b.node().knowledge());
}

TEST_CASE("what a peer no longer has is sent to it when it comes back", "[engine][node][resume]") {
  TestNode node(1);
  REQUIRE(node.write(events(1, 3)).ok());
  const OneStream before{node.stream(), 3};
  {
    ScriptedPeer peer(node);
    auto hello = peer.hello();
    hello.knowledge = before.digest();
    peer.say(hello);
    peer.say(before.frontier());
    REQUIRE(only<message::Delta>(peer.hear()).empty());
    peer.leave();
  }
  ScriptedPeer peer(node);
  const auto hellos = only<message::Hello>(peer.hear());
  REQUIRE(hellos.size() == 1);
  CHECK(contains(hellos[0].resume_token, before.digest()));
  peer.say(peer.hello());
  SECTION("it says so") {
    peer.say(message::Frontier{{{{0, std::nullopt}, IntervalSet({1, 2}), {}, 3, 0}}, true, before.digest()});
    const auto deltas = only<message::Delta>(peer.hear());
    REQUIRE(deltas.size() == 1);
    CHECK(deltas[0].first == 3);
  }
  SECTION("it says that nothing has changed") {
    peer.say(message::Frontier{{}, true, before.digest()});
    CHECK(only<message::Delta>(peer.hear()).empty());
    CHECK(peer.end() == "");
  }
}

TEST_CASE("a frontier that is not what its HELLO gave the digest of is not remembered",
          "[engine][node][resume]") {
  TestNode node(1);
  const OneStream honest{kFar, 7}, false_one{kFar, 9};
  ScriptedPeer peer(node);
  auto hello = peer.hello();
  hello.knowledge = honest.digest();
  peer.say(hello);
  peer.say(false_one.frontier());
  REQUIRE(peer.end() == "");
  peer.leave();
  ScriptedPeer other(node, 98);
  CHECK(only<message::Hello>(other.hear()).at(0).resume_token.empty());
}

TEST_CASE("a frontier that goes on from what is not remembered ends the session", "[engine][node][resume]") {
  TestNode node(1);
  ScriptedPeer peer(node);
  peer.say(peer.hello());
  SECTION("of a peer that was never met") {
    peer.say(message::Frontier{{}, true, OneStream{kFar, 7}.digest()});
    CHECK_THAT(peer.end(), Catch::Contains("not remembered"));
  }
  SECTION("of another time") {
    peer.say(message::Frontier{});
    peer.leave();
    ScriptedPeer again(node);
    again.say(again.hello());
    again.say(message::Frontier{{}, true, OneStream{kFar, 7}.digest()});
    CHECK_THAT(again.end(), Catch::Contains("not remembered"));
  }
}

TEST_CASE("a node remembers the frontiers of its last few peers", "[engine][node][resume]") {
  TestNode node(1);
  for (std::uint8_t number = 50; number < 60; ++number) {
    ScriptedPeer peer(node, number);
    const OneStream told{kFar, number};
    auto hello = peer.hello();
    hello.knowledge = told.digest();
    peer.say(hello);
    peer.say(told.frontier());
    peer.leave();
    node.now.steady += seconds(1);
  }
  ScriptedPeer peer(node);
  const Bytes token = only<message::Hello>(peer.hear()).at(0).resume_token;
  CHECK(token.size() == limits::kResumePeersMax * message::kDigestBytes);
  CHECK(contains(token, OneStream{kFar, 59}.digest()));
  CHECK_FALSE(contains(token, OneStream{kFar, 50}.digest()));
}

// Found by seed 20,301,692 of the random networks.
TEST_CASE("that a stream is complete is told, also if it was heard after HELLO", "[engine][node][resume]") {
  TestNode node(1);
  ScriptedPeer before(node, 50);
  before.agree();
  const auto told = [](Seq settled) {
    message::Frontier news;
    news.entries.push_back({{0, kFar}, {}, IntervalSet({3, 7}), 7, settled});
    return news;
  };
  before.say(told(2));
  ScriptedPeer after(node, 60);  // The node has said HELLO.
  auto complete = told(7);
  complete.entries[0].ref.stream.reset();
  before.say(complete);
  after.agree();
  Seq settled = 0;
  for (const auto& frontier : only<message::Frontier>(after.hear())) {
    for (const auto& entry : frontier.entries) settled = std::max(settled, entry.settled);
  }
  CHECK(settled == 7);
}

}  // namespace deltamesh::test
