// tests/engine/node_session_test.cc - acknowledgements, credit, declarations, keepalive, and what failures
// do.
#include <catch2/catch.hpp>

#include "tests/engine/node_fixture.h"

namespace deltamesh::test {
namespace {

message::MapDelta page(const ScriptedPeer& peer, const std::string& key, Seq seq, bool last) {
  message::MapDelta out;
  out.delta = 1;
  out.last = last;
  out.entries = {{0, {key, {0, HlcStamp{1u << 20}, {{}, seq}}, false, "value of " + key, false, {}}}};
  if (seq == 1) out.streams = {{0, peer.map_stream()}};
  if (last) out.knowledge = {{{0, std::nullopt}, IntervalSet({1, seq}), seq, {}}};
  return out;
}

}  // namespace

TEST_CASE("an acknowledgement follows the commit", "[engine][node]") {
  TestNode a(1);
  ScriptedPeer peer(a);
  peer.agree();
  peer.hear();
  a.hold_commits();
  peer.say(peer.delta(1, 4));
  CHECK(peer.hear().empty());
  a.release_commits();
  CHECK(acknowledged(peer.hear()) == 1);

  auto again = peer.delta(1, 4);  // What is held already is acknowledged at once.
  again.ref.stream.reset();
  again.declarations.clear();
  a.hold_commits();
  peer.say(again);
  CHECK(acknowledged(peer.hear()) == 1);
}

TEST_CASE("what a peer sends is not sent back to it, and goes to others", "[engine][node]") {
  TestNode a(1);
  ScriptedPeer from(a, 50), to(a, 60);
  from.agree();
  to.agree();
  from.hear();
  to.hear();
  from.say(from.delta(1, 4));
  CHECK(only<message::Delta>(from.hear()).empty());
  const auto relayed = only<message::Delta>(to.hear());
  REQUIRE(relayed.size() == 1);
  CHECK(relayed[0].ref.stream == from.stream());
  CHECK(relayed[0].declarations.size() == 1);
}

TEST_CASE("credit bounds what is in flight, and an acknowledgement gives it back", "[engine][node]") {
  TestNode a(1);
  std::vector<NamedEvent> many(20);
  for (auto& one : many) {
    one.readings.push_back({"text", "", std::string(10'000, static_cast<char>('a' + (&one - many.data())))});
  }
  REQUIRE(a.write(many).ok());
  REQUIRE(a.write(many).ok());
  REQUIRE(a.write(many).ok());
  ScriptedPeer peer(a);
  auto hello = peer.hello();
  hello.credit = 1;
  peer.say(hello);
  peer.say(message::Frontier{});
  const auto first = only<message::Delta>(peer.hear());
  REQUIRE(first.size() == 1);

  message::Ack ack;
  ack.credit = static_cast<std::uint32_t>(first[0].block.size() + 1000);
  ack.deltas = 1;
  peer.say(ack);
  CHECK(only<message::Delta>(peer.hear()).size() == 1);
}

TEST_CASE("series are declared once, with the first block that uses them", "[engine][node]") {
  TestNode a(1);
  ScriptedPeer peer(a);
  peer.agree();
  peer.hear();
  REQUIRE(a.write({event(1)}).ok());
  REQUIRE(a.write({event(2)}).ok());
  REQUIRE(a.write({event(3, 1.0, "room/humidity")}).ok());
  const auto deltas = only<message::Delta>(peer.hear());
  REQUIRE(deltas.size() == 3);
  CHECK(deltas[0].declarations.size() == 1);
  CHECK(deltas[1].declarations.empty());
  REQUIRE(deltas[2].declarations.size() == 1);
  CHECK(deltas[2].declarations[0].name == "room/humidity");
}

TEST_CASE("a block whose series are unknown is held, and they are asked for", "[engine][node]") {
  TestNode a(1);
  ScriptedPeer peer(a);
  peer.agree();
  peer.hear();
  auto delta = peer.delta(1, 2);
  const auto declarations = std::exchange(delta.declarations, {});
  peer.say(delta);
  CHECK(a.held(peer.stream()) == IntervalSet({1, 2}));
  const auto wanted = only<message::SeriesWanted>(peer.hear());
  REQUIRE(wanted.size() == 1);
  CHECK(wanted[0] == message::SeriesWanted{peer.stream(), {1}});
  peer.say(message::SeriesGiven{peer.stream(), declarations});
  CHECK(a.store().series(kTelemetry, std::nullopt)->at(0).decl == declarations[0]);
}

TEST_CASE("what a session did not tell of a series is asked for in the next, also after a restart",
          "[engine][node]") {
  TestNode a(1);
  ScriptedPeer peer(a);
  peer.agree();
  auto delta = peer.delta(1, 2);
  const auto declarations = std::exchange(delta.declarations, {});
  peer.say(delta);
  peer.leave();
  if (GENERATE(false, true)) a.restart();
  ScriptedPeer other(a, 60);
  other.agree();
  const auto wanted = only<message::SeriesWanted>(other.hear());
  REQUIRE(wanted.size() == 1);
  CHECK(wanted[0] == message::SeriesWanted{peer.stream(), {1}});
  other.say(message::SeriesGiven{peer.stream(), declarations});
  CHECK(a.store().series(kTelemetry, std::nullopt)->at(0).decl == declarations[0]);
  CHECK(a.store().image()->unnamed.empty());
  ScriptedPeer third(a, 70);
  third.agree();
  CHECK(only<message::SeriesWanted>(third.hear()).empty());
}

TEST_CASE("a declaration that contradicts an earlier one changes nothing and is counted", "[engine][node]") {
  TestNode a(1);
  ScriptedPeer peer(a);
  peer.agree();
  peer.say(peer.delta(1, 2));
  peer.say(message::SeriesGiven{peer.stream(), {{1, "another name", "", ValueType::kInt}}});
  CHECK(peer.end() == "");
  CHECK(a.counters().series_conflicts == 1);
  CHECK(a.store().series(kTelemetry, std::nullopt)->at(0).decl.name == "pump/pressure");
}

TEST_CASE("data that could not be stored ends the sessions that sent it, and comes again with the next",
          "[engine][node]") {
  TestNode a(1);
  ScriptedPeer first(a, 50), second(a, 60);
  first.agree();
  second.agree();
  a.hold_commits();
  first.say(first.delta(1, 4));
  auto same = first.delta(1, 4);  // The same dots over another peer, while they are pending.
  second.say(same);
  a.fail_next();
  a.sync();
  CHECK_THAT(first.end(), Catch::Contains("the disk said no"));
  CHECK_THAT(second.end(), Catch::Contains("the disk said no"));
  CHECK(acknowledged(first.hear()) == 0);
  a.release_commits();
  CHECK(a.held(first.stream()).empty());

  ScriptedPeer again(a, 51);
  again.agree();
  auto delta = first.delta(1, 4);
  again.say(delta);
  CHECK(a.held(first.stream()) == IntervalSet({1, 4}));
  CHECK(a.store().series(kTelemetry, std::nullopt)->size() == 1);
}

TEST_CASE("the knowledge of a paged map delta counts only if all its pages were stored", "[engine][node]") {
  TestNode a(1);
  ScriptedPeer peer(a);
  peer.agree();
  a.hold_commits();
  peer.say(page(peer, "first", 1, false));
  peer.say(page(peer, "second", 2, true));
  const bool fails = GENERATE(true, false);
  if (fails) a.fail_next();
  a.release_commits();
  const StreamKnowledge* const known = a.node().knowledge().find(peer.map_stream());
  REQUIRE(known != nullptr);
  CHECK(a.value("second") == "value of second");
  CHECK(a.value("first") == (fails ? "(none)" : "value of first"));
  CHECK(known->held() == (fails ? IntervalSet({2, 2}) : IntervalSet({1, 2})));
  const auto acks = only<message::Ack>(peer.hear());
  const bool acknowledged =
      std::any_of(acks.begin(), acks.end(), [](const auto& ack) { return !ack.map_deltas.empty(); });
  CHECK(acknowledged != fails);
}

TEST_CASE("an idle link is asked for a sign of life, and a dead one ends after three", "[engine][node]") {
  TestNode a(1);
  ScriptedPeer peer(a);
  peer.agree();
  peer.hear();
  for (int i = 0; i < 3; ++i) {
    REQUIRE(a.wake_at.has_value());
    a.now.steady = *a.wake_at;
    a.tick();
    CHECK(only<message::Ping>(peer.hear()).size() == 1);
  }
  CHECK(peer.end() == "");
  a.now.steady = *a.wake_at;
  a.tick();
  CHECK_THAT(peer.end(), Catch::Contains("no answer to 3 pings"));
}

TEST_CASE("a link that answers lives on", "[engine][node]") {
  TestNode a(1), b(2);
  TestNet net;
  net.connect(a, b);
  net.run();
  net.said.clear();
  for (int i = 0; i < 20; ++i) {
    a.now.steady += limits::kKeepalive;
    b.now.steady += limits::kKeepalive;
    a.tick();
    b.tick();
    net.run();
  }
  CHECK(only<message::Pong>(net.said).size() >= 20);
  CHECK(only<message::Ping>(net.said).size() + only<message::Pong>(net.said).size() == net.said.size());
  CHECK(a.node().sessions().size() == 1);
}

}  // namespace deltamesh::test
