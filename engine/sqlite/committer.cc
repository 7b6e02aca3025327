// engine/sqlite/committer.cc - transactions and checkpoints.
#include "engine/sqlite/committer.h"

#include <algorithm>

namespace deltamesh::sqlite {
namespace {

bool concerns_all(const Status& status) {
  return !status && (status.error().code == ErrorCode::kFull || status.error().code == ErrorCode::kIo);
}

}  // namespace

Result<std::vector<Status>> Committer::commit(std::span<const Batch* const> group) {
  if (Status status = store_.database->run("BEGIN IMMEDIATE"); !status) return status.error();
  Result<std::vector<Status>> outcomes = apply(group);
  if (!outcomes) return rolled_back(outcomes.error());
  if (Status status = issue(group, *outcomes); !status)
    return rolled_back({ErrorCode::kIo, status.error().text});
  if (Status status = store_.database->run("COMMIT"); !status) return rolled_back(status.error());
  if (Status status = probe(); !status) return status.error();
  return outcomes;
}

// Of another VFS nothing is known.
Status Committer::probe() const {
  return options_.fsync == Fsync::kFull && options_.vfs.empty() ? store_.probe.ask() : Status(Done{});
}

Result<std::vector<Status>> Committer::apply(std::span<const Batch* const> group) {
  std::vector<Status> outcomes;
  for (const Batch* batch : group) {
    outcomes.push_back(store_.writer.apply(*batch));
    if (concerns_all(outcomes.back())) return outcomes.back().error();
  }
  return outcomes;
}

// Whatever SQLite undid by itself, afterwards the connection and the writer's memory agree with the file. If
// they do not, nothing more may be written.
Error Committer::rolled_back(Error why) {
  Database& database = *store_.database;
  const bool undone =
      (!database.in_transaction() || database.run("ROLLBACK").ok()) && store_.writer.reload().ok();
  if (!undone || why.code != ErrorCode::kFull) why.code = ErrorCode::kIo;
  return why;
}

Status Committer::issue(std::span<const Batch* const> group, const std::vector<Status>& outcomes) {
  LastNumbers last;
  for (std::size_t i = 0; i < group.size(); ++i) {
    if (outcomes[i]) store_.writer.add_issued(*group[i], last);
  }
  return store_.witness.issue(last);
}

Status Committer::maintain() {
  const std::uint32_t pages = log_pages();
  const bool began_anew = pages < checkpoint_at_ && pages < options_.log_pages_max;
  if (checkpoint_at_ == 0 || began_anew) checkpoint_at_ = options_.log_pages_max;
  if (pages < checkpoint_at_) return Done{};
  checkpoint_at_ = pages + options_.log_pages_max;
  // While readers hold the log open it cannot start anew.
  const bool excessive = pages / options_.log_excess >= options_.log_pages_max;
  const auto mode = excessive ? Database::Checkpoint::kTruncate : Database::Checkpoint::kPassive;
  return write_back(mode);
}

Status Committer::make_room() {
  return write_back(Database::Checkpoint::kTruncate);
}

// Without space, or while a reader needs the log, it stays as long as it is. Its pages are only written over
// once the database is known to have them.
Status Committer::write_back(Database::Checkpoint mode) {
  const Result<std::uint32_t> left = store_.database->checkpoint(mode);
  if (!left && left.error().code != ErrorCode::kFull) return Error{ErrorCode::kIo, left.error().text};
  return probe();
}

Status Committer::close() {
  const Result<std::uint32_t> left = store_.database->checkpoint(Database::Checkpoint::kTruncate);
  if (!left) return left.error();
  store_.database->tidy_on_close();
  return Done{};
}

}  // namespace deltamesh::sqlite
