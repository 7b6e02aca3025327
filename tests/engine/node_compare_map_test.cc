// tests/engine/node_compare_map_test.cc - nodes compare their maps: equal, lacking, different, moving, and
// with peers that are slow, silent, old, or break the rules.
#include <catch2/catch.hpp>

#include "tests/engine/compare_fixture.h"
#include "tests/engine/map_fixture.h"

namespace deltamesh::test {
namespace {

using Catch::Contains;
using testing::text_of;
using Kind = message::MapAnswer::Kind;
using Knowing = message::MapAnswer::Knowing;

// An entry of the map of a writer who is not in session.
message::MapDelta page(const ScriptedPeer& writer, const std::string& key, const std::string& value,
                       Seq seq = 1, Interval known = {}) {
  message::MapDelta out;
  out.delta = static_cast<std::uint32_t>(seq);
  if (seq == 1) out.streams = {{0, writer.map_stream()}};
  message::MapDelta::Entry entry;
  entry.entry.key = key;
  entry.entry.value = value;
  entry.entry.version.stamp.bits = seq;
  entry.entry.version.dot.seq = seq;
  out.entries = {entry};
  if (known.last != 0) out.knowledge = {{{0, std::nullopt}, IntervalSet(known), known.last, {}}};
  return out;
}

ComparedMap result(const TestNode& node) {
  REQUIRE(node.compared.size() == 1);
  REQUIRE(node.compared[0].maps.size() == 1);
  return node.compared[0].maps[0];
}

// A node with one key of the peer's map, which it has begun to compare with that peer.
struct AskedMap {
  explicit AskedMap(const NodeConfig& config = test::config()) : node(1, config) {
    peer.agree();
    peer.say(page(peer, "valve", "open"));
    peer.hear();
  }
  void begin() {
    REQUIRE(start(node, peer.peer()).ok());
    node.tick();
  }
  message::MapQuestion question() {
    const auto asked = only<message::MapQuestion>(peer.hear());
    REQUIRE(asked.size() == 1);
    return asked.front();
  }
  static message::MapAnswer answer_to(const message::MapQuestion& question) {
    message::MapAnswer answer{question.dataset, question.number, Kind::kAnswer, Knowing::kSame, {}, {}, {}};
    answer.parts.resize(question.ranges.size());
    return answer;
  }

