// engine/sqlite/sqlite_store.cc - the queue, the thread, and what is done when the disk is full or fails.
#include "engine/sqlite/sqlite_store.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "engine/sqlite/committer.h"

namespace deltamesh {
namespace {

std::size_t size_of(const Batch& batch) {
  std::size_t bytes = 0;
  for (const auto* const blocks : {&batch.blocks, &batch.merged})
    for (const StoredBlock& block : *blocks) bytes += block.bytes ? block.bytes->size() : 0;
  for (const MapWrite& write : batch.entries) bytes += write.entry.key.size() + write.entry.value.size();
  return bytes;
}

void call(const Store::Committed& committed, BatchId id, Status status) {
  if (committed) committed(id, std::move(status));
}

}  // namespace

const char* to_string(SqliteStatus::State state) {
  switch (state) {
    case SqliteStatus::State::kHealthy: return "healthy";
    case SqliteStatus::State::kWaitingForSpace: return "waiting_for_space";
    case SqliteStatus::State::kFailed: return "failed";
    case SqliteStatus::State::kClosed: return "closed";
  }
  return "unknown";
}

// What lies beside the file (log, lock, copies on their way) lies beside what a link names, as SQLite has it.
Result<std::unique_ptr<SqliteStore>> SqliteStore::open(SqliteOptions options) {
  options.path = sqlite::link_target(options.path);
  Result<sqlite::OpenStore> opened = sqlite::open_store(options);
  if (!opened) return opened.error();
  auto committer = std::make_unique<sqlite::Committer>(std::move(*opened), options);
  std::unique_ptr<SqliteStore> store(new SqliteStore(options, std::move(committer)));
  if (Status status = store->start(); !status) return status.error();
  return store;
}

SqliteStore::SqliteStore(const SqliteOptions& options, std::unique_ptr<sqlite::Committer> committer)
    : options_(options),
      identity_(committer->meta().identity),
      opened_(committer->opened()),
      committer_(std::move(committer)) {
  status_.since = std::chrono::system_clock::now();
}

SqliteStore::~SqliteStore() {
  close();
}

Status SqliteStore::start() {
  if (opened_.new_incarnation && options_.log)
    options_.log(options_.path + ": a new incarnation starts, " + hex(identity_.incarnation.bytes) + ": " +
                 opened_.why);
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error& error) {
    return Error{ErrorCode::kIo, std::string("cannot start the store's thread: ") + error.what()};
  }
  return Done{};
}

void SqliteStore::commit(Batch batch, Committed committed) {
  const BatchId id = batch.id;
  {
    const std::lock_guard lock(mutex_);
    if (!closing_) {
      queue_.push_back({std::move(batch), std::move(committed)});
      changed_.notify_all();
      return;
    }
  }
  call(committed, id, Error{ErrorCode::kClosed, options_.path + " is closed"});
}

void SqliteStore::close() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

Result<std::unique_ptr<StoreReader>> SqliteStore::make_reader() const {
  auto reader = SqliteReader::open_beside_writer(options_.path, options_.reader_cache_kib, options_.vfs);
  if (!reader) return reader.error();
  return std::unique_ptr<StoreReader>(std::move(*reader));
}

SqliteStatus SqliteStore::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

void SqliteStore::run() {
  for (Group group = take(); !group.empty(); group = take()) {
    const Outcome outcome = commit_patiently(group);
    report(group, outcome);
    if (failed_) continue;
    if (Status status = committer_->maintain(); !status) fail(status.error());
  }
  finish();
}

// Waits for work; empty once the store closes and nothing is queued.
SqliteStore::Group SqliteStore::take() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return closing_ || !queue_.empty(); });
  if (options_.gather.count() > 0) changed_.wait_for(lock, options_.gather, [this] { return closing_; });
  Group group;
  for (std::size_t bytes = 0; !queue_.empty() && bytes <= options_.group_bytes_max; queue_.pop_front()) {
    bytes += size_of(queue_.front().batch);
    group.push_back(std::move(queue_.front()));
  }
  return group;
}

SqliteStore::Outcome SqliteStore::commit_patiently(const Group& group) {
  std::vector<const Batch*> batches;
  for (const Queued& queued : group) batches.push_back(&queued.batch);
  for (auto wait = options_.space_retry_first;; wait = std::min(2 * wait, options_.space_retry_last)) {
    if (failed_) return Error{ErrorCode::kIo, options_.path + " takes no more batches: " + status().detail};
    if (gave_up_) return Error{ErrorCode::kFull, options_.path + " was closed while it waited for space"};
    Outcome outcome = committer_->commit(batches);
    if (outcome) return note(SqliteStatus::State::kHealthy, {}), count(*outcome), outcome;
    if (outcome.error().code != ErrorCode::kFull) return fail(outcome.error()), outcome;
    note(SqliteStatus::State::kWaitingForSpace, outcome.error().text);
    if (Status status = committer_->make_room(); !status) return fail(status.error()), status.error();
    gave_up_ = !pause(wait);
  }
}

// False once the store closes.
bool SqliteStore::pause(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  return !changed_.wait_for(lock, time, [this] { return closing_; });
}

void SqliteStore::report(Group& group, const Outcome& outcome) {
  for (std::size_t i = 0; i < group.size(); ++i)
    call(group[i].committed, group[i].batch.id, outcome ? (*outcome)[i] : Status(outcome.error()));
}

void SqliteStore::finish() {
  if (!failed_) close_database();
  committer_.reset();
  note(SqliteStatus::State::kClosed, {});
}

// Nobody is left to be told of a failure, except by the log and the next opening.
void SqliteStore::close_database() {
  const Status status = committer_->close();
  if (distrusted_) committer_->distrust();
  if (status) return;
  if (status.error().code != ErrorCode::kFull) committer_->distrust();
  if (options_.log) options_.log(options_.path + " was not closed cleanly: " + status.error().text);
}

void SqliteStore::fail(const Error& error) {
  failed_ = true;
  committer_->distrust();
  note(SqliteStatus::State::kFailed, error.text);
  if (options_.failed) options_.failed(error);
}

void SqliteStore::note(SqliteStatus::State state, const std::string& detail) {
  {
    const std::lock_guard lock(mutex_);
    if (status_.state == state) return;
    status_.state = state;
    status_.since = std::chrono::system_clock::now();
    status_.detail = detail;
  }
  if (options_.log && state != SqliteStatus::State::kClosed)
    options_.log(options_.path + " is " + to_string(state) + (detail.empty() ? "" : ": " + detail));
}

void SqliteStore::count(const std::vector<Status>& outcomes) {
  const auto durable =
      std::count_if(outcomes.begin(), outcomes.end(), [](const Status& status) { return status.ok(); });
  const std::lock_guard lock(mutex_);
  ++status_.commits;
  status_.batches += static_cast<std::uint64_t>(durable);
  status_.log_pages = committer_->log_pages();
}

}  // namespace deltamesh
