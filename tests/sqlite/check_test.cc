// tests/sqlite/check_test.cc - a whole store is looked at, and no damage is missed.
#include "engine/sqlite/check.h"

#include <map>

#include "engine/sqlite/files.h"
#include "tests/engine/diff_fixture.h"
#include "tests/sqlite/pages.h"
#include "tests/sqlite/sqlite_fixture.h"

namespace deltamesh {
namespace {

const DatasetId kReadings{7}, kSettings{8};

StoredBlock block_of(const StreamId& stream, Seq first, std::size_t text_bytes) {
  std::vector<Event> events(8);
  for (std::size_t i = 0; i < events.size(); ++i) {
    events[i].time = static_cast<Ticks>(1000 * first + i);
    events[i].readings = {{1, 20.0 + static_cast<double>(first * i % 37)}};
  }
  std::string text(text_bytes, 'x');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>('a' + (first * 7 + i * i) % 23);
  events[0].readings.push_back({2, text});
  return testing::block_of(stream, first, events);
}

MapWrite entry_of(const StreamId& stream, Seq seq) {
  MapWrite write;
  write.dataset = kSettings;
  write.entry = {
      "pump-" + std::to_string(seq) + "/limit", {0, {seq << 20}, {stream, seq}}, false, "21.5", false, {}};
  return write;
}

// 1,000 blocks, some of them larger than a page, 200 map entries, and two incarnations.
std::string make_store(const TempFolder& folder) {
  const SqliteOptions options = options_for(folder.file("store"));
  REQUIRE(SqliteStore::open(options));
  empty_memory(options);
  const auto store = SqliteStore::open(options);
  REQUIRE(store);
  const auto [node, incarnation] = (*store)->identity();
  const StreamId readings{kReadings, StreamClass::kMetric, node, incarnation};
  const StreamId settings{kSettings, StreamClass::kMetric, node, incarnation};
  for (Seq block = 0; block < 1000; block += 100) {
    Batch batch;
    batch.id = BatchId{block + 1};
    batch.declarations = {
        {readings,
         {static_cast<SeriesNo>(block + 1), "series " + std::to_string(block), "Cel", ValueType::kDouble}}};
    for (Seq i = block; i < block + 100; ++i)
      batch.blocks.push_back(block_of(readings, 8 * i + 1, i % 50 == 0 ? 9000 : 20));
    for (Seq seq = block / 5 + 1; seq <= block / 5 + 20; ++seq)
      batch.entries.push_back(entry_of(settings, seq));
    batch.knowledge.push_back({settings, {}});
    batch.knowledge.back().known.hold({block / 5 + 1, block / 5 + 20});
    REQUIRE(commit_to(**store, std::move(batch)));
  }
  return options.path;
}

bool finds(const CheckReport& report, const std::string& words) {
  return std::any_of(report.findings.begin(), report.findings.end(),
                     [&](const std::string& one) { return one.find(words) != std::string::npos; });
}

TEST_CASE("a sound store has no findings, also while it is open", "[sqlite][check]") {
  const TempFolder folder;
  const std::string path = make_store(folder);
  std::unique_ptr<SqliteStore> open;
  if (GENERATE(false, true)) open = open_store_at(path);
  const auto report = check_contents(path);
  REQUIRE(report);
  CAPTURE(report->findings);
  CHECK(report->found == 0);
  CHECK(report->streams == 2);
  CHECK(report->series == 10);
  CHECK(report->entries == 200);
  CHECK(report->blocks == 1000);
  CHECK(report->events == 8000);
}

TEST_CASE("there is nothing to check where there is no file", "[sqlite][check]") {
  const TempFolder folder;
  CHECK(check_contents(folder.file("none")).error().code == ErrorCode::kNotFound);
}

TEST_CASE("what is wrong with a store is told with its place", "[sqlite][check]") {
  struct Row {
    const char* sql;
    const char* words;
  };
  const auto row = GENERATE(values<Row>({
      {"UPDATE meta SET opens = 99", "meta: the store's identity fails its checksum"},
      {"DELETE FROM meta", "meta: the store has no identity"},
      {"UPDATE incarnations SET reason = 'none' WHERE number = 1", "incarnation 1 fails its checksum"},
      {"UPDATE streams SET class = 2 WHERE dataset = 7", "streams: the name of a stream"},
      {"DELETE FROM streams WHERE dataset = 7", "a block of a stream that is not there"},
      {"UPDATE series SET unit = 'K' WHERE number = 101", "series: series 101 of"},
      {"UPDATE map_entries SET value = x'39' WHERE seq = 5", "map_entries: the map entry under key pump-5"},
      {"UPDATE blocks SET bytes = x'0000' WHERE first = 17", "dots 17 to 24 fails its checksum"},
      {"UPDATE knowledge SET head = 1000000", "knowledge: what is known of"},
      {"DELETE FROM blocks WHERE first = 17", "known to be held, and not there: the stream of dataset 7"},
      {"DELETE FROM knowledge", "nothing is known of"},
      {"DROP INDEX series_by_name", "tables: they are not defined"},
  }));
  CAPTURE(row.sql);
  const TempFolder folder;
  const std::string path = make_store(folder);
  run_raw(path, row.sql);
  const auto report = check_contents(path);
  REQUIRE(report);
  CAPTURE(report->findings);
  CHECK(finds(*report, row.words));
}

TEST_CASE("a store of another version is not called damaged, but not checked", "[sqlite][check]") {
  const TempFolder folder;
  const std::string path = make_store(folder);
  run_raw(path, "PRAGMA user_version = 77");
  CHECK(check_contents(path).error().code == ErrorCode::kUnsupported);
}

TEST_CASE("entries of a map delta whose last page is not there yet are no damage", "[sqlite][check]") {
  const TempFolder folder;
  const std::string path = folder.file("store");
  const auto store = open_store_at(path);
  Batch batch;
  batch.entries = {entry_of({kSettings, StreamClass::kMetric, NodeId{}, Incarnation{}}, 5)};
  REQUIRE(commit_to(*store, std::move(batch)));
  const auto report = check_contents(path);
  REQUIRE(report);
  CAPTURE(report->findings);
  CHECK(report->found == 0);
  CHECK(report->entries == 1);
}

TEST_CASE("a store that is opened while it is checked is looked at again", "[sqlite][check]") {
  const TempFolder folder;
  const std::string path = make_store(folder);
  const auto alone = sqlite::StandingStore::at(path);
  REQUIRE(alone);
  CHECK(alone->check(path));
  const auto store = open_store_at(path);
  CHECK_THAT(alone->check(path).error().text, Catch::Contains("has started to write"));
  CHECK(sqlite::StandingStore::at(path)->check(path));  // With its log, it is read with locks.
}

TEST_CASE("findings of a ruin are counted, and not all told", "[sqlite][check]") {
  const TempFolder folder;
  const std::string path = make_store(folder);
  run_raw(path, "UPDATE blocks SET checksum = 0; UPDATE map_entries SET checksum = 0");
  const auto report = check_contents(path);
  REQUIRE(report);
  CHECK(report->found > 1200);
  CHECK(report->findings.size() == kCheckFindingsMax);
}

TEST_CASE("one flipped bit is found, whatever kind of page it is on", "[sqlite][check]") {
  const TempFolder folder;
  const std::string path = make_store(folder);
  pack(path);
  REQUIRE(check_contents(path)->found == 0);
  const std::string sound = slurp(path);
  Random random(20'261'130);
  std::map<int, int> tried;  // By the first byte: kind of page.
  for (std::size_t page = 0; page < sound.size() / kPage; ++page) {
    const int kind = kind_of(sound, page);
    if (++tried[kind] > 60) continue;
    for (int flip = 0; flip < (kind == 13 || kind == 0 ? 1 : 8); ++flip) {
      const auto [from, bytes] = contents_of(sound, page);
      if (bytes == 0) continue;  // The root of a table without rows.
      const std::size_t at = from + random.below(bytes);
      spill(path, flipped(sound, {page, kind, at, static_cast<int>(random.below(8))}));
      const auto report = check_contents(path);
      CAPTURE(page, kind, at - page * kPage);
      CHECK((!report || report->found > 0));
    }
  }
  for (const int kind : kPageKinds) {
    CAPTURE(kind);
    CHECK(tried[kind] > 0);
  }
}

}  // namespace
}  // namespace deltamesh
