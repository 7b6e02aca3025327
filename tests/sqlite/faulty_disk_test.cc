// tests/sqlite/faulty_disk_test.cc - single faults of a simulated disk: failed writes and syncs, no space,
// slow syncs, each with a power cut behind it.
#include <atomic>
#include <future>
#include <set>

#include "tests/sqlite/durable_steps.h"
#include "tests/sqlite/sqlite_fixture.h"
#include "tests/sqlite/store_contents.h"
#include "tests/support/fault_vfs.h"

namespace deltamesh {
namespace {

using testing::DiskFaults;
using testing::DiskOp;

// A store on a simulated disk; each event is a batch of its own.
class StoreOnDisk {
 public:
  StoreOnDisk() {
    options_ = options_for(folder_.file("store"));
    options_.fsync = Fsync::kFull;
    options_.vfs = vfs_.name();
    options_.space_retry_first = options_.space_retry_last = std::chrono::milliseconds(1);
    open();
    first_ = store_->identity();
  }

  [[nodiscard]] testing::FaultDisk& disk() { return vfs_.disk(); }
  [[nodiscard]] SqliteOptions& options() { return options_; }
  [[nodiscard]] SqliteStore& store() { return *store_; }

  Status commit(Seq seq, std::size_t bytes = 200) {
    return commit_to(*store_, local_batch(store_->identity(), seq, 1, bytes));
  }
  // Of the first incarnation.
  [[nodiscard]] IntervalSet held() const { return held(first_); }
  [[nodiscard]] IntervalSet held(const Identity& writer) const {
    const auto contents = read_contents(**store_->make_reader());
    REQUIRE(contents);
    CHECK(contradiction(*contents) == "");
    return contents->held(local_batch(writer, 1, 1).blocks[0].stream);
  }
  void fail_next(DiskOp op) {
    disk().plan([op](DiskFaults& faults) { faults.fail_at(op, 1); });
  }

  void open() {
    auto store = SqliteStore::open(options_);
    if (!store) FAIL(store.error().text);
    store_ = std::move(*store);
  }
  void reopen() {
    store_.reset();
    open();
  }
  // What was not synced is lost as `seed` says; no step of the dying store reaches the fence.
  void lose_power(std::uint64_t seed) {
    sim::Rng rng(seed);
    disk().power_cut(rng);
    store_.reset();
    empty_memory(options_);
    disk().power_on();
    open();
  }

