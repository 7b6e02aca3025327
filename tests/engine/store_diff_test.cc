// tests/engine/store_diff_test.cc - what a comparison of stores finds, and what it must not be content with.
#include "engine/store_diff.h"

#include <catch2/catch.hpp>

#include "engine/memory_store.h"
#include "tests/engine/diff_fixture.h"
#include "tests/engine/forged_reader.h"

namespace deltamesh::testing {
namespace {

constexpr std::size_t kEvents = 60;

StreamId telemetry() {
  return stream_of(kTelemetry, 1);
}

std::unique_ptr<MemoryStore> store_of(Batch batch) {
  auto store = std::make_unique<MemoryStore>(Identity{}, MemoryStore::Sync::kAuto);
  Status outcome = Error{};
  store->commit(std::move(batch), [&outcome](BatchId, Status status) { outcome = std::move(status); });
  if (!outcome) FAIL(outcome.error().text);
  return store;
}

std::unique_ptr<MemoryStore> some_store(std::size_t cut = 10) {
  return store_of(some_contents(kEvents, cut));
}

// Like some_store(), with one stream of other events.
std::unique_ptr<MemoryStore> store_with(const std::vector<Event>& events, std::size_t cut = 10) {
  Batch batch = some_contents(kEvents, cut);
  batch.blocks = blocks_of(telemetry(), events, cut);
  return store_of(std::move(batch));
}

StoreDiff diff(const StoreReader& a, const StoreReader& b, std::size_t keep = 20) {
  DiffOptions options;
  options.findings_max = keep;
  auto found = diff_stores(a, b, options);
  if (!found) FAIL(found.error().text);
  return std::move(*found);
}

Error failure(const StoreReader& a, const StoreReader& b) {
  const auto found = diff_stores(a, b);
  REQUIRE(!found);
  return found.error();
}

TEST_CASE("stores of the same events are equal, however they are cut into blocks", "[engine][diff]") {
  const auto cut = GENERATE(as<std::size_t>(), 10, 1, 7, 30, 60);
  CAPTURE(cut);
  const StoreDiff found = diff(*some_store(10), *some_store(cut));
  CHECK(found.equal());
  const DatasetCounts sum = found.sum();
  CHECK(sum.dots == kEvents);
  CHECK(sum.samples == kEvents + kEvents * 2 / 3);
  CHECK(sum.keys == 2);
  CHECK(sum.tombstones == 1);
  CHECK(found.datasets.size() == 2);
}

TEST_CASE("one changed value is named with its dot, series and both values", "[engine][diff]") {
  const auto cut = GENERATE(as<std::size_t>(), 10, 7);
  CAPTURE(cut);
  auto events = some_events(kEvents);
  events[33].readings[0].value = -1.5;
  const StoreDiff found = diff(*some_store(), *store_with(events, cut));
  CHECK(!found.equal());
  REQUIRE(found.samples.total == 1);
  const ChangedSample& sample = found.samples.first[0];
  CHECK(sample.dot == Dot{telemetry(), 34});
  CHECK(sample.series == "room/temperature");
  CHECK(sample.a == Value(53.5));
  CHECK(sample.b == Value(-1.5));
  CHECK(found.changed_dots == 1);
  CHECK(found.sum().dots == kEvents - 1);
  CHECK(found.sum().samples == kEvents + kEvents * 2 / 3 - 1);
  CHECK(found.disagreements.total == 0);
}

TEST_CASE("values are compared by their bits and types", "[engine][diff]") {
  struct Row {
    Value a, b;
    bool equal;
  };
  const auto row = GENERATE(values<Row>({
      {0.0, -0.0, false},
      {1.0, std::int64_t{1}, false},
      {std::string("ab"), Bytes{std::byte{'a'}, std::byte{'b'}}, false},
      {std::string("ab"), std::string("ab"), true},
  }));
  auto events = some_events(1);
  events[0].readings = {{1, row.a}};
  const auto a = store_with(events);
  events[0].readings = {{1, row.b}};
  const auto b = store_with(events);
  CHECK(diff(*a, *b).equal() == row.equal);
}

TEST_CASE("an event that differs in time, boot, quality, source or the series it has is named",
          "[engine][diff]") {
  struct Row {
    const char* what;
    void (*change)(Event&);
    std::uint64_t events, samples;
  };
  const auto row = GENERATE(values<Row>({
      {"time", [](Event& e) { ++e.time; }, 1, 0},
      {"boot", [](Event& e) { e.boot = 2; }, 1, 0},
      {"quality", [](Event& e) { e.quality = Quality::kBad; }, 1, 0},
      {"source",
       [](Event& e) {
         e.source = Source{1, 2};
       },
       1, 0},
      {"a series less", [](Event& e) { e.readings.pop_back(); }, 0, 1},
      {"time and value", [](Event& e) { ++e.time, e.readings[0].value = 0.0; }, 1, 1},
  }));
  CAPTURE(row.what);
  auto events = some_events(kEvents);
  row.change(events[3]);
  const StoreDiff found = diff(*some_store(), *store_with(events));
  CHECK(!found.equal());
  CHECK(found.events.total == row.events);
  CHECK(found.samples.total == row.samples);
  CHECK(found.changed_dots == 1);
  if (row.events != 0) CHECK(found.events.first[0].dot.seq == 4);
  if (row.samples != 0) CHECK(found.samples.first[0].dot.seq == 4);
}

TEST_CASE("a dropped dot is named, and so is the knowledge that still claims it", "[engine][diff]") {
  const auto store = some_store();
  const auto events = some_events(kEvents);
  const std::span all(events);
  // Dot 25 is missing, dots 1 to 10 are gone with their block, and all are held as before.
  const Forged forged(*store, {block_of(telemetry(), 11, all.subspan(10, 14)),
                               block_of(telemetry(), 26, all.subspan(25, 35))});
  const StoreDiff found = diff(*store, forged);
  REQUIRE(found.only_a.first.size() == 2);
  CHECK(found.only_a.total == 11);
  CHECK(found.only_a.first[0].dots == Interval{1, 10});
  CHECK(found.only_a.first[1].dots == Interval{25, 25});
  CHECK(found.only_a.first[1].other == DotState::kHeld);
  CHECK(found.only_b.total == 0);
  REQUIRE(found.disagreements.first.size() == 2);
  CHECK(found.disagreements.first[1].store == Disagreement::Store::kB);
  CHECK(found.disagreements.first[1].kind == Disagreement::Kind::kHeldWithoutEvent);
  CHECK(found.disagreements.first[1].dots == Interval{25, 25});
  CHECK(found.sum().dots == kEvents - 11);
  CHECK(diff(forged, *store).only_b.total == 11);
}

TEST_CASE("an event that its store does not claim to hold is a disagreement, also if both have it",
          "[engine][diff]") {
  const auto store = store_of([] {
    Batch batch;
    batch.declarations = series_of(telemetry());
    return batch;
  }());
  const Forged forged(*store, blocks_of(telemetry(), some_events(5), 5));
  const StoreDiff found = diff(forged, forged);
  CHECK(!found.equal());
  CHECK(found.sum().dots == 5);
  REQUIRE(found.disagreements.first.size() == 2);
  CHECK(found.disagreements.total == 10);
  CHECK(found.disagreements.first[0].kind == Disagreement::Kind::kEventNotHeld);
}

TEST_CASE("lone dots say what the other store knows of them", "[engine][diff]") {
  Batch batch = some_contents(kEvents, 10);
  batch.blocks.clear();
  Knowledge::Entry known{telemetry(), {}};
  known.known.hold({1, 5});
  known.known.drop({1, 5});
  known.known.declare_void({6, 8});
  batch.knowledge.push_back(known);
  const StoreDiff found = diff(*some_store(), *store_of(std::move(batch)));
  REQUIRE(found.only_a.first.size() == 3);
  CHECK(found.only_a.first[0].other == DotState::kDropped);
  CHECK(found.only_a.first[1].other == DotState::kVoid);
  CHECK(found.only_a.first[2].other == DotState::kUnknown);
  CHECK(found.only_a.first[2].dots == Interval{9, kEvents});
  CHECK(found.disagreements.total == 0);
}

TEST_CASE("a stream that one store has never heard of is only in the other", "[engine][diff]") {
  Batch more = some_contents(kEvents, 10);
  const StreamId other = stream_of(kTelemetry, 2);
  for (auto& block : blocks_of(other, some_events(4), 2)) more.blocks.push_back(block);
  for (auto& series : series_of(other)) more.declarations.push_back(series);
  const StoreDiff found = diff(*some_store(), *store_of(std::move(more)));
  REQUIRE(found.only_b.first.size() == 1);
  CHECK(found.only_b.first[0].stream == other);
  CHECK(found.only_b.first[0].dots == Interval{1, 4});
  CHECK(found.series.total == 2);
  CHECK(found.sum().dots == kEvents);
}

TEST_CASE("two swapped values of a map are both named, with equal versions", "[engine][diff]") {
  Batch batch = some_contents(kEvents, 10);
  std::swap(batch.entries[0].entry.value, batch.entries[1].entry.value);
  const StoreDiff found = diff(*some_store(), *store_of(std::move(batch)));
  CHECK(!found.equal());
  REQUIRE(found.entries.total == 2);
  CHECK(found.entries.first[0].a->key == "pump/limit");
  CHECK(found.entries.first[0].a->value == "21");
  CHECK(found.entries.first[0].b->value == "auto");
  CHECK(found.entries.first[0].a->version == found.entries.first[0].b->version);
  CHECK(found.entries.first[1].a->key == "pump/mode");
  CHECK(found.sum().keys == 0);
}

TEST_CASE("an entry that only one store has, a later version and a tombstone are differences",
          "[engine][diff]") {
  struct Row {
    const char* what;
    void (*change)(std::vector<MapWrite>&);
  };
  const auto row = GENERATE(values<Row>({
      {"missing", [](auto& entries) { entries.erase(entries.begin()); }},
      {"no tombstone", [](auto& entries) { entries.pop_back(); }},
      {"other dot", [](auto& entries) { entries[0].entry.version.dot.seq = 9; }},
      {"other epoch", [](auto& entries) { entries[0].entry.version.epoch = 1; }},
      {"removed", [](auto& entries) { entries[0].entry.tombstone = true, entries[0].entry.value.clear(); }},
  }));
  CAPTURE(row.what);
  Batch batch = some_contents(kEvents, 10);
  row.change(batch.entries);
  const auto other = store_of(std::move(batch));
  CHECK(diff(*some_store(), *other).entries.total == 1);
  CHECK(diff(*other, *some_store()).entries.total == 1);
}

TEST_CASE("a tombstone that is collected in one store is no difference", "[engine][diff]") {
  Batch batch = some_contents(kEvents, 10);
  StoredFloor stored{kSettings, {}};
  stored.floor.stamp = batch.entries.back().entry.version.stamp;
  stored.floor.collected.hold(batch.entries.back().entry.version.dot);
  batch.entries.pop_back();
  batch.pruning.floors = {stored};
  const auto other = store_of(std::move(batch));
  CHECK(diff(*some_store(), *other).equal());
  CHECK(diff(*other, *some_store()).equal());
  CHECK(diff(*other, *other).equal());
}

TEST_CASE("a map of which nothing is left but its floor is a map, and equals itself", "[engine][diff]") {
  Batch batch;
  StoredFloor stored{kSettings, {}};
  const Dot gone{{kSettings, StreamClass::kMetric, {}, {}}, 3};
  stored.floor.stamp.bits = 1;
  stored.floor.collected.hold(gone);
  StreamKnowledge known;
  known.hold({1, 3});
  batch.knowledge = {{gone.stream, known}};
  batch.pruning.floors = {stored};
  const auto store = store_of(std::move(batch));
  const StoreDiff found = diff(*store, *store);
  CHECK(found.equal());
  REQUIRE(found.datasets.size() == 1);
  CHECK(found.datasets[0].map);
}

TEST_CASE("equal bytes under other names are other samples", "[engine][diff]") {
  Batch batch = some_contents(kEvents, 10);
  batch.declarations[1].decl.name = "room/humidity";
  const StoreDiff found = diff(*some_store(), *store_of(std::move(batch)));
  CHECK(!found.equal());
  REQUIRE(found.series.total == 1);
  CHECK(found.series.first[0].number == 2);
  CHECK(found.series.first[0].a->name == "room/count");
  CHECK(found.series.first[0].b->name == "room/humidity");
  CHECK(found.changed_dots == kEvents * 2 / 3);
  CHECK(found.samples.total == 2 * kEvents * 2 / 3);  // One is missing in each store.
  CHECK(found.sum().samples == kEvents);
}

TEST_CASE("another unit or a missing declaration is found where events use the series", "[engine][diff]") {
  Batch batch = some_contents(kEvents, 10);
  batch.declarations[0].decl.unit = "K";
  batch.declarations.push_back({telemetry(), {3, "unused", "", ValueType::kInt}});
  const StoreDiff unit = diff(*some_store(), *store_of(std::move(batch)));
  CHECK(unit.series.total == 1);
  CHECK(unit.samples.total == 0);
  CHECK(!unit.equal());

  batch = some_contents(kEvents, 10);
  batch.declarations.pop_back();
  const StoreDiff missing = diff(*some_store(), *store_of(std::move(batch)));
  REQUIRE(missing.series.total == 1);
  CHECK(!missing.series.first[0].b);
  CHECK(missing.samples.total == 2 * kEvents * 2 / 3);
}

TEST_CASE("of many differences the first are kept and all are counted", "[engine][diff]") {
  auto events = some_events(kEvents);
  for (Event& event : events) event.readings[0].value = 0.0;
  const StoreDiff found = diff(*some_store(), *store_with(events), 3);
  CHECK(found.samples.first.size() == 3);
  CHECK(found.samples.total == kEvents);
}

TEST_CASE("what cannot be read is an error that names store and block, not a difference", "[engine][diff]") {
  struct Row {
    const char* what;
    void (*spoil)(std::vector<StoredBlock>&);
    const char* words;
    ErrorCode code;
  };
  const auto row = GENERATE(values<Row>({
      {"bytes", [](auto& b) { b[1].bytes = std::make_shared<const Bytes>(20); }, "dots 11 to 20",
       ErrorCode::kCorrupt},
      {"codec", [](auto& b) { b[1].codec = 77; }, "codec 77", ErrorCode::kUnsupported},
      {"number of events", [](auto& b) { b[1].events = 9; }, "dots 11 to 19", ErrorCode::kCorrupt},
      {"times", [](auto& b) { ++b[1].time_max; }, "dots 11 to 20", ErrorCode::kCorrupt},
      {"overlap", [](auto& b) { b[1].first = 10; }, "overlaps dots 1 to 10", ErrorCode::kCorrupt},
      {"the same twice", [](auto& b) { b.insert(b.begin(), b[0]); }, "overlaps dots 1 to 10",
       ErrorCode::kCorrupt},
  }));
  CAPTURE(row.what);
  const auto store = some_store();
  auto blocks = blocks_of(telemetry(), some_events(kEvents), 10);
  row.spoil(blocks);
  const Forged forged(*store, blocks);
  for (const Error& error : {failure(*store, forged), failure(forged, *store), failure(forged, forged)}) {
    CHECK(error.code == row.code);
    CHECK_THAT(error.text, Catch::Contains(row.words));
  }
  CHECK_THAT(failure(*store, forged).text, Catch::StartsWith("B: "));
  CHECK_THAT(failure(forged, *store).text, Catch::StartsWith("A: "));
}

TEST_CASE("a stream of many pages is compared to its end", "[engine][diff]") {
  auto events = some_events(3'000);
  for (std::size_t i = 0; i < events.size(); ++i)
    events[i].readings = {{1, std::string(1'000, char('a' + i % 7))}};
  Batch batch = some_contents(kEvents, 10);
  for (std::size_t i = 0; i < events.size(); ++i)
    std::get<std::string>(events[i].readings[0].value) += std::to_string(i);
  const auto a = store_with(events, 100), b = store_with(events, 130);
  CHECK(diff(*a, *b).sum().dots == 3'000);
  std::get<std::string>(events.back().readings[0].value) += "!";
  CHECK(diff(*a, *store_with(events, 130)).samples.first.at(0).dot.seq == 3'000);
}

TEST_CASE("a block that overlaps the last one of a page is seen too", "[engine][diff]") {
  std::vector<Event> events(220);
  for (std::size_t i = 0; i < events.size(); ++i) {
    events[i].readings = {{1, std::to_string(i) + std::string(7'000, static_cast<char>(i))}};
  }
  const auto store = some_store();
  const std::span all(events);
  const Forged whole(
      *store, {block_of(telemetry(), 1, all.first(100)), block_of(telemetry(), 101, all.subspan(100, 100)),
               block_of(telemetry(), 201, all.last(20))});
  CHECK(diff(whole, whole).sum().dots == 220);
  const Forged forged(
      *store, {block_of(telemetry(), 1, all.first(100)), block_of(telemetry(), 101, all.subspan(100, 100)),
               block_of(telemetry(), 150, all.first(9)), block_of(telemetry(), 201, all.last(20))});
  CHECK_THAT(failure(whole, forged).text, Catch::Contains("dots 150 to 158 overlaps dots 101 to 200"));
}

}  // namespace
}  // namespace deltamesh::testing
