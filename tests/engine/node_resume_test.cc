// tests/engine/node_resume_test.cc - a session goes on from what the last one with that peer began with.
#include <catch2/catch.hpp>

#include <algorithm>

#include "tests/engine/node_fixture.h"

namespace deltamesh::test {
namespace {

Bytes digest(std::uint8_t number) {
  return Bytes(message::kDigestBytes, std::byte{number});
}

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
  {
    ScriptedPeer peer(node);
    auto hello = peer.hello();
    hello.knowledge = digest(0xd1);
    peer.say(hello);
    peer.say(message::Frontier{{{{0, node.stream()}, IntervalSet({1, 3}), {}, 3, 3}}, true, {}});
    REQUIRE(only<message::Delta>(peer.hear()).empty());
    peer.leave();
  }
  ScriptedPeer peer(node);
  const auto hellos = only<message::Hello>(peer.hear());
  REQUIRE(hellos.size() == 1);
  CHECK(contains(hellos[0].resume_token, digest(0xd1)));
  peer.say(peer.hello());
  SECTION("it says so") {
    peer.say(message::Frontier{{{{0, std::nullopt}, IntervalSet({1, 2}), {}, 3, 3}}, true, digest(0xd1)});
    const auto deltas = only<message::Delta>(peer.hear());
    REQUIRE(deltas.size() == 1);
    CHECK(deltas[0].first == 3);
  }
  SECTION("it says that nothing has changed") {
    peer.say(message::Frontier{{}, true, digest(0xd1)});
    CHECK(only<message::Delta>(peer.hear()).empty());
    CHECK(peer.end() == "");
  }
}

TEST_CASE("a frontier that goes on from what is not remembered ends the session", "[engine][node][resume]") {
  TestNode node(1);
  ScriptedPeer peer(node);
  peer.say(peer.hello());
  SECTION("of a peer that was never met") {
    peer.say(message::Frontier{{}, true, digest(0xd1)});
    CHECK_THAT(peer.end(), Catch::Contains("not remembered"));
  }
  SECTION("of another time") {
    peer.say(message::Frontier{});
    peer.leave();
    ScriptedPeer again(node);
    again.say(again.hello());
    again.say(message::Frontier{{}, true, digest(0xd1)});
    CHECK_THAT(again.end(), Catch::Contains("not remembered"));
  }
}

TEST_CASE("a node remembers the frontiers of its last few peers", "[engine][node][resume]") {
  TestNode node(1);
  for (std::uint8_t number = 50; number < 60; ++number) {
    ScriptedPeer peer(node, number);
    auto hello = peer.hello();
    hello.knowledge = digest(number);
    peer.say(hello);
    peer.say(message::Frontier{});
    peer.leave();
    node.now.steady += seconds(1);
  }
  ScriptedPeer peer(node);
  const Bytes token = only<message::Hello>(peer.hear()).at(0).resume_token;
  CHECK(token.size() == limits::kResumePeersMax * message::kDigestBytes);
  CHECK(contains(token, digest(59)));
  CHECK_FALSE(contains(token, digest(50)));
}

}  // namespace deltamesh::test
