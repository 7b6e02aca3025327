// tests/engine/node_forget_test.cc - one node and its rules: hidden at once, removed where it is stored, and
// never back.
#include <limits>

#include "tests/engine/forget_fixture.h"

namespace deltamesh::test {
namespace {

std::vector<HeldBlock> held_blocks(const TestNode& node) {
  return *node.store().held_blocks(node.stream(), 1, 1'000);
}

}  // namespace

TEST_CASE("a rule hides its values at once, and what is stored is written anew without them",
          "[engine][forget]") {
  TestNode node(1);
  REQUIRE(node.write(events(1, 10)).ok());
  REQUIRE(node.write(events(11, 10)).ok());
  const auto before = held_blocks(node);
  REQUIRE(forget(node, rule(4, 6)).ok());
  CHECK(shown(node) == std::vector<Ticks>{1, 2, 3, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20});
  obey(node);
  CHECK(picture(node, node.stream()) == "vvv...vvvvvvvvvvvvvv");
  CHECK(node.counters().values_forgotten == 3);
  CHECK(node.counters().blocks_rewritten == 1);
  CHECK(node.counters().rules_in_effect == 1);
  CHECK(node.held(node.stream()) == IntervalSet({1, 20}));
  const auto after = held_blocks(node);
  REQUIRE(after.size() == 2);
  CHECK(after[0].arrival == before[0].arrival);  // It is as old as it was.
  CHECK(after[1] == before[1]);
  const auto rules = list_rules(node.store());
  REQUIRE(rules.ok());
  REQUIRE(rules->size() == 1);
  CHECK(rules->front().rule == rule(4, 6));
  CHECK(rules->front().note.author == node.stream().node);
  CHECK(rules->front().note.reason == "a broken sensor");
  CHECK(rules->front().note.written == std::chrono::seconds(1'780'000'000));
}

TEST_CASE("an event that loses one of its values keeps the others", "[engine][forget]") {
  TestNode node(1);
  NamedEvent both = event(5);
  both.readings.push_back({"room/humidity", "%RH", 40.0});
  REQUIRE(node.write({both}).ok());
  REQUIRE(forget(node, rule()).ok());
  obey(node);
  const auto events = stored(node, node.stream());
  REQUIRE(events.size() == 1);
  CHECK(events[0].readings.size() == 1);
  CHECK(shown(node).empty());
  CHECK(shown(node, "room/humidity") == std::vector<Ticks>{5});
}

TEST_CASE("what is written later to a series that is forgotten is answered and leaves a mark",
          "[engine][forget]") {
  TestNode node(1);
  REQUIRE(forget(node, rule(100)).ok());
  REQUIRE(node.write(events(98, 4)).ok());
  CHECK(picture(node, node.stream()) == "vv..");
  CHECK(node.written.back().status.ok());
  CHECK(shown(node) == std::vector<Ticks>{98, 99});
  CHECK(node.counters().values_forgotten == 2);
  CHECK(node.counters().blocks_rewritten == 0);
}

TEST_CASE("the latest sample that is shown is one that no rule hides", "[engine][forget]") {
  TestNode node(1);
  REQUIRE(node.write(events(1, 10)).ok());
  node.hold_commits();  // From the second batch on: the rule is there, and nothing is written anew yet.
  const auto latest = [&] {
    LatestQuery query;
    query.dataset = kTelemetry;
    return query_latest(node.store(), query)->latest;
  };
  REQUIRE(latest().size() == 1);
  REQUIRE(forget(node, rule(8)).ok());
  CHECK(latest()[0].sample.time == 10);
  node.sync();
  CHECK(latest()[0].sample.time == 7);
  REQUIRE(forget(node, rule()).ok());
  node.sync();
  CHECK(latest().empty());
}

TEST_CASE("a rule is in effect once it is durable, not before", "[engine][forget]") {
  TestNode node(1);
  REQUIRE(node.write(events(1, 3)).ok());
  node.hold_commits();
  REQUIRE(forget(node, rule()).ok());
  REQUIRE(node.write(events(4, 1)).ok());
  CHECK(node.node().rules().empty());
  CHECK(shown(node).size() == 3);
  node.restart();  // The rule was not durable: nothing of it is left.
  node.release_commits();
  CHECK(node.node().rules().empty());
  CHECK(picture(node, node.stream()) == "vvv");
}

TEST_CASE("what was on its way to the store when a rule took effect is written anew once it is there",
          "[engine][forget]") {
  TestNode node(1);
  REQUIRE(node.write(events(1, 3)).ok());
  node.hold_commits();
  REQUIRE(node.write(events(4, 3)).ok());  // Goes ahead of the rule,
  REQUIRE(forget(node, rule()).ok());
  REQUIRE(node.write(events(7, 3)).ok());  // and behind it, made before it was in effect.
  node.release_commits();
  obey(node);
  CHECK(picture(node, node.stream()) == ".........");
}

TEST_CASE("what waits for its commit when a rule takes effect obeys it", "[engine][forget]") {
  NodeConfig slow = config();
  slow.commit_interval = seconds(1);
  TestNode node(1, slow);
  REQUIRE(node.write(events(1, 3)).ok());
  REQUIRE(forget(node, rule()).ok());
  node.wait(seconds(1));  // All in one batch.
  CHECK(node.node().rules().size() == 1);
  obey(node);
  CHECK(picture(node, node.stream()) == "...");
}

TEST_CASE("a block that is closed and not committed when a rule takes effect obeys it", "[engine][forget]") {
  NodeConfig slow = config();
  slow.commit_interval = seconds(10);
  TestNode node(1, slow);
  REQUIRE(forget(node, rule()).ok());
  node.hold_commits();
  node.call([](Node& of, Instant now) { return of.flush(now), 0; });
  REQUIRE(node.write(events(1, limits::kCellEvents + 5)).ok());  // One cell is full.
  node.sync();
  REQUIRE(node.node().rules().size() == 1);
  node.release_commits();
  node.wait(seconds(10));
  obey(node);
  CHECK(picture(node, node.stream()) == std::string(limits::kCellEvents + 5, '.'));
  CHECK(node.counters().blocks_rewritten == 0);
}

TEST_CASE("a crash between a rule and its removals loses neither", "[engine][forget][crash]") {
  TestNode node(1);
  REQUIRE(node.write(events(1, 5)).ok());
  node.hold_commits();
  REQUIRE(forget(node, rule(2, 3)).ok());
  node.sync();  // The rule is durable; what it has written anew is queued.
  CHECK(node.store().queued() == 1);
  CHECK(picture(node, node.stream()) == "vvvvv");
  node.restart();
  CHECK(shown(node) == std::vector<Ticks>{1, 4, 5});
  CHECK(node.node().is_forgetting());
  node.release_commits();
  obey(node);
  CHECK(picture(node, node.stream()) == "v..vv");
}

TEST_CASE("a restart under the same rules looks through nothing", "[engine][forget]") {
  TestNode node(1);
  REQUIRE(node.write(events(1, 5)).ok());
  REQUIRE(forget(node, rule(2, 3)).ok());
  obey(node);
  node.fail_reads(Error{ErrorCode::kIo, "nobody was to look"});
  node.restart();
  node.wait(seconds(60));
  CHECK_FALSE(node.node().is_forgetting());
  CHECK(node.node().rules().size() == 1);
  for (const Note& note : node.notes) CHECK_THAT(note.text, !Catch::Contains("look"));
  node.fail_reads(std::nullopt);
  Batch forgotten;
  forgotten.obeyed = Bytes();
  node.store_batch(std::move(forgotten));
  node.restart();
  CHECK(node.node().is_forgetting());
  obey(node);
  CHECK(node.counters().blocks_rewritten == 0);
}

TEST_CASE("a batch with blocks written anew that fails is made again", "[engine][forget]") {
  TestNode node(1);
  REQUIRE(node.write(events(1, 5)).ok());
  node.hold_commits();
  REQUIRE(forget(node, rule(2, 3)).ok());
  node.sync();
  node.fail_next();
  node.release_commits();
  CHECK(node.node().is_forgetting());
  CHECK(picture(node, node.stream()) == "vvvvv");
  node.wait(limits::kFailedRetry);
  obey(node);
  CHECK(picture(node, node.stream()) == "v..vv");
}

TEST_CASE("what is looked through at a time is bounded, and other writes come between", "[engine][forget]") {
  TestNode node(1);
  const std::size_t blocks = 3 * limits::kForgetBlocksAtOnce;
  for (std::size_t i = 0; i < blocks; ++i) REQUIRE(node.write(events(static_cast<Ticks>(i), 1)).ok());
  node.hold_commits();
  REQUIRE(forget(node, rule()).ok());
  node.sync();
  node.sync();
  CHECK(node.counters().blocks_rewritten == limits::kForgetBlocksAtOnce);
  REQUIRE(node.write({event(5, 1.5, "room/other")}).ok());
  node.sync();
  CHECK(node.written.back().status.ok());
  node.release_commits();
  obey(node);
  CHECK(node.counters().blocks_rewritten == blocks);
}

TEST_CASE("a damaged block is passed over", "[engine][forget][damage]") {
  TestNode node(1);
  for (Ticks time = 1; time <= 4; ++time) REQUIRE(node.write(events(time, 1)).ok());
  node.damage(Seq{2});
  REQUIRE(forget(node, rule(1, 3)).ok());
  obey(node);
  CHECK(picture(node, node.stream()) == ".v.v");
  CHECK(shown(node) == std::vector<Ticks>{4});
}

TEST_CASE("a store that cannot be read for a while is looked through later", "[engine][forget]") {
  TestNode node(1);
  REQUIRE(node.write(events(1, 3)).ok());
  node.fail_reads(Error{ErrorCode::kIo, "the cable is out"});
  REQUIRE(forget(node, rule()).ok());
  CHECK(node.node().is_forgetting());
  node.fail_reads(std::nullopt);
  node.wait(limits::kRetentionLook);
  obey(node);
  CHECK(picture(node, node.stream()) == "...");
}

TEST_CASE("a bounded dataset has the room that forgetting makes", "[engine][forget][retention]") {
  NodeConfig bounded = config();
  bounded.datasets[0].keep_bytes = limits::kKeepBytesMin;
  TestNode node(1, bounded);
  for (Ticks time = 0; time < 7; ++time) REQUIRE(node.write(noisy_events(time, 1, 8'000)).ok());
  CHECK(node.counters().events_given_up == 0);
  REQUIRE(forget(node, rule(kTimeOpenFrom, kTimeOpenTo, "log")).ok());
  obey(node);
  // Of another series, since the former leaves marks alone.
  for (Ticks time = 0; time < 7; ++time) {
    auto more = noisy_events(time, 1, 8'000);
    more[0].readings[0].series = "another log";
    REQUIRE(node.write(more).ok());
  }
  CHECK(node.counters().events_given_up == 0);
}

TEST_CASE("rules that make no sense are refused, and `$rules` is no map to write to", "[engine][forget]") {
  TestNode node(1);
  struct Row {
    ForgetRule rule;
    std::string reason;
    ErrorCode code;
  };
  for (const Row& row : {
           Row{{"nothing", "a"}, "why", ErrorCode::kNotFound},
           Row{{"settings", "a"}, "why", ErrorCode::kInvalid},
           Row{{"$rules", "a"}, "why", ErrorCode::kInvalid},
           Row{{"telemetry", ""}, "why", ErrorCode::kInvalid},
           Row{{"telemetry", "a", 2, 1}, "why", ErrorCode::kInvalid},
           Row{{"telemetry", "a"}, "w\nhy", ErrorCode::kInvalid},
       }) {
    const auto refused = forget(node, row.rule, row.reason);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == row.code);
  }
  CHECK_FALSE(forget(node, rule(), std::string(limits::kRuleReasonBytesMax + 1, 'x')).ok());
  CHECK(forget(node, rule(), std::string(limits::kRuleReasonBytesMax, 'x')).ok());
  const std::string key = rule_key(rule());
  const auto put = [&](Node& of, Instant now) { return of.put(rules_map(), key, "x", now); };
  const auto remove = [&](Node& of, Instant now) { return of.remove(rules_map(), key, now); };
  const auto repair = [&](Node& of, Instant) { return of.repair(rules_map(), key, {}); };
  CHECK_FALSE(node.call(put).ok());
  CHECK_FALSE(node.call(remove).ok());
  CHECK_FALSE(node.call(repair).ok());
  CHECK(node.node().rules().size() == 1);
  NodeConfig reserved = config();
  reserved.datasets.push_back({"$rules", DatasetKind::kMap});
  CHECK_FALSE(check(reserved).ok());
}

TEST_CASE("a node writes so many rules and no more, but may say anew why", "[engine][forget]") {
  NodeConfig slow = config();
  slow.commit_interval = seconds(1);
  TestNode node(1, slow);
  for (std::size_t i = 0; i < limits::kRulesWrittenMax; ++i)
    REQUIRE(forget(node, rule(static_cast<Ticks>(i), static_cast<Ticks>(i), "a")).ok());
  node.wait(seconds(1));
  const auto refused = forget(node, rule(-1, -1, "a"));
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::kLimit);
  CHECK(forget(node, rule(5, 5, "a"), "another reason").ok());
  node.wait(seconds(1));
  CHECK(node.node().rules().size() == limits::kRulesWrittenMax);
}

TEST_CASE("samples counted from a boot are hidden by where they are now, and removed by no range",
          "[engine][forget][boot]") {
  TestNode node(2);
  ScriptedPeer peer(node);
  peer.agree();
  message::Delta delta = peer.delta(1, 3);
  std::vector<Event> some(3);
  some[0] = {10, 1, Quality::kGood, std::nullopt, {{1, 20.5}}};
  some[1] = {20, 1, Quality::kGood, std::nullopt, {{1, 21.5}}};
  some[2] = {0,
             0,
             Quality::kEstimated,
             std::nullopt,
             {{kBootSeries, encode(BootRecord{peer.stream().incarnation, 1, 1'000})}}};
  delta.declarations = {{1, "room/temperature", "Cel", ValueType::kDouble}};
  delta.block = *encode_block(some, limits::kBlock);
  peer.say(delta);
  REQUIRE(shown(node) == std::vector<Ticks>{1'010, 1'020});
  REQUIRE(forget(node, rule(1'015, 1'030)).ok());
  obey(node);
  CHECK(shown(node) == std::vector<Ticks>{1'010});
  CHECK(picture(node, peer.stream()) == "vvv");
  // A better record comes and puts them elsewhere.
  message::Delta better = named_before(peer.delta(4, 1));
  better.block = *encode_block(
      std::vector<Event>{{0,
                          0,
                          Quality::kGood,
                          std::nullopt,
                          {{kBootSeries, encode(BootRecord{peer.stream().incarnation, 1, 1'008})}}}},
      limits::kBlock);
  peer.say(better);
  CHECK(shown(node) == std::vector<Ticks>{});
  REQUIRE(forget(node, rule(), "all of it").ok());
  obey(node);
  CHECK(picture(node, peer.stream()) == "..vv");  // Records stay.
  CHECK(node.counters().offsets_refused == 0);
}

TEST_CASE("of two boots, samples without a place are shown until a rule is open at both ends",
          "[engine][forget][boot]") {
  TestNode node(2);
  ScriptedPeer peer(node);
  peer.agree();
  message::Delta delta = peer.delta(1, 1);
  delta.declarations = {{1, "room/temperature", "Cel", ValueType::kDouble}};
  delta.block =
      *encode_block(std::vector<Event>{{10, 1, Quality::kGood, std::nullopt, {{1, 20.5}}}}, limits::kBlock);
  peer.say(delta);
  const auto unplaced = [&] { return query_unplaced(node.store(), {kTelemetry, "room/temperature"})->count; };
  REQUIRE(forget(node, rule(0, 100)).ok());
  obey(node);
  CHECK(unplaced() == 1);
  node.hold_commits();
  REQUIRE(forget(node, rule()).ok());
  node.sync();
  CHECK(picture(node, peer.stream()) == "v");
  CHECK(unplaced() == 0);
}

}  // namespace deltamesh::test
