// tests/sqlite/fault_vfs_test.cc - the simulated disk loses what a real one may lose, and nothing else.
#include "tests/support/fault_vfs.h"

#include <set>

#include "engine/sqlite/statement.h"
#include "tests/sqlite/sqlite_fixture.h"
#include "tests/support/disk_image.h"

namespace deltamesh {
namespace {

using sqlite::Database;
using testing::DiskFaults;
using testing::DiskImage;
using testing::DiskOp;
using testing::DiskStatus;
using testing::FaultDisk;
using testing::FaultVfs;

constexpr std::size_t kSector = testing::kSectorBytes;

TEST_CASE("of a write that was not synced all, nothing, a beginning or any sectors are left",
          "[sqlite][vfs]") {
  std::set<std::string> left;
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    sim::Rng rng(seed);
    DiskImage image;
    image.write(0, std::string(3 * kSector, 'a'));
    image.sync();
    image.write(0, std::string(3 * kSector, 'b'));
    image.lose_power(rng, 250);
    std::string sectors;
    for (std::size_t i = 0; i < 3; ++i) {
      sectors += image.bytes()[i * kSector];
      CHECK(image.bytes().substr(i * kSector, kSector) == std::string(kSector, sectors.back()));
    }
    left.insert(sectors);
  }
  CHECK(left.size() == 8);
}

TEST_CASE("operations that were not synced are lost each for itself", "[sqlite][vfs]") {
  std::set<std::string> left;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    sim::Rng rng(seed);
    DiskImage image;
    image.write(0, "old");
    image.sync();
    image.truncate(0);
    image.write(0, "1");
    image.write(1, "2");
    CHECK(image.bytes() == "12");
    image.lose_power(rng, 500);
    left.insert(image.bytes());
  }
  const std::string hole("\0002", 2);
  for (const std::string& image :
       {std::string("old"), std::string("1ld"), std::string("o2d"), std::string("12d"), std::string(),
        std::string("1"), hole, std::string("12")})
    CHECK(left.contains(image));
}

TEST_CASE("what a failed sync did not write is seen until the caches are dropped, and never written",
          "[sqlite][vfs]") {
  DiskImage image;
  image.write(0, "old");
  image.sync();
  image.write(0, "new");
  image.forget_unsynced();
  image.sync();
  CHECK(image.bytes() == "new");
  image.evict();
  CHECK(image.bytes() == "old");
}

// A table with one row a commit, in a log.
std::int64_t rows(Database& database) {
  const auto count = database.integer("SELECT count(*) FROM t");
  return count ? *count : -1;
}

Database logged(const FaultVfs& vfs, const std::string& path) {
  auto database = Database::create(path, vfs.name());
  REQUIRE(database);
  REQUIRE(database->run(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE IF NOT EXISTS t (x)"));
  return std::move(*database);
}

TEST_CASE("connections share a log's index, and a reader keeps its state of the database", "[sqlite][vfs]") {
  const TempFolder folder;
  const FaultVfs vfs(1);
  const std::string path = folder.file("database");
  Database writer = logged(vfs, path);
  auto reader = Database::open(path, Database::Access::kReadOnly, vfs.name());
  REQUIRE(reader);
  REQUIRE(writer.run("INSERT INTO t VALUES (1)"));
  CHECK(rows(*reader) == 1);
  REQUIRE(reader->run("BEGIN"));
  CHECK(rows(*reader) == 1);
  REQUIRE(writer.run("INSERT INTO t VALUES (2)"));
  CHECK(rows(*reader) == 1);
  CHECK(*writer.checkpoint(Database::Checkpoint::kPassive) > 0);
  REQUIRE(reader->run("COMMIT"));
  CHECK(rows(*reader) == 2);
  CHECK(*writer.checkpoint(Database::Checkpoint::kTruncate) == 0);

  REQUIRE(writer.run("BEGIN IMMEDIATE"));
  auto other = Database::open(path, Database::Access::kReadWrite, vfs.name());
  REQUIRE(other);
  const Status busy = other->run("BEGIN IMMEDIATE");
  REQUIRE(!busy);
  CHECK_THAT(busy.error().text, Catch::Contains("locked"));
}

TEST_CASE("what was open when the power went stays dead, and what was committed is found again",
          "[sqlite][vfs]") {
  const TempFolder folder;
  FaultVfs vfs(1);
  const std::string path = folder.file("database");
  Database old = logged(vfs, path);
  REQUIRE(old.run("INSERT INTO t VALUES (1)"));
  sim::Rng rng(3);
  vfs.disk().power_cut(rng);
  CHECK(!Database::open(path, Database::Access::kReadWrite, vfs.name()));
  CHECK(rows(old) == -1);
  vfs.disk().power_on();
  CHECK(rows(old) == -1);
  CHECK(!old.run("INSERT INTO t VALUES (2)"));
  Database found = logged(vfs, path);
  CHECK(rows(found) == 1);
}

TEST_CASE("names that were given or taken and not synced may be lost", "[sqlite][vfs]") {
  int born = 0, dead = 0;
  constexpr int kSeeds = 100;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const TempFolder folder;
    FaultDisk disk(seed);
    DiskStatus status = DiskStatus::kOk;
    const std::string removed = folder.file("removed"), made = folder.file("made");
    {
      const auto file = disk.open(removed, true, status);
      REQUIRE(file->write(0, "bytes") == DiskStatus::kOk);
      REQUIRE(file->sync() == DiskStatus::kOk);
    }
    REQUIRE(disk.remove(removed, false) == DiskStatus::kOk);
    REQUIRE(disk.open(made, true, status));
    sim::Rng rng(seed);
    disk.power_cut(rng);
    disk.power_on();
    CHECK(std::filesystem::exists(removed) == (disk.open(removed, false, status) != nullptr));
    born += disk.open(made, false, status) != nullptr;
    bool there = false;
    REQUIRE(disk.exists(removed, there) == DiskStatus::kOk);
    dead += !there;
  }
  CHECK((born > 20 && born < 80));
  CHECK((dead > 20 && dead < 80));
}

TEST_CASE("faults come when they are due, and cost what they touch alone", "[sqlite][vfs]") {
  const TempFolder folder;
  FaultDisk disk(1);
  DiskStatus status = DiskStatus::kOk;
  const auto file = disk.open(folder.file("file"), true, status);
  disk.plan([](DiskFaults& faults) {
    faults.fail_at(DiskOp::kWrite, 2);
    faults.fail_at(DiskOp::kSync, 1);
  });
  CHECK(file->write(0, "one") == DiskStatus::kOk);
  CHECK(file->write(3 * kSector, "two") == DiskStatus::kIo);
  CHECK(file->write(3, "three") == DiskStatus::kOk);
  CHECK(file->sync() == DiskStatus::kIo);
  CHECK(file->sync() == DiskStatus::kOk);
  CHECK(disk.faults().failures() == 2);

  disk.limit_bytes(disk.used_bytes() + 10);
  CHECK(file->write(0, "ONE") == DiskStatus::kOk);  // Needs no room.
  CHECK(file->write(disk.used_bytes(), "more than ten bytes") == DiskStatus::kFull);
  disk.limit_bytes(std::nullopt);
  CHECK(file->write(disk.used_bytes(), "more than ten bytes") == DiskStatus::kOk);
}

}  // namespace
}  // namespace deltamesh
