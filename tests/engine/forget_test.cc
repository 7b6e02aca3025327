// tests/engine/forget_test.cc - rules as values: their keys, what they cover, what they leave of a block.
#include "engine/forget.h"

#include <rapidcheck/catch.h>

#include <catch2/catch.hpp>
#include <cmath>

#include "engine/forget_block.h"
#include "engine/limits.h"
#include "tests/engine/random_message.h"

using namespace deltamesh;

TEST_CASE("a key of a rule has these bytes, and the rule comes out again", "[forget][format]") {
  struct Row {
    ForgetRule rule;
    const char* key;
  };
  const auto row = GENERATE(values<Row>({
      {{"telemetry", "greenhouse-3/temperature", 1'780'000'000'000, 1'780'000'600'000},
       "greenhouse-3/temperature telemetry 1780000000000 1780000600000"},
      {{"telemetry", "a", kTimeOpenFrom, kTimeOpenTo}, "a telemetry * *"},
      {{"telemetry", "a", -5, kTimeOpenTo}, "a telemetry -5 *"},
      {{"d.1", "two words", kTimeOpenFrom, 0}, "two words d.1 * 0"},
      {{"d", "a telemetry * *", 7, 7}, "a telemetry * * d 7 7"},
  }));
  CHECK(rule_key(row.rule) == row.key);
  const auto again = parse_rule_key(row.key);
  REQUIRE(again);
  CHECK(*again == row.rule);
}

TEST_CASE("what is no key of a rule is none", "[forget][hostile]") {
  const auto key = GENERATE(as<std::string>{}, "", " ", "a", "a telemetry", "a telemetry *", " telemetry * *",
                            "a telemetry 2 1", "a telemetry 01 2", "a telemetry +1 2", "a telemetry 1 2 ",
                            "a telemetry x *", "a tele$metry * *", "a telemetry * 99999999999999999999",
                            "a telemetry -9223372036854775808 *", "a telemetry * 9223372036854775807",
                            "a\x01 telemetry * *", "a  * *", "\xff telemetry * *");
  CAPTURE(key);
  CHECK_FALSE(parse_rule_key(key));
}

TEST_CASE("what stands beside a rule has these bytes, and strangers' bytes break nothing",
          "[forget][format]") {
  RuleNote note;
  note.author.bytes.fill(0x11);
  note.written = std::chrono::milliseconds(1'780'000'000'000);
  note.reason = "the sensor was in the sun";
  CHECK(encode(note) == "11111111111111111111111111111111 1780000000000 the sensor was in the sun");
  CHECK(parse_rule_note(encode(note)) == note);
  note.reason = "";
  CHECK(parse_rule_note(encode(note)) == note);
  const std::string id(32, '1');
  for (const std::string& value : {std::string(), std::string("x"), id, id + " ", id + " 5", id + " x why",
                                   id + " -1 why", id + " 5 w\nhy", std::string(31, '1') + " 5 why",
                                   id + " 5 " + std::string(limits::kRuleReasonBytesMax + 1, 'a')}) {
    CAPTURE(value);
    CHECK_FALSE(parse_rule_note(value));
  }
}

TEST_CASE("a rule that a node must not write is refused in words", "[forget]") {
  CHECK(check_rule({"telemetry", "a", 1, 1}).ok());
  CHECK_FALSE(check_rule({"telemetry", "a", 2, 1}).ok());
  CHECK_FALSE(check_rule({"", "a", 1, 2}).ok());
  CHECK_FALSE(check_rule({"$rules", "a", 1, 2}).ok());
  CHECK_FALSE(check_rule({"telemetry", "", 1, 2}).ok());
  CHECK_FALSE(check_rule({"telemetry", std::string(256, 'a'), 1, 2}).ok());
}

TEST_CASE("ranges of time cover what any of them covers, in whatever order they came", "[forget][law]") {
  rc::prop("like a list of them", [] {
    std::vector<std::pair<Ticks, Ticks>> all;
    TimeRanges ranges, reversed;
    const auto tick = [] { return *rc::gen::inRange<Ticks>(-20, 20); };
    for (int n = random::below(8); n > 0; --n) {
      Ticks from = tick(), to = tick();
      if (from > to) std::swap(from, to);
      if (random::below(8) == 0) from = kTimeOpenFrom;
      if (random::below(8) == 0) to = kTimeOpenTo;
      all.emplace_back(from, to);
    }
    for (const auto& [from, to] : all) ranges.add(from, to);
    for (auto at = all.rbegin(); at != all.rend(); ++at) reversed.add(at->first, at->second);
    for (Ticks time : {kTimeOpenFrom, kTimeOpenTo, Ticks{-21}, tick(), tick(), tick(), tick()}) {
      const auto covers = [time](const auto& one) { return one.first <= time && time <= one.second; };
      const bool expected = std::any_of(all.begin(), all.end(), covers);
      RC_ASSERT(ranges.contains(time) == expected);
      RC_ASSERT(reversed.contains(time) == expected);
    }
    Ticks from = tick(), to = tick();
    if (from > to) std::swap(from, to);
    RC_ASSERT(ranges.intersects(from, to) == std::any_of(all.begin(), all.end(), [&](const auto& one) {
                return one.first <= to && from <= one.second;
              }));
  });
}

