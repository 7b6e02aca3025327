// tests/sqlite/compact_power_test.cc - the power is cut, and the disk fails, at each operation of an opening
// that writes the store anew.
#include "engine/sqlite/compact.h"
#include "tests/sqlite/disk_store.h"
#include "tests/sqlite/durable_steps.h"
#include "tests/sqlite/emptied_store.h"
#include "tests/sqlite/store_contents.h"
#include "tests/support/fault_vfs.h"
#include "tests/support/memory_folder.h"

namespace deltamesh {
namespace {

using testing::DiskFaults;
using testing::DiskOp;

constexpr Emptied kPlan{.events = 24, .kept = 3, .bytes = 9'000};

bool same_entries(const std::vector<MapWrite>& a, const std::vector<MapWrite>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const MapWrite& one, const MapWrite& other) {
    return one.dataset == other.dataset && one.entry == other.entry;
  });
}

// A store on a simulated disk that was left mostly free pages: closed, or by a power cut with its log.
class EmptiedOnDisk {
 public:
  EmptiedOnDisk(std::uint64_t seed, bool logged, Fsync fsync = Fsync::kFull) : vfs_(seed), rng_(seed) {
    options_ = small_store(folder_.file("store"), vfs_.name(), fsync);
    options_.free_bytes_min = 32u << 10;
    if (logged) options_.log_pages_max = 40;
    auto store = SqliteStore::open(options_);
    if (!store) FAIL(store.error().text);
    fill_and_empty(**store, kPlan);
    if (logged) REQUIRE(commit_to(**store, large_event((*store)->identity(), kPlan.events + 1, 100)));
    identity_ = (*store)->identity();
    contents_ = read(**store);
    if (logged) cut_power();
    store->reset();
    power_on();
  }

  [[nodiscard]] testing::FaultDisk& disk() { return vfs_.disk(); }
  [[nodiscard]] std::uint64_t bytes() const { return size_of(options_.path); }
  [[nodiscard]] const std::string& path() const { return options_.path; }
  [[nodiscard]] const Identity& identity() const { return identity_; }

  Result<std::unique_ptr<SqliteStore>> open() { return SqliteStore::open(options_); }
  // What is acknowledged from now on must be there, too.
  void write_on(SqliteStore& store) {
    disk().plan([](DiskFaults& faults) { faults.none(); });
    REQUIRE(commit_to(store, large_event(store.identity(), kPlan.events + 2, 100)));
    contents_ = read(store);
  }
  void cut_power() { disk().power_cut(rng_); }
  // As a machine that is started again.
  void power_on() {
    if (!disk().powered()) empty_memory(options_);
    disk().plan([](DiskFaults& faults) { faults.none(); });
    disk().limit_bytes(std::nullopt);
    disk().power_on();
  }

  // Opens without faults: all that was acknowledged is there, whole; and the room is given back, after an
  // unfinished copy at the second start.
  void check() {
    power_on();
    if (exists(sqlite::compacted_part(path()))) static_cast<void>(open_whole());
    const auto store = open_whole();
    CHECK(bytes() < 150'000);
    CHECK(commit_to(*store, large_event(store->identity(), kPlan.events + 3, 100)));
  }

 private:
  std::unique_ptr<SqliteStore> open_whole() {
    auto store = open();
    if (!store) FAIL(store.error().text);
    CHECK((*store)->identity().node == identity_.node);
    const StoreContents found = read(**store);
    CHECK(same_blocks(found.blocks, contents_.blocks));
    CHECK(same_entries(found.image.entries, contents_.image.entries));
    CHECK(found.image.series == contents_.image.series);
    for (const auto& known : contents_.image.knowledge.entries())
      CHECK(found.held(known.stream) == known.known.held());
    CHECK(page_damage(path(), vfs_.name()) == "");
    CHECK_FALSE(exists(sqlite::compacted_part(path())));
    return std::move(*store);
  }
  static StoreContents read(const SqliteStore& store) {
    const auto reader = store.make_reader();
    REQUIRE(reader);
    auto contents = read_contents(**reader);
    if (!contents) FAIL(contents.error().text);
    return *std::move(contents);
  }

  TempFolder folder_{testing::memory_folder()};
  testing::FaultVfs vfs_;
  sim::Rng rng_;
  StepWatch watch_{[this](Step step) { return disk().outside_step(step == Step::kSyncFolder) ? 0 : EIO; }};
  SqliteOptions options_;
  Identity identity_;
  StoreContents contents_;
};

TEST_CASE("the power may be cut at any operation of an opening that writes the store anew",
          "[sqlite][compact][power]") {
  const bool logged = GENERATE(false, true);
  for (std::uint64_t number = 1, through = 0; through == 0; ++number) {
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
      CAPTURE(logged, number, seed);
      EmptiedOnDisk test(seed * 1000 + number, logged);
      REQUIRE(test.bytes() > 200'000);
      test.disk().plan([number](DiskFaults& faults) { faults.cut_power_at(number); });
      {
        const auto store = test.open();
        if (store && test.disk().powered()) {
          ++through;
          CHECK((*store)->opened().given_back > 0);
          test.write_on(**store);
          test.cut_power();
        }
      }
      test.check();
    }
    if (through > 0) CHECK(number > (logged ? 60 : 40));
  }
}

TEST_CASE("whatever operation of writing a store anew fails, the store is whole",
          "[sqlite][compact][power]") {
  const DiskOp op =
      GENERATE(DiskOp::kWrite, DiskOp::kTruncate, DiskOp::kSync, DiskOp::kName, DiskOp::kOutside);
  const bool logged = GENERATE(false, true);
  for (std::uint64_t number = 1;; ++number) {
    CAPTURE(static_cast<int>(op), logged, number);
    EmptiedOnDisk test(number, logged);
    const std::uint64_t failures = test.disk().faults().failures();
    test.disk().plan([&](DiskFaults& faults) { faults.fail_at(op, number); });
    const bool opened = test.open().ok();
    const bool failed = test.disk().faults().failures() > failures;
    CHECK((opened || failed));
    if (number % 2 == 0) test.disk().drop_caches();
    if (number % 3 == 0) test.cut_power();
    test.check();
    if (!failed) break;
  }
}

TEST_CASE("a disk that fills up while a store is written anew leaves it as it was",
          "[sqlite][compact][power]") {
  std::uint64_t refused = 0;
  for (std::uint64_t room = 0; room < 90'000; room += 4'096) {
    CAPTURE(room);
    EmptiedOnDisk test(room + 1, false);
    const std::uint64_t bytes = test.bytes();
    test.disk().limit_bytes(test.disk().used_bytes() + room);
    {
      const auto store = test.open();
      if (store && (*store)->opened().given_back == 0) {
        ++refused;
        CHECK(test.bytes() >= bytes);
        CHECK_FALSE(exists(sqlite::compacted_part(test.path())));
        CHECK((*store)->identity() == test.identity());
      }
      if (!store) CHECK(store.error().code == ErrorCode::kFull);
    }
    test.check();
  }
  CHECK(refused > 5);
}

}  // namespace
}  // namespace deltamesh