  TestNode node;
  ScriptedPeer peer{node};
};

}  // namespace

TEST_CASE("linked nodes whose maps are the same hear that they are equal", "[engine][node][compare][maps]") {
  TestNode a(1), b(2);
  TestNet net;
  const PeerId link = net.connect(a, b);
  for (int i = 0; i < 30; ++i) REQUIRE((i % 2 == 0 ? a : b).put("key " + std::to_string(i), "value").ok());
  REQUIRE(a.remove("key 3").ok());
  net.run();
  REQUIRE(start(a, link).ok());
  converse(net, a, b);
  CHECK(text_of(result(a)) == "equal");
  CHECK(result(a).equal == 29);
  CHECK(a.compared[0].verdict() == Verdict::kEqual);
  CHECK(a.compared[0].streams.empty());
  CHECK(b.counters().range_questions_answered == 1);
  CHECK(a.counters().ranges_compared == 1);
}

TEST_CASE("a map that a node has found in its store is compared like one that has arrived",
          "[engine][node][compare][maps]") {
  TestNode a(1), b(2);
  TestNet net;
  const PeerId link = net.connect(a, b);
  for (int i = 0; i < 30; ++i) REQUIRE(a.put("key " + std::to_string(i), "value").ok());
  net.run();
  net.disconnect(link);
  b.restart();
  const PeerId again = net.connect(a, b);
  net.run();
  REQUIRE(start(b, again).ok());
  converse(net, a, b);
  CHECK(text_of(result(b)) == "equal");
  CHECK(result(b).equal == 30);
}

TEST_CASE("a key with another value under the same dot is named", "[engine][node][compare][maps]") {
  Two two;
  two.to_a.say(page(two.to_a, "valve", "open"));
  two.to_b.say(page(two.to_b, "valve", "shut"));
  two.to_a.say(page(two.to_a, "pump", "on", 2));
  two.to_b.say(page(two.to_b, "pump", "on", 2));
  REQUIRE(start(two.a, two.link()).ok());
  converse(two.net, two.a, two.b);
  CHECK(text_of(result(two.a)) == "differ at valve (1 key)");
  CHECK(two.a.compared[0].verdict() == Verdict::kDiffer);
}

TEST_CASE("an entry that its node says it knows and has not is named on both sides",
          "[engine][node][compare][maps]") {
  Two two;
  two.to_a.say(page(two.to_a, "valve", "open"));
  two.to_a.say(page(two.to_a, "pump", "on", 2));
  two.to_b.say(page(two.to_b, "valve", "open", 1, {1, 2}));
  const PeerId link = two.link();
  REQUIRE(start(two.a, link).ok());
  REQUIRE(start(two.b, link).ok());
  converse(two.net, two.a, two.b);
  CHECK(text_of(result(two.a)) == "differ at pump (1 key)");
  CHECK(text_of(result(two.b)) == "differ at pump (1 key)");
}

TEST_CASE("what is on its way to the peer is named as lacking there, and is no difference",
          "[engine][node][compare][maps]") {
  TestNode a(1), b(2);
  TestNet net;
  const PeerId link = net.connect(a, b);
  REQUIRE(a.put("kept", "1").ok());
  net.run();
  b.hold_commits();
  REQUIRE(a.put("new", "1").ok());
  REQUIRE(a.put("kept", "2").ok());
  net.run();
  REQUIRE(start(a, link).ok());
  converse(net, a, b);
  CHECK(text_of(result(a)) == "equal where both know; B lacks 2-3 (2 dots) of 01010101.a1a1a1a1");
  CHECK(a.compared[0].verdict() == Verdict::kEqualWhereBothHold);
  b.release_commits();
  net.run();
  REQUIRE(start(a, link).ok());
  converse(net, a, b);
  CHECK(a.compared.at(1).verdict() == Verdict::kEqual);
}

TEST_CASE("maps are compared behind the streams, each that both share and one of them knows something of",
          "[engine][node][compare][maps]") {
  NodeConfig both = config(), one = config();
  for (NodeConfig* const each : {&both, &one}) each->datasets.push_back({"empty", DatasetKind::kMap});
  both.datasets.push_back({"more", DatasetKind::kMap});
  one.datasets.push_back(
      {"more", DatasetKind::kMap, Resolution::kMilliseconds, StreamClass::kMetric, Scope::kNeither});
  const bool shared = GENERATE(true, false);
  TestNode a(1, both), b(2, shared ? both : one);
  TestNet net;
  const PeerId link = net.connect(a, b);
  REQUIRE(a.write(events(1, 4)).ok());
  REQUIRE(b.put("key", "value").ok());
  const auto put = [](Node& node, Instant at) { return node.put(dataset_id("more"), "key", "value", at); };
  REQUIRE(a.call(put).ok());
  net.run();
  REQUIRE(start(a, link).ok());
  converse(net, a, b);
  REQUIRE(a.compared.size() == 1);
  CHECK(a.compared[0].streams.size() == 1);
  std::size_t equal = 0;
  for (const ComparedMap& map : a.compared[0].maps) equal += map.verdict() == Verdict::kEqual ? 1 : 0;
  CHECK(equal == (shared ? 2 : 1));
}

TEST_CASE("a map of 2,000 keys of which some are not the same is compared over the link",
          "[engine][node][compare][maps]") {
  Two two;
  for (Seq i = 1; i <= 2'000; ++i) {
    const std::string key = "key " + std::to_string(i);
    two.to_a.say(page(two.to_a, key, "v", i));
    two.to_b.say(page(two.to_b, key, i % 400 == 7 ? "other" : "v", i));
  }
  REQUIRE(start(two.a, two.link()).ok());
  converse(two.net, two.a, two.b);
  CHECK(result(two.a).differ == 5);
  CHECK(result(two.a).equal == 1'995);
}

TEST_CASE("nodes that write, relay and stall while they are compared never differ, and are equal in the end",
          "[engine][node][compare][maps]") {
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    TestNode a(1), b(2), c(3);
    TestNet net;
    const PeerId link = net.connect(a, b);
    net.connect(b, c);
    net.run();
    const std::vector<TestNode*> all{&a, &b, &c};
    for (int step = 0; step < 400; ++step) {
      TestNode& node = *all[random.below(all.size())];
      const std::string key = "key " + std::to_string(random.below(150));
      REQUIRE((random.chance(80) ? node.put(key, std::to_string(step)) : node.remove(key)).ok());
      if (random.chance(10)) node.hold_commits();
      if (random.chance(20)) node.release_commits();
      if (random.chance(10)) (void)start(*all[random.below(2)], link);
      if (random.chance(30)) net.run();
      for (TestNode* const each : all) {
        each->now.wall += std::chrono::milliseconds(1);
        if (random.chance(30)) each->tick();
      }
    }
    for (TestNode* const each : all) each->release_commits();
    converse(net, a, b);
    net.run();
    REQUIRE(start(a, link).ok());
    converse(net, a, b);
    for (const TestNode* const each : all) {
      for (const Compared& one : each->compared) CHECK(one.maps.at(0).differ == 0);
    }
    CHECK(a.compared.size() > 5);
    CHECK(text_of(a.compared.back().maps.at(0)) == "equal");
  }
}

TEST_CASE("a peer that does not know questions about maps has its streams compared all the same",
          "[engine][node][compare][maps]") {
  AskedMap asked;
  auto delta = asked.peer.delta(1, 9);
  delta.ref.index = 1;
  asked.peer.say(delta);
  asked.peer.hear();
  REQUIRE(start(asked.node, asked.peer.peer()).ok());
  const auto about = only<message::RangeQuestion>(asked.peer.hear());
  REQUIRE(about.size() == 1);
  message::RangeAnswer equal{about[0].ref.index, about[0].number, about[0].upto, {}};
  equal.parts.resize(1);
  asked.peer.say(equal);
  asked.node.tick();
  asked.question();
  asked.node.wait(limits::kCompareAnswer);
  asked.node.tick();
  CHECK_THAT(result(asked.node).status.error().text, Contains("no answer within 30 s"));
  CHECK(asked.node.compared[0].streams.at(0).found.verdict() == Verdict::kEqual);
  CHECK(asked.node.compared[0].verdict() == Verdict::kUndecided);
}

TEST_CASE("a comparison of maps ends with its session, and says so", "[engine][node][compare][maps]") {
  AskedMap asked;
  asked.begin();
  asked.peer.leave();
  CHECK(result(asked.node).status.error().code == ErrorCode::kClosed);
  CHECK(result(asked.node).verdict() == Verdict::kUndecided);
}

TEST_CASE("a peer that is asked too much about a map is asked again after a while, and not for ever",
          "[engine][node][compare][maps]") {
  AskedMap asked;
  asked.begin();
  auto later_please = [&](const message::MapQuestion& question) {
    asked.peer.say(message::MapAnswer{question.dataset, question.number, Kind::kLater, {}, {}, {}, {}});
  };
  for (int i = 0; i < limits::kCompareRefusalsMax; ++i) {
    later_please(asked.question());
    asked.node.tick();
    REQUIRE(only<message::MapQuestion>(asked.peer.hear()).empty());
    asked.node.wait(limits::kCompareRetry);
  }
  const bool goes_on = GENERATE(true, false);
  const auto question = asked.question();
  CHECK(question.ranges.size() == 1);
  goes_on ? asked.peer.say(AskedMap::answer_to(question)) : later_please(question);
  asked.node.tick();
  CHECK((result(asked.node).verdict() == Verdict::kEqual) == goes_on);
  if (!goes_on) CHECK(result(asked.node).status.error().code == ErrorCode::kFull);
}

TEST_CASE(
    "an answer about a map that nobody waits for is passed over, one that breaks the rules ends the session",
    "[engine][node][compare][maps][hostile]") {
  AskedMap asked;
  asked.begin();
  const auto question = asked.question();
  auto other = AskedMap::answer_to(question);
  ++other.number;
  asked.peer.say(other);
  CHECK(asked.peer.end().empty());
  CHECK(asked.node.counters().ranges_compared == 0);
  struct Row {
    void (*spoil)(message::MapAnswer&);
    const char* text;
  };
  const auto row = GENERATE(values<Row>({
      {[](message::MapAnswer& a) { a.dataset = kTelemetry; }, "about another map"},
      {[](message::MapAnswer& a) { a.parts.resize(2); }, "not one part for each range"},
      {[](message::MapAnswer& a) { a.knowing = Knowing::kNotAsked; }, "does not tell what is known"},
  }));
  auto bad = AskedMap::answer_to(question);
  row.spoil(bad);
  asked.peer.say(bad);
  CHECK_THAT(asked.peer.end(), Contains(row.text));
}

TEST_CASE("a question about a map that is not shared, or none, is answered with nothing",
          "[engine][node][compare][maps][hostile]") {
  NodeConfig alone = config();
  alone.datasets[1].scope = Scope::kNeither;
  const bool shared = GENERATE(true, false);
  TestNode node(1, shared ? config() : alone);
  ScriptedPeer peer(node);
  peer.agree();
  REQUIRE(node.put("secret", "value").ok());
  peer.hear();
  const auto ask = [&](DatasetId about, std::uint32_t number) {
    peer.say(message::MapQuestion{about, number, {}, {}, {{{}, {}}}});
    const auto answers = only<message::MapAnswer>(peer.hear());
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].number == number);
    return answers[0];
  };
  CHECK(ask(kSettings, 1).kind == (shared ? Kind::kAnswer : Kind::kUnable));
  CHECK(ask(kSettings, 2).parts.size() == (shared ? 1 : 0));
  CHECK(ask(kTelemetry, 3).kind == Kind::kUnable);
  CHECK(ask(DatasetId{7}, 4).kind == Kind::kUnable);
  CHECK(node.counters().range_questions_refused == (shared ? 2 : 4));
}

