// tests/sqlite/backup_test.cc - copies of stores: whole, sound, and nothing that could be mistaken for one.
#include "engine/sqlite/backup.h"

#include "engine/sqlite/check.h"
#include "tests/engine/diff_fixture.h"
#include "tests/sqlite/raw_database.h"
#include "tests/sqlite/sqlite_fixture.h"

namespace deltamesh {
namespace {

// Events `first` and the next three of the store's own stream, as a block that decodes.
Batch four_events(const Identity& identity, Seq first) {
  std::vector<Event> events(4);
  for (std::size_t i = 0; i < events.size(); ++i) {
    events[i].time = static_cast<Ticks>(first + i);
    events[i].readings = {{1, 20.5}};
  }
  Batch batch;
  batch.id = BatchId{first};
  const StreamId stream{DatasetId{7}, StreamClass::kMetric, identity.node, identity.incarnation};
  batch.blocks.push_back(testing::block_of(stream, first, events));
  return batch;
}

TEST_CASE(
    "a backup of a store that is open holds all that was durable, and is another life when it is opened",
    "[sqlite][backup]") {
  const TempFolder folder;
  const std::string path = folder.file("store"), copy = folder.file("copy");
  const auto store = open_store_at(path);
  for (Seq first = 1; first < 400; first += 4)
    REQUIRE(commit_to(*store, four_events(store->identity(), first)));
  const Status made = back_up(path, copy);
  INFO((made ? "" : made.error().text));
  REQUIRE(made);
  REQUIRE(commit_to(*store, four_events(store->identity(), 401)));
  const auto report = check_contents(copy);
  REQUIRE(report);
  CHECK(report->found == 0);
  CHECK(report->events == 400);
  CHECK_FALSE(std::filesystem::exists(copy + ".part"));

  const auto opened = open_store_at(copy);
  CHECK(opened->identity().node == store->identity().node);
  CHECK(opened->identity().incarnation != store->identity().incarnation);
}

TEST_CASE("a store that is put back from a backup does not go on where it was", "[sqlite][backup]") {
  const TempFolder folder;
  const std::string path = folder.file("store"), copy = folder.file("copy");
  auto store = open_store_at(path);
  const Identity before = store->identity();
  REQUIRE(commit_to(*store, four_events(before, 1)));
  REQUIRE(back_up(path, copy));
  REQUIRE(commit_to(*store, four_events(before, 5)));
  store.reset();
  std::filesystem::rename(copy, path);
  CHECK(open_store_at(path)->identity().incarnation != before.incarnation);
}

TEST_CASE("no backup is made of what is damaged, over a file, or of nothing", "[sqlite][backup]") {
  const TempFolder folder;
  const std::string path = folder.file("store"), copy = folder.file("copy");
  CHECK(back_up(path, copy).error().code == ErrorCode::kNotFound);
  {
    const auto store = open_store_at(path);
    REQUIRE(commit_to(*store, four_events(store->identity(), 1)));
  }
  spill(copy, "something dear");
  CHECK_THAT(back_up(path, copy).error().text, Catch::Contains("nothing is written over"));
  CHECK(slurp(copy) == "something dear");
  std::filesystem::remove(copy);
  spill(copy + "-wal", "the log of another");
  CHECK_THAT(back_up(path, copy).error().text, Catch::Contains("copy-wal exists"));
  std::filesystem::remove(copy + "-wal");

  run_raw(path, "UPDATE blocks SET checksum = 0");
  const Status made = back_up(path, copy);
  REQUIRE_FALSE(made);
  CHECK(made.error().code == ErrorCode::kCorrupt);
  CHECK_THAT(made.error().text, Catch::Contains("is damaged: ") && Catch::Contains("dots 1 to 4"));
  CHECK_FALSE(std::filesystem::exists(copy));
  CHECK_FALSE(std::filesystem::exists(copy + ".part"));
}

}  // namespace
}  // namespace deltamesh
