// tests/engine/node_hostile_test.cc - a peer that breaks a rule loses its session, and nothing else happens.
#include <catch2/catch.hpp>

#include "tests/engine/node_fixture.h"

namespace deltamesh::test {
namespace {

message::MapDelta map_page(const ScriptedPeer& peer, Seq seq) {
  message::MapDelta page;
  page.delta = 1;
  page.streams = {{0, peer.map_stream()}};
  page.entries = {{0, {"valve", {0, HlcStamp{1u << 20}, {{}, seq}}, false, "open", false, {}}}};
  page.knowledge = {{{0, std::nullopt}, IntervalSet({1, seq}), seq, {}}};
  return page;
}

// The peer has agreed, and now does this.
struct Row {
  const char* rule;
  void (*breach)(TestNode&, ScriptedPeer&);
  const char* reason;
};

const std::vector<Row> kBreaches = {
    {"a stream is named before it is used",
     [](TestNode&, ScriptedPeer& peer) {
       auto delta = peer.delta(1, 2);
       delta.ref = {0, std::nullopt};
       peer.say(delta);
     },
     "never named"},
    {"streams are named in turn",
     [](TestNode&, ScriptedPeer& peer) {
       auto delta = peer.delta(1, 2);
       delta.ref.index = 5;
       peer.say(delta);
     },
     "out of turn"},
    {"a block decodes",
     [](TestNode&, ScriptedPeer& peer) {
       auto delta = peer.delta(1, 2);
       delta.block.pop_back();
       peer.say(delta);
     },
     ""},
    {"a block holds as many events as announced",
     [](TestNode&, ScriptedPeer& peer) {
       auto delta = peer.delta(1, 2);
       delta.events = 3;
       delta.head = delta.settled = 3;
       peer.say(delta);
     },
     "announced as 3"},
    {"nobody knows more of our stream than we do",
     [](TestNode& node, ScriptedPeer& peer) {
       auto delta = peer.delta(1, 2);
       delta.ref.stream = node.stream();
       peer.say(delta);
     },
     "another copy of it runs"},
    {"nobody holds events of ours that we did not write",
     [](TestNode& node, ScriptedPeer& peer) {
       message::Frontier frontier;
       frontier.entries = {{{0, node.stream()}, IntervalSet({7, 9}), {}, 9, 9}};
       peer.say(frontier);
     },
     "another copy of it runs"},
    {"numbers stay within what a database holds",
     [](TestNode&, ScriptedPeer& peer) {
       auto delta = peer.delta(1, 2);
       delta.head = limits::kSeqMax + 1;
       peer.say(delta);
     },
     "as the number of an event"},
    {"a stream belongs to a dataset of the session",
     [](TestNode&, ScriptedPeer& peer) {
       auto delta = peer.delta(1, 2);
       delta.ref.stream->dataset = dataset_id("unheard of");
       peer.say(delta);
     },
     "does not share"},
    {"a stream has its dataset's class",
     [](TestNode&, ScriptedPeer& peer) {
       auto delta = peer.delta(1, 2);
       delta.ref.stream->cls = StreamClass::kLog;
       peer.say(delta);
     },
     "unknown dataset or class"},
    {"a block is of telemetry",
     [](TestNode&, ScriptedPeer& peer) {
       auto delta = peer.delta(1, 2);
       delta.ref.stream = peer.map_stream();
       peer.say(delta);
     },
     "not taken from this peer"},
    {"a block has a codec that we read",
     [](TestNode&, ScriptedPeer& peer) {
       auto delta = peer.delta(1, 2);
       delta.codec = 9;
       peer.say(delta);
     },
     "block codec 9, known here is 0"},
    {"an acknowledgement is of what we sent",
     [](TestNode&, ScriptedPeer& peer) {
       message::Ack ack;
       ack.deltas = 1;
       peer.say(ack);
     },
     "more deltas than were sent"},
    {"a subscription names a stream that we named",
     [](TestNode&, ScriptedPeer& peer) {
       message::Ack ack;
       ack.subscribed = {{77, IntervalSet({1, 1})}};
       peer.say(ack);
     },
     "unnamed stream"},
    {"a map entry names its stream",
     [](TestNode&, ScriptedPeer& peer) {
       auto page = map_page(peer, 1);
       page.streams.clear();
       page.knowledge.clear();
       peer.say(page);
     },
     "unnamed stream"},
    {"a map entry is of its map's stream",
     [](TestNode&, ScriptedPeer& peer) {
       auto page = map_page(peer, 1);
       page.streams.push_back({1, peer.stream()});
       page.entries[0].stream = 1;
       peer.say(page);
     },
     "two datasets"},
    {"knowledge is of its map's stream",
     [](TestNode&, ScriptedPeer& peer) {
       auto page = map_page(peer, 1);
       page.streams.push_back({1, peer.stream()});
       page.knowledge.push_back({{1, std::nullopt}, IntervalSet({1, 1}), 1, {}});
       peer.say(page);
     },
     "two datasets"},
    {"a map delta is of a map",
     [](TestNode&, ScriptedPeer& peer) {
       auto page = map_page(peer, 1);
       page.streams[0].stream = peer.stream();
       peer.say(page);
     },
     "not taken from this peer"},
    {"nobody knows entries of ours that we did not write",
     [](TestNode& node, ScriptedPeer& peer) {
       auto page = map_page(peer, 1);
       page.streams[0].stream = node.stream();
       page.streams[0].stream->dataset = kSettings;
       peer.say(page);
     },
     "another copy of it runs"},
    {"HELLO is said once", [](TestNode&, ScriptedPeer& peer) { peer.say(peer.hello()); }, "no place"},
    {"declarations are of a dataset of the session",
     [](TestNode&, ScriptedPeer& peer) {
       StreamId stream = peer.stream();
       stream.dataset = dataset_id("unheard of");
       peer.say(message::SeriesGiven{stream, {{1, "x", "", ValueType::kInt}}});
     },
     "not taken from this peer"},
    {"questions are about a dataset of the session",
     [](TestNode&, ScriptedPeer& peer) {
       StreamId stream = peer.stream();
       stream.dataset = dataset_id("unheard of");
       peer.say(message::SeriesWanted{stream, {1}});
     },
     "not sent to this peer"},
    {"a frame decodes", [](TestNode&, ScriptedPeer& peer) { peer.say_bytes(Bytes(20, std::byte{0xee})); },
     ""},
};

}  // namespace

TEST_CASE("a peer that breaks a rule is told why, is counted, and harms nobody", "[engine][node]") {
  for (const Row& row : kBreaches) {
    CAPTURE(row.rule);
    TestNode a(1), b(2);
    TestNet net;
    net.connect(a, b);
    net.run();
    ScriptedPeer peer(a);
    peer.agree();
    peer.hear();
    REQUIRE(peer.end() == "");
    row.breach(a, peer);

    REQUIRE(peer.end() != "");
    CHECK_THAT(peer.end(), Catch::Contains(row.reason));
    CHECK(a.counters().frames_refused == 1);
    const auto goodbye = only<message::Goodbye>(peer.hear());
    REQUIRE(goodbye.size() == 1);
    CHECK(goodbye[0].text == peer.end());
    CHECK(a.held(peer.stream()).empty());

    REQUIRE(a.write(events(1, 2)).ok());
    REQUIRE(b.put("valve", "shut").ok());
    net.run();
    CHECK(b.held(a.stream()) == IntervalSet({1, 2}));
    CHECK(a.value("valve") == "shut");
  }
}

TEST_CASE("nothing but HELLO opens, and nothing but FRONTIER follows", "[engine][node]") {
  const bool greeted = GENERATE(false, true);
  TestNode a(1);
  ScriptedPeer peer(a);
  if (greeted) peer.say(peer.hello());
  peer.say(peer.delta(1, 2));
  CHECK_THAT(peer.end(), Catch::Contains("no place at this point"));
  CHECK(a.held(peer.stream()).empty());
}

TEST_CASE("a dataset that our scope does not take is refused", "[engine][node]") {
  NodeConfig pushing = config();
  pushing.datasets[0].scope = Scope::kPush;
  TestNode a(1, pushing);
  ScriptedPeer peer(a);
  peer.agree();
  peer.say(peer.delta(1, 2));
  CHECK_THAT(peer.end(), Catch::Contains("not taken from this peer"));
}

TEST_CASE("a peer that sends more than its credit is cut off", "[engine][node]") {
  TestNode a(1);
  a.hold_commits();
  ScriptedPeer peer(a);
  peer.agree();
  auto delta = peer.delta(1, 1);
  std::vector<Event> large(40);
  for (auto& event : large)
    event.readings = {{1, std::string(16'000, 'x') + std::to_string(&event - large.data())}};
  Seq first = 1;
  delta.block = *encode_block(large, limits::kBlock);
  delta.events = 40;
  delta.declarations = {{1, "text", "", ValueType::kString}};
  for (std::size_t sent = 0; sent <= limits::kCreditBytes; sent += delta.block.size()) {
    REQUIRE(peer.end() == "");
    delta.first = first;
    delta.head = delta.settled = first + 39;
    peer.say(delta);
    delta.ref.stream.reset();
    first += 40;
  }
  peer.say(delta);
  CHECK_THAT(peer.end(), Catch::Contains("more bytes in flight than the 8388608 allowed"));
}

TEST_CASE("a peer cannot name our series", "[engine][node]") {
  TestNode a(1);
  ScriptedPeer peer(a);
  peer.agree();
  peer.say(message::SeriesGiven{a.stream(), {{1, "poison", "", ValueType::kBytes}}});
  REQUIRE(a.write({event(1)}).ok());
  const auto series = *a.store().series(kTelemetry, std::nullopt);
  REQUIRE(series.size() == 1);
  CHECK(series[0].decl.name == "room/temperature");
}

TEST_CASE("a question for more declarations than fit one frame is answered in several", "[engine][node]") {
  TestNode a(1);
  NamedEvent wide{1, 0, Quality::kGood, std::nullopt, {}};
  for (int i = 0; i < 1200; ++i) wide.readings.push_back({"s" + std::to_string(i), "", std::int64_t{i}});
  REQUIRE(a.write({wide}).ok());
  ScriptedPeer peer(a);
  peer.agree();
  peer.hear();
  message::SeriesWanted wanted{a.stream(), {}};
  for (SeriesNo number = 1; number <= 1300; ++number) wanted.numbers.push_back(number);
  peer.say(wanted);
  const auto given = only<message::SeriesGiven>(peer.hear());
  REQUIRE(given.size() == 3);
  CHECK(given[0].declarations.size() + given[1].declarations.size() + given[2].declarations.size() == 1200);
}

}  // namespace deltamesh::test
