// tests/sqlite/repair_test.cc - what is left of a damaged store goes on, and a peer brings the rest.
#include "engine/sqlite/repair.h"

#include <map>
#include <set>

#include "engine/memory_store.h"
#include "engine/merging.h"
#include "engine/sqlite/check.h"
#include "engine/store_diff.h"
#include "tests/engine/diff_fixture.h"
#include "tests/engine/node_fixture.h"
#include "tests/sqlite/child_process.h"
#include "tests/sqlite/durable_steps.h"
#include "tests/sqlite/pages.h"
#include "tests/sqlite/raw_database.h"
#include "tests/sqlite/sqlite_fixture.h"
#include "tests/sqlite/store_contents.h"

namespace deltamesh {
namespace {

using Outcome = RepairReport::Outcome;
using test::kSettings;
using test::kTelemetry;

constexpr Seq kBlocks = 500, kEvents = 8, kSeries = 150, kWrites = 300, kKeys = 200;
constexpr HlcStamp kClock{(kWrites << 20) + 1};
constexpr Seq kNeverUsed = kBlocks * kEvents + 3;  // Numbers up to here were in a batch that failed.

std::vector<Event> events_of(Seq block) {
  std::vector<Event> events(kEvents);
  for (std::size_t i = 0; i < events.size(); ++i) {
    events[i].time = static_cast<Ticks>(1000 * block + i);
    events[i].readings = {
        {static_cast<SeriesNo>(block % kSeries + 1), 20.0 + static_cast<double>(block * i % 37)}};
  }
  std::string text(block % 50 == 0 ? 9000 : 20, 'x');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>('a' + (block * 7 + i * i) % 23);
  events[0].readings.push_back({kSeries + 1, text});
  return events;
}

SeriesDecl declaration(Seq number) {
  const ValueType type = number == kSeries + 1 ? ValueType::kString : ValueType::kDouble;
  return {static_cast<SeriesNo>(number), "hall/line-" + std::to_string(number) + "/temperature", "Cel", type};
}

// Both have written it last, with clocks that nothing vouches for: so one of them is in conflict.
const std::string kDisputed = "pump-0/owner";

// What two writers have written, as batches for any store: blocks, some larger than a page, and a map in
// which many a write was superseded, also by the other writer.
std::vector<Batch> contents(const Identity& one, const Identity& other) {
  std::vector<Batch> all;
  for (const Identity& writer : {one, other}) {
    const StreamId readings{kTelemetry, StreamClass::kMetric, writer.node, writer.incarnation};
    const StreamId settings{kSettings, StreamClass::kMetric, writer.node, writer.incarnation};
    Batch named;
    for (Seq number = 1; number <= kSeries + 1; ++number)
      named.declarations.push_back({readings, declaration(number)});
    all.push_back(std::move(named));
    for (Seq block = 0; block < kBlocks; block += 50) {
      Batch batch;
      for (Seq i = block; i < block + 50; ++i)
        batch.blocks.push_back(testing::block_of(readings, kEvents * i + 1, events_of(i)));
      all.push_back(std::move(batch));
    }
    Batch map;
    for (Seq seq = 1; seq <= kWrites; ++seq) {
      MapEntry entry;
      entry.untrusted = seq == kWrites;
      entry.key = entry.untrusted ? kDisputed : "pump-" + std::to_string(seq * seq % kKeys) + "/limit";
      entry.version.stamp = {(seq << 20) + ((writer == one) == (seq % 3 == 0) ? 1 : 0)};
      entry.version.dot = {settings, seq};
      entry.tombstone = seq % 7 == 0;
      if (!entry.tombstone) entry.value = std::to_string(seq);
      map.entries.push_back({kSettings, std::move(entry)});
    }
    map.clock = kClock;
    map.knowledge.push_back({settings, {}});
    map.knowledge.back().known.hold({1, kWrites});
    all.push_back(std::move(map));
  }
  return all;
}

const Identity kOther = test::identity(50);

// A store of two incarnations, and a peer that holds the same.
class Scene {
 public:
  Scene() {
    const SqliteOptions options = options_for(path());
    REQUIRE(SqliteStore::open(options));
    empty_memory(options);
    const auto store = SqliteStore::open(options);
    REQUIRE(store);
    self_ = (*store)->identity();
    Reports reports;
    for (const Batch& batch : contents(self_, kOther)) {
      (*store)->commit(batch, reports.callback());
      peer_.commit(batch, {});
    }
    Batch head;
    head.knowledge.push_back({readings(), {}});
    head.knowledge.back().known.declare_head(kNeverUsed, kBlocks * kEvents);
    (*store)->commit(head, reports.callback());
    reports.wait();
    REQUIRE(reports.last());
  }