TEST_CASE("peers that ask about maps all the time are answered within a budget",
          "[engine][node][compare][maps][hostile]") {
  TestNode node(1);
  ScriptedPeer peer(node);
  peer.agree();
  REQUIRE(node.put("key", "value").ok());
  peer.hear();
  message::MapQuestion question{kSettings, 1, {}, {}, {}};
  while (question.ranges.size() < limits::kMapRangesPerQuestion) {
    const std::string from = question.ranges.empty() ? "" : question.ranges.back().keys.to;
    question.ranges.push_back({{from, from + "k"}, {}});
  }
  std::size_t answered = 0;
  for (; answered < 1'000; ++answered) {
    peer.say(question);
    if (only<message::MapAnswer>(peer.hear()).at(0).kind == Kind::kLater) break;
  }
  CHECK(answered == limits::kAnswerWorkMax / (limits::kMapRangesPerQuestion * limits::kMapRangeWork + 1) + 1);
  node.wait(seconds(1));
  peer.say(question);
  CHECK(only<message::MapAnswer>(peer.hear()).at(0).kind == Kind::kAnswer);
}

TEST_CASE("the scrub compares maps and streams in turn, and says nothing of equal ones",
          "[engine][node][scrub][maps]") {
  Two two(scrubbing());
  two.give_both(9);
  two.link();
  REQUIRE(two.a.put("key", "value").ok());
  converse(two.net, two.a, two.b);
  two.net.said.clear();
  pass(two, 6);
  CHECK(only<message::MapQuestion>(two.net.said).size() == 6);
  CHECK(only<message::RangeQuestion>(two.net.said).size() == 6);
  CHECK(two.a.counters().ranges_compared == 6);
  CHECK(warnings(two.a).empty());
}

