// engine/sqlite/sqlite_store.h - the store on disk: one SQLite file, one thread that writes it.
//
// commit() may be called from any thread and only queues. The store's thread takes what is queued into one
// transaction, makes it durable, and then calls the callbacks in order. That thread alone writes and
// checkpoints, through one connection; this also keeps clear of the WAL-reset defect of SQLite before 3.51.3.
// Readers have connections of their own.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

#include "engine/sqlite/sqlite_options.h"
#include "engine/sqlite/sqlite_reader.h"
#include "engine/store.h"

namespace deltamesh {

namespace sqlite {
class Committer;
}

struct SqliteStatus {
  enum class State : std::uint8_t {
    kHealthy,
    kWaitingForSpace,  // Batches wait, nothing is acknowledged; goes on by itself when there is room. (Or
                       // another program holds the file; `detail` says.)
    kFailed,           // The disk failed; every batch is refused. Open the store again to go on.
    kClosed,
  };
  State state = State::kHealthy;
  std::chrono::system_clock::time_point since;  // When it came into this state.
  std::string detail;
  std::uint64_t commits = 0;  // Transactions.
  std::uint64_t batches = 0;  // Durable.
  std::uint32_t log_pages = 0;
};
const char* to_string(SqliteStatus::State state);

class SqliteStore final : public Store {
 public:
  // Opens the store at options.path, or makes one. What cannot be trusted is refused and left untouched:
  // another application's file, a newer version, a damaged file, a store that another process has open.
  static Result<std::unique_ptr<SqliteStore>> open(SqliteOptions options);
  ~SqliteStore() override;
  SqliteStore(const SqliteStore&) = delete;
  SqliteStore& operator=(const SqliteStore&) = delete;

  // Callbacks run on the store's thread and may commit, but not close. After close(): kClosed, at once.
  void commit(Batch batch, Committed committed) override;

  // Numbers that this store will issue are in use elsewhere: the next opening starts a new incarnation. Any
  // thread; close() soon.
  void distrust() { distrusted_ = true; }

  // Commits what is queued and ends the thread. If a batch waits for space, it and all behind it fail with
  // kFull: a later one that would fit must not leave a gap. May be called again; the destructor does.
  void close();

  [[nodiscard]] Result<std::unique_ptr<StoreReader>> make_reader() const;

  [[nodiscard]] const Identity& identity() const { return identity_; }
  [[nodiscard]] const Opened& opened() const { return opened_; }
  [[nodiscard]] SqliteStatus status() const;  // From any thread.

 private:
  struct Queued {
    Batch batch;
    Committed committed;
  };
  using Group = std::vector<Queued>;
  using Outcome = Result<std::vector<Status>>;

  SqliteStore(const SqliteOptions& options, std::unique_ptr<sqlite::Committer> committer);
  Status start();

  void run();
  Group take();
  Outcome commit_patiently(const Group& group);
  bool pause(std::chrono::milliseconds time);
  void report(Group& group, const Outcome& outcome);
  void finish();
  void close_database();
  void note(SqliteStatus::State state, const std::string& detail);
  void count(const std::vector<Status>& outcomes);
  void fail(const Error& error);

  SqliteOptions options_;
  Identity identity_;
  Opened opened_;
  std::unique_ptr<sqlite::Committer> committer_;  // Of the store's thread.
  bool failed_ = false;                           // Likewise, and the next.
  bool gave_up_ = false;                          // Closed while waiting for space.
  std::atomic<bool> distrusted_ = false;

  mutable std::mutex mutex_;  // Of all below.
  std::condition_variable changed_;
  std::deque<Queued> queue_;
  bool closing_ = false;
  SqliteStatus status_;

  std::thread thread_;
};

}  // namespace deltamesh