  [[nodiscard]] std::string path() const { return folder_.file("store"); }
  [[nodiscard]] const Identity& self() const { return self_; }
  [[nodiscard]] const MemoryStore& peer() const { return peer_; }
  [[nodiscard]] StreamId readings() const {
    return {kTelemetry, StreamClass::kMetric, self_.node, self_.incarnation};
  }

 private:
  TempFolder folder_;
  Identity self_;
  MemoryStore peer_{test::identity(60), MemoryStore::Sync::kAuto};
};

RepairReport repaired(const std::string& path) {
  const auto report = repair_store(path);
  INFO((report ? std::string() : report.error().text));
  REQUIRE(report);
  CHECK(report->outcome == Outcome::kRepaired);
  const auto after = check_contents(path);
  REQUIRE(after);
  CAPTURE(after->findings);
  CHECK(after->found == 0);
  return *report;
}

const RepairReport::Stream& stream_of(const RepairReport& report, const StreamId& stream) {
  const auto is = [&](const auto& one) { return one.stream == stream; };
  const auto found = std::find_if(report.streams.begin(), report.streams.end(), is);
  REQUIRE(found != report.streams.end());
  return *found;
}

// The store's contents in memory, where a node is soon run.
MemoryStore loaded(const std::string& path) {
  const auto reader = SqliteReader::open_read_only(path);
  REQUIRE(reader);
  const auto contents = read_contents(**reader);
  REQUIRE(contents);
  const StoreImage& image = contents->image;
  MemoryStore store(image.identity, MemoryStore::Sync::kAuto);
  Batch batch;
  batch.declarations = image.series;
  batch.unnamed = image.unnamed;
  batch.blocks = contents->blocks;
  batch.entries = image.entries;
  batch.knowledge = image.knowledge.entries();
  batch.clock = image.clock;
  store.commit(std::move(batch), [](BatchId, const Status& status) { REQUIRE(status); });
  return store;
}

struct Met {
  std::size_t deltas = 0;       // Blocks that travelled,
  std::size_t map_entries = 0;  // and entries.
};

// A node on the repaired store meets the peer, and both come to hold the same.
Met meet(const Scene& scene) {
  test::TestNode node(loaded(scene.path()), test::config()), peer(scene.peer(), test::config());
  test::TestNet net;
  net.connect(node, peer);
  net.run();
  const auto diff = diff_stores(node.store(), peer.store());
  REQUIRE(diff);
  CHECK(diff->equal());
  CHECK(diff->sum().dots == 2 * kBlocks * kEvents);
  CHECK(diff->sum().keys + diff->sum().tombstones == scene.peer().image()->entries.size());
  CHECK(node.node().knowledge() == peer.node().knowledge());
  CHECK(node.store().image()->series == scene.peer().image()->series);
  CHECK(node.store().image()->unnamed.empty());
  Met met{test::only<message::Delta>(net.said).size(), 0};
  for (const auto& page : test::only<message::MapDelta>(net.said)) met.map_entries += page.entries.size();
  return met;
}

TEST_CASE("a sound store is left as it is", "[sqlite][repair]") {
  const Scene scene;
  const std::string before = slurp(scene.path());
  const auto report = repair_store(scene.path());
  REQUIRE(report);
  CHECK(report->outcome == Outcome::kSound);
  CHECK(!report->lost_something());
  CHECK(slurp(scene.path()) == before);
  CHECK(!std::filesystem::exists(scene.path() + ".damaged"));
}

TEST_CASE("nothing is repaired where nothing is, and nothing made", "[sqlite][repair]") {
  const TempFolder folder;
  CHECK(repair_store(folder.file("none")).error().code == ErrorCode::kNotFound);
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("a store that a node runs on is not repaired", "[sqlite][repair]") {
  const Scene scene;
  run_raw(scene.path(), "UPDATE blocks SET checksum = 0 WHERE id = 5");
  const auto store = open_store_at(scene.path());
  const auto report = repair_store(scene.path());
  REQUIRE(!report);
  CHECK_THAT(report.error().text, Catch::Contains("another process has this store open"));
}

TEST_CASE("a store of a newer version is not repaired", "[sqlite][repair]") {
  const Scene scene;
  run_raw(scene.path(), "PRAGMA user_version = 1; CREATE TABLE news (id INTEGER PRIMARY KEY)");
  const auto report = repair_store(scene.path());
  REQUIRE(!report);
  CHECK(report.error().code == ErrorCode::kUnsupported);
}

TEST_CASE("lost blocks are named and come back; the rest stays, under a new incarnation",
          "[sqlite][repair]") {
  const Scene scene;
  run_raw(scene.path(), "UPDATE blocks SET checksum = 0 WHERE first IN (17, 801)");
  const std::string before = slurp(scene.path());
  const RepairReport report = repaired(scene.path());
  CHECK(report.lost_something());
  CHECK(report.blocks == 2 * kBlocks - 4);
  CHECK(report.series == 2 * (kSeries + 1));
  CHECK(report.maps_whole);
  CHECK(report.unnamed.empty());
  CHECK(report.notes.empty());
  IntervalSet lost({17, 24});
  lost.add({801, 808});
  const auto& own = stream_of(report, scene.readings());
  CHECK(own.known);
  CHECK(own.asked == lost);
  CHECK(own.there == IntervalSet({1, kBlocks * kEvents}).minus(lost));
  CHECK(report.identity.node == scene.self().node);
  CHECK(report.identity.incarnation != scene.self().incarnation);
  CHECK(slurp(report.kept) == before);

  const MemoryStore store = loaded(scene.path());
  CHECK(store.identity() == report.identity);
  const Knowledge knowledge = *store.knowledge();
  const StreamKnowledge* const known = knowledge.find(scene.readings());
  REQUIRE(known != nullptr);
  CHECK(known->missing() == lost);
  CHECK(known->voided() == IntervalSet({kBlocks * kEvents + 1, kNeverUsed}));
  CHECK(known->settled() == kNeverUsed);
  CHECK(store.image()->clock == kClock);
  const Met met = meet(scene);
  CHECK(met.deltas == 4);
  CHECK(met.map_entries == 0);
}

TEST_CASE("names that are lost are asked for, and no block is given up for them", "[sqlite][repair]") {
  const Scene scene;
  run_raw(scene.path(), "UPDATE series SET unit = 'K' WHERE number IN (5, 151)");
  const RepairReport report = repaired(scene.path());
  REQUIRE(report.unnamed.size() == 4);
  CHECK(report.lost_something());
  CHECK(report.blocks == 2 * kBlocks);
  for (const auto& [key, name] : report.unnamed) CHECK(name == declaration(key.number).name);
  CHECK(stream_of(report, scene.readings()).asked.empty());
  CHECK(meet(scene).deltas == 0);
}

TEST_CASE("of a block and those that became it, a repair takes whatever is there of each",
          "[sqlite][repair]") {
  const Scene scene;
  const auto merge = [&scene](Interval dots) {
    const auto store = open_store_at(scene.path());
    const auto reader = store->make_reader();
    REQUIRE(reader);
    const auto blocks = (*reader)->blocks(scene.readings(), dots, 1u << 24);
    REQUIRE(blocks);
    Batch batch;
    batch.merged.push_back(*merge_stored(*blocks));
    REQUIRE(batch.merged[0].interval() == dots);
    REQUIRE(commit_to(*store, std::move(batch)));
  };
  // As on pages that became free: three small blocks, then one that they were part of, and that became part
  // of the one that is damaged.
  run_raw(
      scene.path(),
      "CREATE TABLE was (id INTEGER PRIMARY KEY, stream, first, last, codec, quality, time_min, time_max, "
      "boot_min, boot_max, ticks_min, ticks_max, checksum, bytes); "
      "INSERT INTO was SELECT * FROM blocks WHERE id IN (3, 4, 5)");
  merge({1, 200});
  run_raw(scene.path(), "INSERT INTO was SELECT * FROM blocks WHERE last = 200 AND first = 1");
  merge({1, 1'000});
  run_raw(scene.path(), "UPDATE blocks SET checksum = 0 WHERE last = 1000 AND first = 1");
  const RepairReport report = repaired(scene.path());
  CHECK(report.events == 2 * kBlocks * kEvents - 800);
  CHECK(meet(scene).deltas > 0);
}

TEST_CASE("a map that lost an entry knows only what is there, so that nothing stays lost",
          "[sqlite][repair]") {
  const Scene scene;
  run_raw(scene.path(), "UPDATE map_entries SET value = x'39' WHERE seq = 299");
  const RepairReport report = repaired(scene.path());
  CHECK(!report.maps_whole);
  CHECK(report.entries == scene.peer().image()->entries.size() - 1);
  const std::string key = "pump-" + std::to_string(299 * 299 % kKeys) + "/limit";
  CHECK(report.keys == std::vector{std::pair(kSettings, key)});
  const StoreImage image = *loaded(scene.path()).image();
  std::set<Dot> there;
  for (const MapWrite& write : image.entries) there.insert(write.entry.version.dot);
  for (const auto& [stream, known] : image.knowledge.entries()) {
    if (stream.dataset != kSettings) continue;
    for (Seq seq = 1; seq <= kWrites; ++seq)
      CHECK(known.held().contains(seq) == there.contains({stream, seq}));
  }
  CHECK(meet(scene).map_entries == 1);
}

// Rows that were taken out of a map may still stand on some page.
TEST_CASE("a map that forgets removed keys is taken anew where its entries may not be what they were",
          "[sqlite][repair]") {
  const Scene scene;
  const bool lost = GENERATE(false, true);
  const MapWrite late = scene.peer().image()->entries[0];
  StoredFloor stored{kSettings, {}};
  stored.floor.stamp.bits = 1;
  stored.floor.collected.hold(late.entry.version.dot);
  {
    const auto store = SqliteStore::open(options_for(scene.path()));
    REQUIRE(store);
    Batch batch;
    batch.pruning.floors = {stored};
    batch.pruning.surfaced = {late};
    Reports reports;
    (*store)->commit(batch, reports.callback());
    reports.wait();
    REQUIRE(reports.last());
  }
  run_raw(scene.path(), lost ? "UPDATE map_entries SET value = x'39' WHERE seq = 299"
                             : "UPDATE meta SET opens = opens + 1");
  CHECK(repaired(scene.path()).maps_whole == !lost);
  const auto reader = SqliteReader::open_read_only(scene.path());
  REQUIRE(reader);
  const StoreImage image = *(*reader)->image();
  REQUIRE(image.floors.size() == 1);
  stored.floor.rejoining = lost;
  CHECK(image.floors[0].floor == stored.floor);
  CHECK((*reader)->surfaced(kSettings, {})->size() == 1);
  for (const auto& [stream, known] : image.knowledge.entries()) {
    if (stream.dataset == kSettings) CHECK(known.held().empty() == lost);
  }
}

TEST_CASE("a write in conflict is kept, and one that is lost comes again", "[sqlite][repair]") {
  const Scene scene;
  const bool lost = GENERATE(false, true);
  run_raw(scene.path(), lost ? "UPDATE map_entries SET value = x'39' WHERE place = 1"
                             : "UPDATE meta SET opens = opens + 1");
  const RepairReport report = repaired(scene.path());
  CHECK(report.maps_whole == !lost);
  CHECK(report.entries == scene.peer().image()->entries.size() - (lost ? 1 : 0));
  const auto all = loaded(scene.path()).image()->entries;
  const auto disputed = std::count_if(all.begin(), all.end(),
                                      [](const MapWrite& write) { return write.entry.key == kDisputed; });
  CHECK(disputed == (lost ? 1 : 2));
  CHECK(meet(scene).map_entries == (lost ? 1 : 0));
}

TEST_CASE("what was known of a stream is taken from what is there where it cannot be read",
          "[sqlite][repair]") {
  const Scene scene;
  run_raw(scene.path(), "UPDATE knowledge SET head = head + 1");
  const RepairReport report = repaired(scene.path());
  CHECK(report.streams.size() == 4);
  for (const auto& stream : report.streams) CHECK(!stream.known);
  CHECK(report.lost_something());
  CHECK(report.maps_whole);
  CHECK(meet(scene).deltas == 0);
}

TEST_CASE("without its own row, the node's name is in the fence, and the clock in the map",
          "[sqlite][repair]") {
  const Scene scene;
  run_raw(scene.path(), "UPDATE meta SET clock = 5");
  const RepairReport report = repaired(scene.path());
  CHECK(report.identity.node == scene.self().node);
  CHECK(!report.notes.empty());
  CHECK(loaded(scene.path()).image()->clock == kClock);
  CHECK(loaded(scene.path()).knowledge()->find(scene.readings())->voided().size() == 3);
  meet(scene);
}

TEST_CASE("a store without a name is not repaired, and stays as it is", "[sqlite][repair]") {
  const Scene scene;
  run_raw(scene.path(), "UPDATE meta SET clock = 5");
  std::filesystem::remove(scene.path() + ".fence");
  const std::string before = slurp(scene.path());
  const auto report = repair_store(scene.path());
  REQUIRE(!report);
  CHECK_THAT(report.error().text, Catch::Contains("has lost the node's name, and there is no fence"));
  CHECK(slurp(scene.path()) == before);
  CHECK(!std::filesystem::exists(scene.path() + ".damaged"));
  CHECK(!std::filesystem::exists(scene.path() + ".repaired"));
  CHECK(!std::filesystem::exists(scene.path() + ".repaired.part"));
}

TEST_CASE("a stream whose name is lost is lost with all of it, and comes back", "[sqlite][repair]") {
  const Scene scene;
  run_raw(scene.path(), "DELETE FROM streams WHERE id = 1");
  const RepairReport report = repaired(scene.path());
  CHECK(report.nameless > kBlocks);
  CHECK(report.blocks == kBlocks);
  CHECK(meet(scene).deltas == kBlocks);
}

TEST_CASE("names of streams are found in their index, too", "[sqlite][repair]") {
  const Scene scene;
  pack(scene.path());
  overwrite_page(scene.path(), root_page(scene.path(), "streams"), '\0');
  const RepairReport report = repaired(scene.path());
  CHECK(report.nameless == 0);
  CHECK(report.blocks == 2 * kBlocks);
  CHECK(meet(scene).deltas == 0);
}

// The store with a block more, and with its log, as after a crash.
void crash_with_log(const Scene& scene, const std::string& copy) {
  const auto store = open_store_at(scene.path());
  Batch batch;
  batch.blocks = {testing::block_of(scene.readings(), kNeverUsed + 1, events_of(1))};
  REQUIRE(commit_to(*store, std::move(batch)));
  for (const char* side : {"", "-wal"}) std::filesystem::copy_file(scene.path() + side, copy + side);
}

TEST_CASE("what the log has committed is salvaged with the rest, and the log is kept", "[sqlite][repair]") {
  const Scene scene;
  run_raw(scene.path(), "UPDATE blocks SET checksum = 0 WHERE id = 5");
  const TempFolder elsewhere;
  const std::string copy = elsewhere.file("store");
  crash_with_log(scene, copy);
  const std::string log = slurp(copy + "-wal");
  REQUIRE(!log.empty());
  const RepairReport report = repaired(copy);
  CHECK(report.maps_whole);
  CHECK(stream_of(report, scene.readings()).there.contains(kNeverUsed + 1));
  CHECK(!std::filesystem::exists(copy + "-wal"));
  CHECK(slurp(report.kept + "-wal") == log);
}

TEST_CASE("where a log breaks off, entries of maps may be lost behind it", "[sqlite][repair]") {
  const Scene scene;
  run_raw(scene.path(), "UPDATE blocks SET checksum = 0 WHERE id = 5");
  const TempFolder elsewhere;
  const std::string copy = elsewhere.file("store");
  crash_with_log(scene, copy);
  std::string log = slurp(copy + "-wal");
  const std::size_t place =
      GENERATE(as<std::size_t>{}, 5, 32 + 9, 32 + 100, 32 + 24 + kPage + 8);  // Heads, salts, a page.
  CAPTURE(place);
  log[place] = static_cast<char>(log[place] ^ 4);
  spill(copy + "-wal", log);
  CHECK(!repaired(copy).maps_whole);
}

TEST_CASE("a damaged store that was kept before is not written over", "[sqlite][repair]") {
  const Scene scene;
  spill(scene.path() + ".damaged", "of last year");
  spill(scene.path() + ".damaged.2-wal", "and its log");
  run_raw(scene.path(), "UPDATE blocks SET checksum = 0 WHERE id = 5");
  const RepairReport report = repaired(scene.path());
  CHECK(report.kept != scene.path() + ".damaged");
  CHECK(slurp(scene.path() + ".damaged") == "of last year");
  CHECK(slurp(scene.path() + ".damaged.2-wal") == "and its log");
}

TEST_CASE("a ruin gives what is left of it", "[sqlite][repair]") {
  struct Row {
    const char* what;
    void (*spoil)(std::string& file);
  };
  const auto row = GENERATE(values<Row>({
      {"no first page", [](std::string& file) { file.replace(0, kPage, kPage, '\xff'); }},
      {"every third page is gone",
       [](std::string& file) {
         for (std::size_t at = 0; at < file.size(); at += 3 * kPage) file.replace(at, kPage, kPage, '\0');
       }},
      {"half of it is missing", [](std::string& file) { file.resize(file.size() / 2 + 77); }},
      {"nothing but zeros", [](std::string& file) { file.assign(file.size(), '\0'); }},
      {"three bytes", [](std::string& file) { file = "xyz"; }},
  }));
  CAPTURE(row.what);
  const Scene scene;
  std::string file = slurp(scene.path());
  row.spoil(file);
  spill(scene.path(), file);
  const RepairReport report = repaired(scene.path());
  CHECK(report.lost_something());
  CHECK(slurp(report.kept) == file);
  CHECK(report.identity.node == scene.self().node);
  meet(scene);
  CHECK(open_store_at(scene.path())->identity().node == scene.self().node);
}

TEST_CASE("bytes spoiled at random all over a store cost what they hit, and nothing else",
          "[sqlite][repair]") {
  const Scene scene;
  const std::string sound = slurp(scene.path());
  Random random(GENERATE(as<std::uint64_t>{}, 1, 2, 3, 4, 5, 6));
  std::string spoiled = sound;
  for (std::uint64_t left = random.between(1, 400); left > 0; --left)
    spoiled[random.below(spoiled.size())] = static_cast<char>(random.below(256));
  spill(scene.path(), spoiled);
  repaired(scene.path());
  meet(scene);
}

// Returns how many bits nothing reads.
int check_flips(std::size_t pages, int bits) {
  const Scene scene;
  pack(scene.path());
  const std::string sound = slurp(scene.path());
  Random random(20'261'130);
  std::map<int, int> tried;
  int unread = 0;
  for (const FlippedBit& flip : flips_of_each_kind(sound, random, pages, bits)) {
    CAPTURE(flip.page, flip.kind, flip.at % kPage, flip.bit);
    spill(scene.path(), flipped(sound, flip));
    const auto found = check_contents(scene.path());
    if (found && found->found == 0) {  // Such as the type of a column that repeats the row's number.
      CHECK(meet(scene).deltas == 0);
      ++unread;
      continue;
    }
    const RepairReport report = repaired(scene.path());
    meet(scene);
    std::filesystem::remove(report.kept);
    ++tried[flip.kind];
  }
  CHECK(tried.size() == kPageKinds.size());
  return unread;
}

TEST_CASE("one flipped bit is found, and repaired from a peer, whatever kind of page it is on",
          "[sqlite][repair]") {
  CHECK(check_flips(8, 2) == 0);
}

TEST_CASE("the same on every page", "[.many][sqlite][repair]") {
  CHECK(check_flips(~std::size_t{0}, 8) < 10);
}

// Repairs, and ends before durable step `number`; true if it came to its end.
bool repair_until(const std::string& path, int number) {
  ChildProcess child([&](NumberPipe& to_parent, NumberPipe&) {
    int left = number;
    const StepWatch watch([&left](Step) { return --left == 0 ? ::_exit(0), 0 : 0; });
    if (!repair_store(path)) ::_exit(4);
    to_parent.put(1);
  });
  return child.take().has_value();
}

TEST_CASE("killed before any step, a repair leaves the old store or the new one, and goes through again",
          "[sqlite][repair][crash]") {
  const Scene scene;
  run_raw(scene.path(), "UPDATE blocks SET checksum = 0 WHERE id = 5");
  std::map<std::string, std::string> damaged;
  {
    const auto store = open_store_at(scene.path());  // Whose log is there, as after a crash.
    for (const char* side : {"", "-wal", "-shm"}) damaged[side] = slurp(scene.path() + side);
  }
  const bool open_next = GENERATE(false, true);
  std::set<Outcome> outcomes;
  bool whole = false;
  for (int number = 1; !whole; ++number) {
    CAPTURE(number);
    const TempFolder folder;
    const std::string path = folder.file("store");
    for (const auto& [side, bytes] : damaged) spill(path + side, bytes);
    whole = repair_until(path, number);
    const bool waits = std::filesystem::exists(path + ".repaired");
    const bool is_new = waits || std::filesystem::exists(path + ".damaged");
    if (!is_new) CHECK((slurp(path) == damaged[""] && slurp(path + "-wal") == damaged["-wal"]));
    if (open_next) {
      const auto store = open_store_at(path);
      CHECK(!std::filesystem::exists(path + ".repaired"));
      CHECK((*(*store->make_reader())->knowledge()->find(scene.readings())).missing().empty() == !is_new);
    } else {
      const auto report = repair_store(path);
      REQUIRE(report);
      outcomes.insert(report->outcome);
      const Outcome rest = is_new ? Outcome::kSound : Outcome::kRepaired;
      CHECK(report->outcome == (waits ? Outcome::kFinished : rest));
      CHECK(check_contents(path)->found == 0);
    }
    if (!is_new) continue;
    CHECK(slurp(path + ".damaged") == damaged[""]);
    CHECK(slurp(path + ".damaged-wal") == damaged["-wal"]);
    CHECK(!std::filesystem::exists(path + ".damaged.2"));
  }
  if (!open_next) CHECK(outcomes.size() == 3);
}

}  // namespace
}  // namespace deltamesh