TEST_CASE("an entry that is not the same is told of once the scrub has found it twice",
          "[engine][node][scrub][maps]") {
  Two two(scrubbing());
  two.to_a.say(page(two.to_a, "valve", "open"));
  two.to_b.say(page(two.to_b, "valve", "shut"));
  two.link();
  pass(two, 1);
  CHECK(warnings(two.a).empty());
  pass(two, 1);
  REQUIRE(warnings(two.a).size() == 1);
  CHECK(warnings(two.a)[0] == "map settings: differ at valve (1 key)");
  CHECK(two.a.counters().ranges_different == 1);
}

TEST_CASE("the scrub says nothing of writes to a map that are under way", "[engine][node][scrub][maps]") {
  Two two(scrubbing());
  two.link();
  REQUIRE(two.a.put("valve", "0").ok());
  converse(two.net, two.a, two.b);
  two.b.hold_commits();
  for (int i = 1; i < 40; ++i) {
    REQUIRE(two.a.put("valve", std::to_string(i)).ok());
    pass(two, 1);
  }
  CHECK(two.a.counters().ranges_compared >= 39);
  CHECK(warnings(two.a).empty());
}

TEST_CASE("a peer that lets a question about a map go unanswered is asked no more of them",
          "[engine][node][scrub][maps]") {
  AskedMap asked(scrubbing());
  std::size_t questions = 0;
  for (int i = 0; i < 60; ++i) {
    asked.node.wait(kInterval);
    asked.peer.say(message::Pong{});
    questions += only<message::MapQuestion>(asked.peer.hear()).size();
  }
  CHECK(questions == 1);
}

}  // namespace deltamesh::test
