// tests/engine/map_reconcile_hostile_test.cc - peers that lie about a map or break the rules.
#include <catch2/catch.hpp>

#include "tests/engine/map_fixture.h"

using namespace deltamesh;
using namespace deltamesh::testing;
using Catch::Contains;
using message::KeyRange;
using message::MapAnswer;
using message::MapQuestion;
using Knowing = MapAnswer::Knowing;

namespace {

constexpr int kKeys = 3'000;

// A map of a few thousand keys, asked about by an asker of its own.
struct Asking {
  Asking() {
    for (int i = 0; i < kKeys; ++i) replica.write(1, "key " + std::to_string(i), "value");
  }
  MapQuestion question() {
    auto asked = asker.ask(replica.side());
    REQUIRE(asked);
    return *asked;
  }
  std::string take(const MapAnswer& answer) {
    const Status taken = asker.take(answer, replica.side());
    return taken ? "accepted" : taken.error().text;
  }
  MapReplica replica;
  MapReconciler asker{kMap, {}};
};

MapAnswer answer_to(const MapQuestion& question, Knowing knowing = Knowing::kSame) {
  MapAnswer answer = no_answer(question, MapAnswer::Kind::kAnswer);
  if (!question.knowledge.empty()) answer.knowing = knowing;
  answer.parts.resize(question.ranges.size());
  return answer;
}

message::RangeSum random_sum(Random& random) {
  return {random.between(1, 1'000), {random.next(), random.next()}};
}

// A key of the range, and behind `after`.
std::string key_in(const KeyRange& range, const std::string& after) {
  return std::max(range.from, after) + '\x01';
}

MapAnswer::Part made_up_part(Random& random, const KeyRange& range) {
  if (random.chance(10)) return MapAnswer::Equal{};
  if (random.chance(30)) {
    MapAnswer::Entries entries;
    for (std::uint64_t n = random.below(4); n > 0; --n) {
      MapAnswer::Entry entry{0, key_in(range, entries.empty() ? "" : entries.back().key), {}, false, {}};
      entry.version.dot.seq = random.between(1, kKeys * 2);
      entry.version.stamp.bits = random.next();
      entry.print = {random.next(), random.next()};
      entries.push_back(entry);
    }
    return entries;
  }
  MapAnswer::Cells cells{{}, {random_sum(random)}};
  while (cells.sums.size() < 2 + random.below(15)) {
    cells.cuts.push_back(key_in(range, cells.cuts.empty() ? "" : cells.cuts.back()));
    cells.sums.push_back(random_sum(random));
  }
  return cells;
}

MapAnswer made_up(Random& random, const MapQuestion& question) {
  MapAnswer answer = answer_to(question, Knowing::kLastPart);
  answer.streams = {map_writer(1)};
  for (std::size_t i = 0; i < question.ranges.size(); ++i)
    answer.parts[i] = made_up_part(random, question.ranges[i].keys);
  return answer;
}

}  // namespace

TEST_CASE("a peer that makes up its answers about a map is asked no longer than the bounds allow",
          "[engine][maps][compare][hostile]") {
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    Random random(seed);
    Asking at;
    while (const auto question = at.asker.ask(at.replica.side())) {
      REQUIRE(question->ranges.size() <= limits::kMapRangesPerQuestion);
      const std::string taken = at.take(made_up(random, *question));
      if (taken == "accepted") continue;
      CHECK_THAT(taken, Contains("beyond their range"));  // The keys grew past the end of a range.
      break;
    }
    CHECK(at.asker.result().questions <= limits::kReconcileRoundsMax);
    CHECK(at.asker.result().keys.size() <= limits::kCompareKeysMax);
  }
}

TEST_CASE("a peer that cuts each range anew is asked no longer than the bounds allow",
          "[engine][maps][compare][hostile]") {
  Asking at;
  Random random(1);
  while (const auto question = at.asker.ask(at.replica.side())) {
    MapAnswer answer = answer_to(*question);
    for (std::size_t i = 0; i < answer.parts.size(); ++i) {
      const KeyRange& keys = question->ranges[i].keys;
      const std::string cut = keys.from + '\0';
      if (keys.to.empty() || cut < keys.to)
        answer.parts[i] = MapAnswer::Cells{{cut}, {random_sum(random), random_sum(random)}};
    }
    REQUIRE(at.take(answer) == "accepted");
  }
  CHECK(at.asker.result().questions == limits::kReconcileRoundsMax);
  CHECK(at.asker.result().undecided > 0);
  CHECK(at.asker.result().verdict() == Verdict::kUndecided);
}

TEST_CASE("a peer that never comes to the end of what it knows is asked no longer than the bounds allow",
          "[engine][maps][compare][hostile]") {
  Asking at;
  StreamId stream = map_writer(0);
  while (const auto question = at.asker.ask(at.replica.side())) {
    MapAnswer answer = answer_to(*question, Knowing::kPart);
    stream.node.bytes[15] = static_cast<std::uint8_t>(stream.node.bytes[15] + 1);
    if (stream.node.bytes[15] == 0) ++stream.node.bytes[14];
    answer.known = {{stream, IntervalSet(Interval{1, 9})}};
    REQUIRE(at.take(answer) == "accepted");
  }
  CHECK(at.asker.result().questions == limits::kReconcileRoundsMax);
  CHECK(at.asker.result().verdict() == Verdict::kUndecided);
  CHECK(at.asker.result().lacking.first.size() <= limits::kCompareWritersMax);
}

TEST_CASE("an answer about a map that does not fit its question is refused with its reason",
          "[engine][maps][compare][hostile]") {
  struct Row {
    void (*spoil)(MapAnswer&);
    const char* text;
  };
  const auto row = GENERATE(values<Row>({
      {[](MapAnswer&) {}, "accepted"},
      {[](MapAnswer& a) { a.parts.clear(); }, "not one part for each range"},
      {[](MapAnswer& a) { a.parts.resize(2); }, "not one part for each range"},
      {[](MapAnswer& a) { a.knowing = Knowing::kNotAsked; }, "does not tell what is known"},
      {[](MapAnswer& a) {
         a.parts[0] = MapAnswer::Cells{{""}, {{}, {}}};
       },
       "cuts beyond their range"},
  }));
  CAPTURE(row.text);
  Asking at;
  MapAnswer answer = answer_to(at.question());
  row.spoil(answer);
  CHECK_THAT(at.take(answer), Contains(row.text));
}

TEST_CASE("cuts and entries must lie in the range that they are about", "[engine][maps][compare][hostile]") {
  Asking at;
  MapAnswer first = answer_to(at.question());
  first.parts[0] = MapAnswer::Cells{{"key 1", "key 2"}, {{}, {}, {}}};
  REQUIRE(at.take(first) == "accepted");
  const MapQuestion second = at.question();
  REQUIRE(second.ranges.size() > 1);
  const KeyRange keys = second.ranges[1].keys;
  const std::string key = GENERATE(as<std::string>(), "key 0", "key 9");
  CAPTURE(keys.from, keys.to, key);
  MapAnswer answer = answer_to(second);
  answer.streams = {map_writer(1)};
  if (GENERATE(true, false)) {
    MapAnswer::Entry entry{0, key, {}, false, {}};
    answer.parts[1] = MapAnswer::Entries{entry};
  } else {
    answer.parts[1] = MapAnswer::Cells{{key}, {{}, {}}};
  }
  CHECK_THAT(at.take(answer), Contains("beyond their range"));
}

TEST_CASE("what a peer knows of a map is told once, in order", "[engine][maps][compare][hostile]") {
  Asking at;
  MapAnswer first = answer_to(at.question(), Knowing::kPart);
  first.known = {{map_writer(5), IntervalSet(Interval{1, 9})}};
  REQUIRE(at.take(first) == "accepted");
  const MapQuestion second = at.question();
  CHECK(second.after == map_writer(5));
  CHECK(second.ranges.empty());
  MapAnswer answer = answer_to(second, GENERATE(Knowing::kSame, Knowing::kPart));
  if (answer.knowing == Knowing::kPart) answer.known = first.known;
  CHECK_THAT(at.take(answer), Contains(answer.knowing == Knowing::kPart ? "told before" : "half"));
}

TEST_CASE("entries of writers that nobody has heard of are no difference",
          "[engine][maps][compare][hostile]") {
  Asking at;
  MapAnswer first = answer_to(at.question(), Knowing::kSame);
  first.streams = {map_writer(77)};
  MapAnswer::Entry entry{0, "key 7", {}, false, {1, 1}};
  entry.version.dot.seq = 3;
  entry.version.stamp.bits = ~std::uint64_t{0};
  first.parts[0] = MapAnswer::Cells{{"key 7", "key 70"}, {{}, {}, {}}};
  REQUIRE(at.take(first) == "accepted");
  MapQuestion second = at.question();
  MapAnswer answer = answer_to(second);
  answer.streams = first.streams;
  for (std::size_t i = 0; i < second.ranges.size(); ++i) {
    if (second.ranges[i].keys.from == "key 7") answer.parts[i] = MapAnswer::Entries{entry};
  }
  REQUIRE(at.take(answer) == "accepted");
  const MapQuestion again = at.question();
  CHECK_FALSE(again.knowledge.empty());
  CHECK(again.ranges.size() == 1);
  CHECK(again.ranges[0].keys == KeyRange{"key 7", std::string("key 7") + '\0'});
}
