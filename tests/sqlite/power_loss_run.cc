// tests/sqlite/power_loss_run.cc - lives, and what is written in them.
#include "tests/sqlite/power_loss_run.h"

#include "tests/sqlite/disk_store.h"
#include "tests/support/memory_folder.h"

namespace deltamesh {

// Each life replaces files many times, for which a real disk would be waited for.
PowerLossRun::PowerLossRun(const PowerLossPlan& plan)
    : plan_(plan), rng_(plan.seed), random_(plan.seed), folder_(testing::memory_folder()), vfs_(plan.seed) {}

std::string PowerLossRun::run() {
  for (life_ = 1; life_ <= plan_.lives && failure_.empty(); ++life_) live();
  tally_.operations = disk_.faults().operations();
  return failure_;
}

void PowerLossRun::blame(const std::string& what) {
  if (failure_.empty())
    failure_ = "seed " + std::to_string(plan_.seed) + ", life " + std::to_string(life_) + ": " + what;
}

void PowerLossRun::live() {
  plan_faults();
  auto store = SqliteStore::open(options());
  if (!store) check_failed_opening(store.error());
  if (store && disk_.powered()) check_opening(**store);
  if (store && disk_.powered() && failure_.empty()) write(**store);
  if (store) store->reset();
  reader_.reset();
  end_life();
}

SqliteOptions PowerLossRun::options() {
  SqliteOptions options = small_store(folder_.file("store"), vfs_.name(), plan_.fsync);
  options.log = [this](const std::string& line) { heard(line); };
  options.failed = [this](const Error&) { told_of_failure_ = true; };
  return options;
}

// Space returns as soon as the store says that it waits for it.
void PowerLossRun::heard(const std::string& line) {
  if (line.find("waiting_for_space") == std::string::npos) return;
  ++tally_.full;
  disk_.limit_bytes(std::nullopt);
}

StreamId PowerLossRun::own_stream() const {
  return {DatasetId{7}, StreamClass::kMetric, identity_->node, identity_->incarnation};
}

// One batch, and from its report on the store's own thread the next group, and so on: so it does not depend
// on the clock which batches share a transaction.
void PowerLossRun::write(SqliteStore& store) {
  done_ = {};
  groups_left_ = rng_.below(16);
  hand_group(store, 1);
  done_.get_future().wait();
}

void PowerLossRun::hand_group(SqliteStore& store, std::uint64_t batches) {
  const std::size_t first = handed_.size();
  for (std::uint64_t i = 0; i < batches; ++i) handed_.push_back({next_batch(), std::nullopt});
  for (std::size_t index = first; index < first + batches; ++index)
    store.commit(handed_[index].batch, [this, &store, index](BatchId, Status status) {
      reported(store, index, std::move(status));
    });
}

void PowerLossRun::reported(SqliteStore& store, std::size_t index, Status status) {
  Handed& handed = handed_[index];
  if (handed.status) blame("a batch was reported twice");
  if (status && !disk_.powered()) blame("a batch was reported durable after the power had gone");
  const bool ends = !status && status.error().code != ErrorCode::kInvalid;
  handed.status = std::move(status);
  if (index + 1 < handed_.size()) return;
  if (ends || groups_left_ == 0) return done_.set_value();
  --groups_left_;
  shift_reader();
  hand_group(store, rng_.between(1, 4));
}

// A reader that stays where it is keeps checkpoints from finishing.
void PowerLossRun::shift_reader() {
  if (rng_.chance(300)) reader_.reset();
  if (reader_ || !rng_.chance(150)) return;
  auto reader = SqliteReader::open_beside_writer(folder_.file("store"), 64, vfs_.name());
  if (!reader || !(*reader)->hold_still()) return blame("no reader beside the store");
  reader_ = std::move(*reader);
}

// Events of ours; often with what a peer sent. What is held has its block.
Batch PowerLossRun::next_batch() {
  Batch batch;
  if (random_.chance(60)) batch = random_batch(random_, next_);
  batch.knowledge.clear();
  if (random_.chance(25)) {
    Knowledge::Entry entry{stream_number(static_cast<std::uint8_t>(random_.below(4))), {}};
    const Seq at = random_.between(1, 500);
    entry.known.hold({at, at + random_.below(3)});
    entry.known.drop({at, at + 3});
    entry.known.declare_void({at + 10, at + 12});
    entry.known.declare_head(at + 20, at + 5);
    batch.knowledge.push_back(std::move(entry));
  }
  const auto events = static_cast<std::uint32_t>(random_.between(1, 4));
  const std::size_t bytes = random_.between(1, random_.chance(10) ? 60'000 : 6'000);
  batch.blocks.push_back(local_batch(*identity_, next_, events, bytes).blocks.front());
  if (random_.chance(40)) {
    std::vector<StoredBlock> there = model_.blocks;
    for (const Handed& handed : handed_)
      there.insert(there.end(), handed.batch.blocks.begin(), handed.batch.blocks.end());
    if (const auto merged = random_merge(random_, there)) batch.merged.push_back(*merged);
  }
  batch.id = BatchId{next_};
  next_ += events;
  return batch;
}

}  // namespace deltamesh