TEST_CASE("a set of rules is a function of its keys", "[forget][law]") {
  const ForgetRule a{"telemetry", "a", 1, 5}, b{"telemetry", "a", 3, 9}, c{"telemetry", "b"};
  ForgetRules one, other;
  CHECK(one.digest().empty());
  for (const auto& rule : {a, b, c}) CHECK(one.add(rule));
  CHECK_FALSE(one.add(a));
  for (const auto& rule : {c, a}) other.add(rule);
  CHECK(one.digest() != other.digest());
  other.join(one);
  CHECK(one == other);
  CHECK(one.digest() == other.digest());
  CHECK(one.digest().size() == 16);
  const DatasetId dataset = dataset_id("telemetry");
  REQUIRE(one.find(dataset, "a") != nullptr);
  CHECK(one.find(dataset, "a")->hides(0, 9));
  CHECK_FALSE(one.find(dataset, "a")->hides(0, 10));
  CHECK_FALSE(one.find(dataset, "a")->hides(1, 5));  // It has no place in UTC.
  CHECK(one.find(dataset, "b")->hides(1, 5));
  CHECK(one.find(dataset, "c") == nullptr);
  CHECK(one.find(dataset_id("other"), "a") == nullptr);
}

TEST_CASE("rules for all times of which none is open at both ends touch nothing that is counted from a boot",
          "[forget][boot]") {
  ForgetRules rules;
  rules.add({"telemetry", "a", kTimeOpenFrom, 5});
  rules.add({"telemetry", "a", 6, kTimeOpenTo});
  const SeriesRules& a = *rules.find(dataset_id("telemetry"), "a");
  CHECK(a.hides(0, 5));
  CHECK(a.hides(0, 6));
  CHECK_FALSE(a.hides(2, 5));
}

namespace {

StoredBlock block_of(const std::vector<Event>& events) {
  Bytes bytes = *encode_block(events, limits::kBlock);
  const auto summary = peek_block(bytes, limits::kBlock);
  return stored_block({}, 1, *summary, std::move(bytes));
}

Event at(Ticks time, std::vector<Reading> readings, std::uint32_t boot = 0) {
  return {time, boot, Quality::kGood, std::nullopt, std::move(readings)};
}

}  // namespace

TEST_CASE("a block keeps what no rule names, and dots whose values are all gone become marks", "[forget]") {
  ForgetRules rules;
  rules.add({"d", "wrong", 10, 19});
  StreamRules numbered;
  numbered.add(3, *rules.find(dataset_id("d"), "wrong"));
  const StoredBlock block = block_of({at(9, {{3, 1.0}}), at(10, {{3, 2.0}}), at(11, {{2, 5.0}, {3, 3.0}}),
                                      at(19, {{3, 4.0}}), at(20, {{3, 5.0}}), at(15, {{3, 6.0}}, 1)});
  const auto rest = without_forgotten(block, numbered);
  REQUIRE(rest);
  CHECK(rest->values == 3);
  CHECK(rest->block.interval() == block.interval());
  const auto events = decode_block(*rest->block.bytes, limits::kBlock);
  REQUIRE(events.ok());
  CHECK(same_event((*events)[0], at(9, {{3, 1.0}})));
  CHECK(is_mark((*events)[1]));
  CHECK(same_event((*events)[2], at(11, {{2, 5.0}})));
  CHECK(is_mark((*events)[3]));
  CHECK(same_event((*events)[4], at(20, {{3, 5.0}})));
  CHECK(same_event((*events)[5], at(15, {{3, 6.0}}, 1)));
  CHECK_FALSE(without_forgotten(rest->block, numbered));  // Nothing is left to remove.
}

TEST_CASE("marks take little room, however many follow each other", "[forget]") {
  ForgetRules rules;
  rules.add({"d", "wrong"});
  StreamRules numbered;
  numbered.add(1, *rules.find(dataset_id("d"), "wrong"));
  std::vector<Event> events;
  for (int i = 0; i < 1024; ++i)
    events.push_back(at(1'780'000'000'000 + i * 997 % 7919, {{1, std::sin(i)}}, i % 2 == 0 ? 0 : 3));
  const auto rest = without_forgotten(block_of(events), numbered);
  REQUIRE(rest);
  CHECK(rest->block.bytes->size() < 64);
  CHECK_FALSE(rest->block.boots);
}

TEST_CASE("a block is left alone that cannot be looked into, or has nothing that a rule names", "[forget]") {
  ForgetRules rules;
  rules.add({"d", "wrong", 10, 19});
  StreamRules numbered, none;
  numbered.add(1, *rules.find(dataset_id("d"), "wrong"));
  const StoredBlock block = block_of({at(10, {{1, 1.0}})});
  CHECK(without_forgotten(block, numbered));
  CHECK_FALSE(without_forgotten(block, none));
  CHECK_FALSE(without_forgotten(block_of({at(20, {{1, 1.0}})}), numbered));
  CHECK_FALSE(without_forgotten(block_of({at(10, {{2, 1.0}})}), numbered));
  StoredBlock unknown = block;
  unknown.codec = 9;
  CHECK_FALSE(without_forgotten(unknown, numbered));
  StoredBlock damaged = block;
  damaged.bytes = std::make_shared<const Bytes>(Bytes(3, std::byte{0xff}));
  CHECK_FALSE(without_forgotten(damaged, numbered));
}

TEST_CASE("a mark can be made whatever type a stranger gave the series of records", "[forget][hostile]") {
  ForgetRules rules;
  rules.add({"d", "wrong"});
  StreamRules numbered;
  numbered.add(1, *rules.find(dataset_id("d"), "wrong"));
  const auto value = GENERATE(values<Value>({Value(true), Value(std::int64_t{5}), Value(2.5),
                                             Value(std::string("x")), Value(Bytes(2, std::byte{1}))}));
  const auto rest = without_forgotten(block_of({at(1, {{0, value}}), at(2, {{1, 1.0}})}), numbered);
  REQUIRE(rest);
  const auto events = decode_block(*rest->block.bytes, limits::kBlock);
  REQUIRE(events.ok());
  CHECK_FALSE(is_mark((*events)[0]));
  CHECK(is_mark((*events)[1]));
}
