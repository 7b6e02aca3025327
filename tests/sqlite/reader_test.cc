// tests/sqlite/reader_test.cc - readers beside the writer, on copies, and on damaged rows.
#include <atomic>
#include <limits>
#include <thread>

#include "tests/sqlite/raw_database.h"
#include "tests/sqlite/sqlite_fixture.h"

namespace deltamesh {
namespace {

StreamId stream_of(const Identity& identity) {
  return local_batch(identity, 1, 1).blocks[0].stream;
}

TEST_CASE("a reader beside the writer sees whole batches only", "[sqlite][reader]") {
  const TempFolder folder;
  SqliteOptions options = options_for(folder.file("store"));
  options.log_pages_max = 50;  // Checkpoints run meanwhile.
  const auto store = SqliteStore::open(options);
  REQUIRE(store);
  std::atomic<bool> done{false};
  std::atomic<int> seen{0}, torn{0};
  std::thread reading([&] {
    const auto reader = (*store)->make_reader();
    while (!done) {
      const auto image = (*reader)->image();
      if (!image)
        ++torn;
      else if (!image->knowledge.entries().empty()) {
        const auto& entries = image->knowledge.entries();
        torn += entries.size() != 2 || entries[0].known.head() != entries[1].known.head() ? 1 : 0;
        ++seen;
      }
    }
  });
  Random random(1);
  Seq seq = 1;
  for (; seq <= 200 || (seen < 5 && seq < 100'000); ++seq) {
    Batch batch = local_batch((*store)->identity(), seq, 1);
    batch.blocks.push_back(random_block(random, stream_number(1), seq, 1));
    REQUIRE(commit_to(**store, std::move(batch)));
  }
  done = true;
  reading.join();
  CHECK(torn == 0);
  CHECK(seen >= 5);
}

TEST_CASE("a tool reads the store while the node runs, and a copy without side files", "[sqlite][reader]") {
  const TempFolder folder;
  const std::string path = folder.file("store"), copy = folder.file("a ?#% copy");
  auto store = open_store_at(path);
  const StreamId stream = stream_of(store->identity());
  REQUIRE(commit_to(*store, local_batch(store->identity(), 1, 3)));
  {
    const auto live = SqliteReader::open_read_only(path);
    REQUIRE(live);
    CHECK((*live)->blocks(stream, {1, 3}, 1000)->size() == 1);
    REQUIRE(commit_to(*store, local_batch(store->identity(), 4, 1)));
    CHECK((*live)->blocks(stream, {1, 4}, 1000)->size() == 2);
  }
  store.reset();
  CHECK(!std::filesystem::exists(path + "-wal"));

  std::filesystem::create_directory(copy);
  std::filesystem::copy_file(path, copy + "/store");
  {
    const auto dead = SqliteReader::open_read_only(copy + "/store");
    REQUIRE(dead);
    CHECK((*dead)->blocks(stream, {1, 4}, 1000)->size() == 2);
  }
  CHECK(std::distance(std::filesystem::directory_iterator(copy), {}) == 1);
  CHECK(slurp(copy + "/store") == slurp(path));
}

// Events counted from a boot are looked for apart from the others.
TEST_CASE("blocks that become one while a reader visits them are seen as they were when it began",
          "[sqlite][reader]") {
  const TempFolder folder;
  auto store = open_store_at(folder.file("store"));
  const StreamId stream = stream_of(store->identity());
  Random random(3);
  Batch batch;
  for (Seq first = 1; first <= 9; first += 2) {
    batch.blocks.push_back(random_block(random, stream, first, 2));
    batch.blocks.back().has_utc = true;
    batch.blocks.back().boots.reset();
    if (first >= 5) batch.blocks.back().boots = BootSpan{1, 1, 0, 5};
  }
  REQUIRE(commit_to(*store, batch));
  const auto reader = store->make_reader();
  REQUIRE(reader);
  const bool unplaced = GENERATE(false, true);
  CAPTURE(unplaced);
  std::vector<Seq> firsts;
  const auto visit = [&](const StoredBlock& block) {
    if (firsts.empty()) {
      Batch merging;
      merging.merged.push_back(random_block(random, stream, 3, 8));
      merging.merged[0].boots = BootSpan{1, 1, 0, 5};
      CHECK(commit_to(*store, std::move(merging)));
    }
    firsts.push_back(block.first);
    return true;
  };
  if (unplaced) {
    REQUIRE((*reader)->visit_unplaced(stream, visit));
    CHECK(firsts == std::vector<Seq>{5, 7, 9});
  } else {
    constexpr Ticks kFirst = std::numeric_limits<Ticks>::min(), kLast = std::numeric_limits<Ticks>::max();
    REQUIRE((*reader)->visit_blocks(stream, kFirst, kLast, StoreReader::Order::kOldestFirst, visit));
    CHECK(firsts == std::vector<Seq>{1, 3, 5, 7, 9});
  }
  CHECK((*reader)->held_blocks(stream, 1, 10)->size() == 2);  // And as they are, when it has ended.
}

TEST_CASE("a reader refuses what is not a store", "[sqlite][reader]") {
  const TempFolder folder;
  const std::string path = folder.file("store");
  CHECK(SqliteReader::open_read_only(path).error().code == ErrorCode::kNotFound);
  CHECK(!std::filesystem::exists(path));
  spill(path, std::string(5000, 'x'));
  CHECK(SqliteReader::open_read_only(path).error().code == ErrorCode::kCorrupt);
  CHECK(slurp(path) == std::string(5000, 'x'));
}

struct Damage {
  const char* sql;
  const char* words;
};

TEST_CASE("a changed row is named when it is read, and not handed on", "[sqlite][reader]") {
  const auto damage = GENERATE(values<Damage>({
      {"UPDATE blocks SET bytes = CAST(x'00' || substr(bytes, 2) AS BLOB) WHERE first = 5", "dots 5 to 8"},
      {"UPDATE blocks SET time_min = NULL, time_max = NULL WHERE first = 5", "dots 5 to 8"},
      {"UPDATE blocks SET boot_min = 1, boot_max = 1, ticks_min = 0, ticks_max = 0 WHERE first = 5",
       "dots 5 to 8"},
      {"UPDATE blocks SET last = 9 WHERE first = 5", "dots 5 to 9"},
      {"UPDATE blocks SET codec = 1 WHERE first = 5", "dots 5 to 8"},
      {"UPDATE blocks SET checksum = checksum + 1 WHERE first = 5", "dots 5 to 8"},
      {"UPDATE blocks SET last = first + 5000000000 WHERE first = 5", "a block of the stream"},
  }));
  CAPTURE(damage.sql);
  const TempFolder folder;
  const std::string path = folder.file("store");
  auto store = open_store_at(path);
  const StreamId stream = stream_of(store->identity());
  Batch batch = local_batch(store->identity(), 5, 4);
  batch.blocks[0].has_utc = true;
  batch.blocks[0].boots.reset();
  REQUIRE(commit_to(*store, std::move(batch)));
  store.reset();
  run_raw(path, damage.sql);

  const auto reader = SqliteReader::open_read_only(path);
  REQUIRE(reader);
  const auto blocks = (*reader)->blocks(stream, {1, 100}, 1000);
  REQUIRE(!blocks);
  CHECK(blocks.error().code == ErrorCode::kCorrupt);
  CHECK_THAT(blocks.error().text, Catch::Contains(damage.words));
  CHECK(!(*reader)->visit_blocks(stream, INT64_MIN, INT64_MAX, StoreReader::Order::kOldestFirst,
                                 [](const StoredBlock&) { return true; }));
}

TEST_CASE("a changed offset of a boot gives way to the next one, and is found when the store is opened",
          "[sqlite][reader]") {
  const bool mended = GENERATE(false, true);
  CAPTURE(mended);
  const TempFolder folder;
  const std::string path = folder.file("store");
  auto store = open_store_at(path);
  const StreamId stream = stream_of(store->identity());
  const BootOffset worse{stream, 1, 100, Quality::kEstimated, {stream, 7}};
  Batch batch;
  batch.offsets = {worse};
  REQUIRE(commit_to(*store, batch));
  run_raw(path, "UPDATE boots SET quality = 0");
  if (mended) REQUIRE(commit_to(*store, batch));
  store.reset();
  const auto reader = SqliteReader::open_read_only(path);
  REQUIRE(reader);
  const auto offsets = (*reader)->offsets(stream);
  REQUIRE(offsets.ok() == mended);
  if (mended) CHECK(offsets->all() == std::vector{worse});
  CHECK(SqliteStore::open(options_for(path)).ok() == mended);
}

TEST_CASE(
    "a map entry or series that is changed under an open store is named, and only the batch that needs it "
    "fails",
    "[sqlite][reader]") {
  const TempFolder folder;
  const std::string path = folder.file("store");
  const auto store = open_store_at(path);
  MapWrite write;
  write.dataset = DatasetId{7};
  write.entry = {"pump/limit", {0, {5}, {stream_number(2), 1}}, false, "21", false, {}};
  write.entry.version.dot.stream.dataset = write.dataset;
  Batch batch;
  batch.entries.push_back(write);
  batch.declarations.push_back({stream_number(1), {3, "room/t", "Cel", ValueType::kDouble}});
  REQUIRE(commit_to(*store, batch));
  run_raw(path, "UPDATE map_entries SET value = x'3939'; UPDATE series SET unit = 'K'", true);

  const auto reader = store->make_reader();
  CHECK_THAT((*reader)->entry(DatasetId{7}, "pump/limit").error().text, Catch::Contains("pump/limit"));
  CHECK_THAT((*reader)->series(stream_number(1).dataset, "room/t").error().text, Catch::Contains("series 3"));
  const Status joined = commit_to(*store, batch);
  REQUIRE(!joined);
  CHECK(joined.error().code == ErrorCode::kCorrupt);
  CHECK(commit_to(*store, local_batch(store->identity(), 1, 1)));
  CHECK(store->status().state == SqliteStatus::State::kHealthy);
}

TEST_CASE("the log stays short, however much is written", "[sqlite]") {
  const TempFolder folder;
  SqliteOptions options = options_for(folder.file("store"));
  options.log_pages_max = 64;
  const auto store = SqliteStore::open(options);
  REQUIRE(store);
  for (Seq seq = 1; seq <= 400; ++seq)
    REQUIRE(commit_to(**store, local_batch((*store)->identity(), seq, 1, 4000)));
  CHECK((*store)->status().log_pages < 2 * 64);
  CHECK(std::filesystem::file_size(options.path + "-wal") < 2 * 64 * 4200);
}

}  // namespace
}  // namespace deltamesh
