// tests/sqlite/network_store.cc - lives of the store, and how its thread is waited for.
#include "tests/sqlite/network_store.h"

#include "tests/sqlite/disk_store.h"
#include "tests/support/memory_folder.h"

namespace deltamesh {
namespace {

constexpr sim::Micros kFullFor{2'500'000};  // More than a keepalive: the node must go on meanwhile.
constexpr sim::Micros kSlowMin{50'000}, kSlowMax{3'000'000};  // A sync of a worn card.

}  // namespace

NetworkStore::NetworkStore(sim::World& world, const DiskPlan& plan)
    : world_(world),
      plan_(plan),
      folder_(testing::memory_folder()),
      chance_(plan.seed),
      vfs_(plan.seed),
      slow_rng_(plan.seed) {
  disk_.at_sync([this](const std::string&) { sync_begins(); });
  if (plan_.faults) disk_.plan(plan_.faults);
  disk_.limit_bytes(plan_.room);
  full_ = plan_.room.has_value();
}

NetworkStore::~NetworkStore() {
  close();
}

SqliteOptions NetworkStore::options() {
  SqliteOptions options = small_store(folder_.file("store"), vfs_.name(), plan_.fsync);
  options.log_pages_max = 24;
  options.log = [this](const std::string& line) { heard(line); };
  options.failed = [this](const Error&) { failed_ = true; };
  return options;
}

sim::SimStore::State NetworkStore::state() const {
  if (!disk_.powered()) return State::kDead;
  return failed_ ? State::kFailed : State::kWell;
}

// --- Lives -----------------------------------------------------------------------------------------------

Result<StoreImage> NetworkStore::open(const Found& found) {
  if (!disk_.powered()) {
    empty_memory(options());
    must_be_new_ = true;
  }
  disk_.power_on();
  failed_ = closing_ = false;
  const std::uint64_t errors = disk_.faults().failures();
  auto store = SqliteStore::open(options());
  auto reader = store ? (*store)->make_reader() : Result<std::unique_ptr<StoreReader>>(store.error());
  may_be_new_ = may_be_new_ || disk_.faults().failures() > 0;
  if (!disk_.powered()) ++tally_.cuts_in_openings;
  if (!reader) {
    failed_ = disk_.faults().failures() > errors;
    return refused(reader.error());
  }
  store_ = *std::move(store);
  reader_ = *std::move(reader);
  if (!disk_.powered()) return Error{ErrorCode::kIo, "no power"};
  check_opening(found);
  return reader_->image();
}

Error NetworkStore::refused(const Error& error) {
  if (!full_ || error.code != ErrorCode::kFull) return error;
  failed_ = true;
  ++tally_.refused_full;
  plan_space();
  return error;
}

// A node that is crashed has lost its power, but for one that is stopped since its store has failed.
void NetworkStore::crash() {
  if (state() == State::kWell) disk_.power_cut(world_.rng);
  if (state() == State::kDead) ++tally_.cuts;
  if (stalled_ == Stall::kSlowSync) ++tally_.cuts_in_syncs;
  if (failed_ && store_ && disk_.powered()) ++tally_.failures;
  if (failed_ && store_ && disk_.powered() && disk_.faults().failures() == 0)
    blame("it failed on a disk that did not");
  must_be_new_ = must_be_new_ || (failed_ && store_ != nullptr);
  close();
  for (Handed& handed : group_) unreported_.push_back(std::move(handed.batch));
  group_.clear();
  queue_.clear();
  if (disk_.powered() && world_.rng.chance(500)) disk_.drop_caches();
}

// The callbacks use the store until its thread has ended.
void NetworkStore::close() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    stalled_ = Stall::kNone;
    changed_.notify_all();
  }
  reader_.reset();
  if (store_) store_->close();
  store_.reset();
  done_ = true;
}

void NetworkStore::finish() {
  tally_.bytes = disk_.used_bytes();
  close();
  if (!disk_.powered()) ++tally_.cuts;
  tally_.operations = disk_.faults().operations();
  tally_.errors = disk_.faults().failures();
  disk_.plan([](testing::DiskFaults& faults) { faults.none(); });
  disk_.limit_bytes(std::nullopt);
  const auto image =
      open([this](const Identity&, const Batch&) { blame("a batch appears that nobody waited for"); });
  if (!image) blame("it cannot be opened: " + image.error().text);
  close();
}

