// engine/sqlite/committer.h - the write connection: groups of batches in, durable transactions out.
//
// One thread at a time. It knows nothing of queues and waiting; sqlite_store.h does.
#pragma once

#include <span>
#include <vector>

#include "engine/sqlite/opening.h"

namespace deltamesh::sqlite {

class Committer {
 public:
  Committer(OpenStore store, const SqliteOptions& options) : store_(std::move(store)), options_(options) {}

  // One transaction. The outcome of each batch, durable on return; or an error that concerns the whole group,
  // of which nothing was stored then. kFull: trying again later can help. kIo: nothing more may be written.
  Result<std::vector<Status>> commit(std::span<const Batch* const> group);

  // Writes the log back if it is long.
  Status maintain();
  // The disk is full: writes the log back and gives up its space, as far as that is possible. What is no lack
  // of space is an error.
  Status make_room();
  // The disk failed, or somebody else has issued our numbers: the next opening starts a new incarnation.
  void distrust() { static_cast<void>(store_.witness.forget()); }
  // A clean end: an empty log.
  Status close();

  [[nodiscard]] const Meta& meta() const { return store_.writer.meta(); }
  [[nodiscard]] const Opened& opened() const { return store_.opened; }
  [[nodiscard]] std::uint32_t log_pages() const { return store_.database->log_pages(); }

 private:
  Status issue(std::span<const Batch* const> group, const std::vector<Status>& outcomes);
  Result<std::vector<Status>> apply(std::span<const Batch* const> group);
  Error rolled_back(Error why);
  [[nodiscard]] Status probe() const;
  Status write_back(Database::Checkpoint mode);

  OpenStore store_;
  SqliteOptions options_;
  std::uint32_t checkpoint_at_ = 0;  // Pages in the log; 0: options_.log_pages_max.
};

}  // namespace deltamesh::sqlite
