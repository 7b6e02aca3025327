// tests/sqlite/full_disk_test.cc - a full disk stops acknowledgements and heals when space returns.
#include <sys/mount.h>

#include <atomic>
#include <iostream>

#include "tests/sqlite/sqlite_fixture.h"
#include "tests/support/wait.h"

namespace deltamesh {
namespace {

// A file system of a few megabytes; not there where we may not mount.
class SmallDisk {
 public:
  SmallDisk() { mounted_ = ::mount("tmpfs", folder_.path().c_str(), "tmpfs", 0, "size=2m") == 0; }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  ~SmallDisk() {
    if (mounted_) ::umount2(folder_.path().c_str(), MNT_DETACH);
  }
  [[nodiscard]] bool mounted() const { return mounted_; }
  [[nodiscard]] std::string file(const std::string& name) const { return folder_.file(name); }
  void grow() const {
    REQUIRE(::mount("tmpfs", folder_.path().c_str(), "tmpfs", MS_REMOUNT, "size=32m") == 0);
  }

 private:
  TempFolder folder_;
  bool mounted_ = false;
};

// Waits for a word in the store's log.
class LogWatch {
 public:
  void add(const std::string& line) {
    const std::lock_guard lock(mutex_);
    text_ += line + '\n';
    changed_.notify_all();
  }
  // False if it does not come in time.
  bool wait_for(const std::string& word) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, testing::kPatience,
                             [this, &word] { return text_.find(word) != std::string::npos; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string text_;
};

constexpr Seq kBatches = 60;  // Of 100 KB: three times the disk.

std::unique_ptr<SqliteStore> open_logging(const std::string& path, LogWatch& log) {
  SqliteOptions options = options_for(path);
  options.group_bytes_max = 300'000;
  options.space_retry_last = std::chrono::milliseconds(100);
  options.log = [&log](const std::string& line) { log.add(line); };
  auto store = SqliteStore::open(options);
  if (!store) FAIL(store.error().text);
  return std::move(*store);
}

void fill(SqliteStore& store, Reports& reports) {
  for (Seq seq = 1; seq <= kBatches; ++seq)
    store.commit(local_batch(store.identity(), seq, 1, 100'000), reports.callback());
}

IntervalSet held_by(const SqliteStore& store) {
  const auto knowledge = (*store.make_reader())->knowledge();
  REQUIRE(knowledge);
  return knowledge->entries().empty() ? IntervalSet{} : knowledge->entries()[0].known.held();
}

TEST_CASE("batches wait on a full disk, unacknowledged, and are committed when space returns",
          "[sqlite][full]") {
  const SmallDisk disk;
  if (!disk.mounted()) {
    std::cout << "SKIPPED: no right to mount a small file system\n";
    return;
  }
  LogWatch log;
  const auto store = open_logging(disk.file("store"), log);
  Reports reports;
  fill(*store, reports);
  REQUIRE(log.wait_for("waiting_for_space"));
  const std::size_t acknowledged = reports.count();
  CHECK(acknowledged > 0);
  CHECK(acknowledged < kBatches);
  CHECK(store->status().state == SqliteStatus::State::kWaitingForSpace);
  CHECK(held_by(*store) == IntervalSet({1, acknowledged}));  // Readers go on.

  disk.grow();
  reports.wait();
  CHECK(reports.last());
  CHECK(store->status().state == SqliteStatus::State::kHealthy);
  CHECK(held_by(*store) == IntervalSet({1, kBatches}));
}

TEST_CASE("a store closed while the disk is full says which batches are not in it", "[sqlite][full]") {
  const SmallDisk disk;
  if (!disk.mounted()) {
    std::cout << "SKIPPED: no right to mount a small file system\n";
    return;
  }
  LogWatch log;
  auto store = open_logging(disk.file("store"), log);
  const Identity identity = store->identity();
  Reports reports;
  std::atomic<std::size_t> good{0}, full{0};
  for (Seq seq = 1; seq <= kBatches; ++seq) {
    store->commit(local_batch(identity, seq, 1, 100'000),
                  reports.callback([&](BatchId, const Status& status) {
                    if (status)
                      ++good;
                    else if (status.error().code == ErrorCode::kFull)
                      ++full;
                  }));
  }
  // The last is in a group of its own and would still fit.
  store->commit(local_batch(identity, kBatches + 1, 1, 400'000), reports.callback());
  store->commit(local_batch(identity, kBatches + 2, 1, 10), reports.callback());
  REQUIRE(log.wait_for("waiting_for_space"));
  store->close();
  reports.wait();
  CHECK(good + full == kBatches);
  CHECK(full > 0);

  disk.grow();
  store = open_logging(disk.file("store"), log);
  CHECK(store->identity().node == identity.node);
  CHECK(held_by(*store) == IntervalSet({1, good}));
}

}  // namespace
}  // namespace deltamesh
