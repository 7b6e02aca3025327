// tests/sqlite/sqlite_fixture.h - a folder of its own for each test, and stores in it.
#pragma once

#include <catch2/catch.hpp>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>
#include <string>

#include "engine/sqlite/sqlite_store.h"
#include "engine/sqlite/witness.h"
#include "tests/engine/store_model.h"

namespace deltamesh {

class TempFolder {
 public:
  TempFolder() : TempFolder(std::filesystem::temp_directory_path()) {}
  explicit TempFolder(const std::filesystem::path& parent) {
    std::string name = (parent / "deltamesh-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] std::string file(const std::string& name) const { return (path_ / name).string(); }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline std::string slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

inline void spill(const std::string& path, const std::string& bytes) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << bytes;
  REQUIRE(out.flush().good());
}

inline SqliteOptions options_for(const std::string& path) {
  SqliteOptions options;
  options.path = path;
  options.fsync = Fsync::kOff;  // These tests end processes, not machines.
  options.memory_folder = std::filesystem::path(path).parent_path().string();
  return options;
}

// As a restart of the machine does.
inline void empty_memory(const SqliteOptions& options) {
  std::filesystem::remove(sqlite::witness_path(options.path, options.memory_folder));
}

inline std::unique_ptr<SqliteStore> open_store_at(const std::string& path) {
  auto store = SqliteStore::open(options_for(path));
  if (!store) FAIL(store.error().text);
  return std::move(*store);
}

// Counts what was handed in and reported, and waits for the rest.
class Reports {
 public:
  Store::Committed callback() {
    const std::lock_guard lock(mutex_);
    ++expected_;
    return [this](BatchId id, Status status) { report(id, std::move(status)); };
  }
  // A callback that is counted and then calls `next`.
  Store::Committed callback(Store::Committed next) {
    return [counted = callback(), next = std::move(next)](BatchId id, Status status) {
      if (next) next(id, status);
      counted(id, std::move(status));
    };
  }
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return statuses_.size() == expected_; });
  }
  [[nodiscard]] std::size_t count() const {
    const std::lock_guard lock(mutex_);
    return statuses_.size();
  }
  [[nodiscard]] Status last() const {
    const std::lock_guard lock(mutex_);
    return statuses_.back();
  }

 private:
  void report(BatchId, Status status) {
    const std::lock_guard lock(mutex_);
    statuses_.push_back(std::move(status));
    changed_.notify_all();
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t expected_ = 0;
  std::vector<Status> statuses_;
};

inline Status commit_to(SqliteStore& store, Batch batch) {
  Reports reports;
  store.commit(std::move(batch), reports.callback());
  reports.wait();
  return reports.last();
}

// Events [first, first + events) of the store's own stream.
inline Batch local_batch(const Identity& identity, Seq first, std::uint32_t events, std::size_t bytes = 200) {
  Random random(first);
  Batch batch;
  batch.id = BatchId{first};
  StreamId stream{DatasetId{7}, StreamClass::kMetric, identity.node, identity.incarnation};
  batch.blocks.push_back(random_block(random, stream, first, events));
  batch.blocks.back().bytes = std::make_shared<const Bytes>(random_bytes(random, bytes));
  return batch;
}

}  // namespace deltamesh