 private:
  TempFolder folder_;
  testing::FaultVfs vfs_{1};
  StepWatch watch_{[this](Step step) { return disk().outside_step(step == Step::kSyncFolder) ? 0 : EIO; }};
  SqliteOptions options_;
  std::unique_ptr<SqliteStore> store_;
  Identity first_;
};

TEST_CASE("what a store commits after a failed sync does not stand on what that sync lost",
          "[sqlite][power]") {
  const bool caches_dropped = GENERATE(false, true);
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    StoreOnDisk test;
    REQUIRE(test.commit(1));
    test.fail_next(DiskOp::kSync);
    const Status lost = test.commit(2);
    REQUIRE(!lost);
    CHECK(lost.error().code == ErrorCode::kIo);
    CHECK(test.store().status().state == SqliteStatus::State::kFailed);
    if (caches_dropped) test.disk().drop_caches();
    test.reopen();
    const Identity identity = test.store().identity();
    CHECK(test.store().opened().new_incarnation);
    REQUIRE(test.commit(1));
    REQUIRE(test.commit(2));
    test.lose_power(seed);
    INFO(test.store().opened().why);
    CHECK(test.held(identity) == IntervalSet({1, 2}));
  }
}

TEST_CASE("after a failed write nothing more is accepted, and what was is there in a new incarnation",
          "[sqlite][power]") {
  StoreOnDisk test;
  const Identity identity = test.store().identity();
  REQUIRE(test.commit(1));
  test.fail_next(DiskOp::kWrite);
  for (Seq seq = 2; seq <= 3; ++seq) {
    const Status status = test.commit(seq);
    REQUIRE(!status);
    CHECK(status.error().code == ErrorCode::kIo);
  }
  CHECK(test.store().status().state == SqliteStatus::State::kFailed);
  CHECK(test.held() == IntervalSet({1, 1}));  // Readers go on.
  test.reopen();
  CHECK(test.store().opened().new_incarnation);
  CHECK(test.store().identity().node == identity.node);
  CHECK(test.held(identity) == IntervalSet({1, 1}));
  CHECK(test.commit(1));
}

TEST_CASE("each power cut ends an incarnation, and all of them stay", "[sqlite][power]") {
  StoreOnDisk test;
  std::set<Identity> lives;
  for (Seq last = 1; last <= 20; ++last) {
    const Identity identity = test.store().identity();
    CHECK(lives.insert(identity).second);
    for (Seq seq = 1; seq <= last; ++seq) REQUIRE(test.commit(seq));
    test.lose_power(last);
    REQUIRE(test.held(identity) == IntervalSet({1, last}));
  }
}

TEST_CASE("a batch whose sync the power cut met is there whole or not at all", "[sqlite][power]") {
  int kept = 0;
  constexpr int kSeeds = 60;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    StoreOnDisk test;
    REQUIRE(test.commit(1));
    test.disk().at_sync([&test, seed](const std::string&) {
      sim::Rng rng(seed);
      test.disk().power_cut(rng);
    });
    CHECK(!test.commit(2, 20'000));
    test.disk().at_sync(nullptr);
    test.lose_power(seed);
    const IntervalSet held = test.held();
    CHECK((held == IntervalSet({1, 1}) || held == IntervalSet({1, 2})));
    kept += held.contains(2);
  }
  CHECK(kept > 0);
  CHECK(kept < kSeeds);
}

TEST_CASE("an acknowledgement waits for a slow disk, and readers do not", "[sqlite][power]") {
  StoreOnDisk test;
  REQUIRE(test.commit(1));
  std::promise<std::string> reached;
  std::promise<void> go_on;
  test.disk().at_sync([&](const std::string& path) {
    test.disk().at_sync(nullptr);
    reached.set_value(path);
    go_on.get_future().wait();
  });
  Reports reports;
  test.store().commit(local_batch(test.store().identity(), 2, 1), reports.callback());
  CHECK_THAT(reached.get_future().get(), Catch::EndsWith("-wal"));
  CHECK(reports.count() == 0);
  CHECK(test.held() == IntervalSet({1, 1}));
  go_on.set_value();
  reports.wait();
  CHECK(reports.last());
  CHECK(test.held() == IntervalSet({1, 2}));
  test.lose_power(1);
  CHECK(test.held() == IntervalSet({1, 2}));
}

TEST_CASE("batches wait on a full disk, and are committed when space returns", "[sqlite][power]") {
  StoreOnDisk test;
  REQUIRE(test.commit(1));
  std::promise<void> waiting;
  test.options().log = [&waiting](const std::string& line) {
    if (line.find("waiting_for_space") != std::string::npos) waiting.set_value();
  };
  test.reopen();
  test.disk().limit_bytes(test.disk().used_bytes() + 100'000);
  Reports reports;
  std::atomic<Seq> good{1};
  for (Seq seq = 2; seq <= 30; ++seq) {
    test.store().commit(local_batch(test.store().identity(), seq, 1, 10'000),
                        reports.callback([&good](BatchId, const Status& status) { good += status.ok(); }));
  }
  waiting.get_future().wait();
  CHECK(test.store().status().state == SqliteStatus::State::kWaitingForSpace);
  CHECK(good < 30);
  CHECK(test.held() == IntervalSet({1, good}));

  SECTION("space returns") {
    test.disk().limit_bytes(std::nullopt);
    reports.wait();
    CHECK(good == 30);
    CHECK(test.store().status().state == SqliteStatus::State::kHealthy);
  }
  SECTION("the store is closed: what it did not acknowledge is not in it") {
    test.store().close();
    CHECK(reports.last().error().code == ErrorCode::kFull);
    test.disk().limit_bytes(std::nullopt);
  }
  SECTION("the power goes") {
    sim::Rng rng(7);
    test.disk().power_cut(rng);
    reports.wait();
    CHECK(!reports.last());
    test.disk().limit_bytes(std::nullopt);
  }
  test.options().log = nullptr;
  test.lose_power(7);
  CHECK(test.held() == IntervalSet({1, good}));
}

}  // namespace
}  // namespace deltamesh