// --- Batches ---------------------------------------------------------------------------------------------

void NetworkStore::commit(Batch batch, Store::Committed committed) {
  queue_.push_back({std::move(batch), std::move(committed), std::nullopt});
}

void NetworkStore::sync() {
  if (!group_.empty() || queue_.empty()) return;
  group_ = std::exchange(queue_, {});
  done_ = false;
  hand(0);
  await();
}

void NetworkStore::hand(std::size_t index) {
  store_->commit(group_[index].batch,
                 [this, index](BatchId, Status status) { reported(index, std::move(status)); });
}

// An empty batch comes last: once that is reported, the checkpoint that may follow the others is done too.
void NetworkStore::reported(std::size_t index, Status status) {
  if (status && !disk_.powered()) lied_ = true;
  group_[index].status = std::move(status);
  const std::size_t end = group_.size();
  for (std::size_t next = 1; index == 0 && next < end; ++next) hand(next);
  if (index + 1 < end) return;
  store_->commit({}, [this](BatchId, const Status&) {
    const std::lock_guard lock(mutex_);
    done_ = true;
    changed_.notify_all();
  });
}

void NetworkStore::heard(const std::string& line) {
  if (line.find("waiting_for_space") != std::string::npos) stall(Stall::kSpace);
}

void NetworkStore::heal() {
  healed_ = true;
}

// Openings and closings sync, too, and take no virtual time.
void NetworkStore::sync_begins() {
  {
    const std::lock_guard lock(mutex_);
    if (done_ || closing_) return;
  }
  if (healed_ || plan_.slow_syncs_per_mille == 0) return;
  if (slow_rng_.chance(plan_.slow_syncs_per_mille)) stall(Stall::kSlowSync);
}

void NetworkStore::stall(Stall why) {
  std::unique_lock lock(mutex_);
  if (closing_) return;
  stalled_ = why;
  ++stalls_;
  changed_.notify_all();
  changed_.wait(lock, [this] { return stalled_ == Stall::kNone; });
}

// Until the group is done, or the store's thread waits for something.
NetworkStore::Stall NetworkStore::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return done_ || stalled_ != Stall::kNone; });
  return stalled_;
}

void NetworkStore::await() {
  const Stall stalled = wait();
  if (stalled == Stall::kSpace) {
    ++tally_.waits;
    return plan_space();
  }
  if (stalled == Stall::kSlowSync) {
    ++tally_.slow_syncs;
    return plan_end_of_sync();
  }
  if (lied_) blame("a batch was reported durable after the power had gone");
  deliver();
  if (state() != State::kWell) ended_();
}

void NetworkStore::deliver() {
  for (Handed& handed : std::exchange(group_, {})) deliver(handed);
}

// What failed with the disk may be there when that is opened again.
void NetworkStore::deliver(Handed& handed) {
  const Status status = *handed.status;
  const BatchId id = handed.batch.id;
  const bool refused = !status && status.error().code == ErrorCode::kInvalid;
  if (status) ++tally_.durable;
  if ((status || refused) && model_.take(handed.batch) != status.ok()) blame("a batch was judged wrongly");
  if (!status && !refused) unreported_.push_back(std::move(handed.batch));
  if (status || disk_.powered()) handed.committed(id, status);
}

void NetworkStore::plan_space() {
  world_.queue.in(kFullFor, [this] { space_returns(); });
}

void NetworkStore::space_returns() {
  full_ = false;
  disk_.limit_bytes(std::nullopt);
  if (stalled_ == Stall::kSpace) go_on(stalls_);
}

// It may be another life by then.
void NetworkStore::plan_end_of_sync() {
  world_.queue.in(world_.rng.between(kSlowMin, kSlowMax), [this, stall = stalls_] { go_on(stall); });
}

void NetworkStore::go_on(std::uint64_t stall) {
  {
    const std::lock_guard lock(mutex_);
    if (stall != stalls_ || stalled_ == Stall::kNone) return;
    stalled_ = Stall::kNone;
    changed_.notify_all();
  }
  await();
  if (state() == State::kWell) sync();
}

}  // namespace deltamesh
