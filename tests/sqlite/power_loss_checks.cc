// tests/sqlite/power_loss_checks.cc - what must be true whenever the store was opened.
#include "tests/sqlite/disk_store.h"
#include "tests/sqlite/power_loss_run.h"
#include "tests/sqlite/store_contents.h"

namespace deltamesh {

void PowerLossRun::check_failed_opening(const Error& error) {
  const bool failed = disk_.faults().failures() > errors_before_;
  const bool full = full_ && error.code == ErrorCode::kFull;
  if (!disk_.powered()) ++tally_.cuts_in_openings;
  if (disk_.powered() && !failed && !full) blame("the store cannot be opened: " + error.text);
}

void PowerLossRun::check_opening(const SqliteStore& store) {
  ++tally_.openings;
  const auto reader = store.make_reader();
  if (!reader) return blame("no reader: " + reader.error().text);
  check_identity(store);
  check_contents(**reader);
  check_pages();
}

void PowerLossRun::check_identity(const SqliteStore& store) {
  const Opened& opened = store.opened();
  const Identity now = store.identity(), before = identity_.value_or(now);
  const bool changed = opened.new_incarnation || now != before;
  if (identity_ && opened.created) blame("the store was gone, and was made anew");
  if (now.node != before.node) blame("the node has another name");
  if (changed && !may_be_new_) blame("a new incarnation without need: " + opened.why);
  if (identity_ && now == before && must_be_new_)
    blame("the same incarnation after a failure or a power cut");
  ended_ = now != before ? std::optional(before) : std::nullopt;
  identity_ = now;
  may_be_new_ = must_be_new_ = false;
}

// What the opening found, after its own first act.
StoreModel PowerLossRun::with_end(StoreModel model) const {
  if (ended_) model.end_incarnation(*ended_);
  return model;
}

// Batches are stored in order: what is there is some of them from the first on, at least all that were
// reported.
void PowerLossRun::check_contents(const StoreReader& reader) {
  const auto contents = read_contents(reader);
  if (!contents) return blame("the store cannot be read: " + contents.error().text);
  if (const std::string what = contradiction(*contents); !what.empty()) return blame(what);
  StoreModel model = model_;
  if (!settle_reported(model)) return;
  std::string differs = difference(*contents, with_end(model));
  const std::string at_least = differs;
  for (auto next = handed_.begin(); !differs.empty() && next != handed_.end(); next = handed_.erase(next)) {
    if (model.take(next->batch)) ++tally_.unreported_kept;
    differs = difference(*contents, with_end(model));
  }
  if (!differs.empty()) return blame("not what was written, reported and whole: " + at_least);
  tally_.unreported_lost += handed_.size();
  handed_.clear();
  model_ = with_end(std::move(model));
  const Seq last = contents->held(own_stream()).last();
  if (last < used_[identity_->incarnation]) blame("a number would be given twice");
  used_[identity_->incarnation] = last;
  next_ = last + 1;
}

// Gives the model what was reported durable and all before it, and leaves the rest in handed_.
bool PowerLossRun::settle_reported(StoreModel& model) {
  std::size_t end = handed_.size();
  while (end > 0 && !(handed_[end - 1].status && handed_[end - 1].status->ok())) --end;
  for (std::size_t i = 0; i < end; ++i) {
    const Handed& handed = handed_[i];
    if (!handed.status) return blame("a batch was passed over in the reports"), false;
    if (model.take(handed.batch) != handed.status->ok()) return blame("a batch was judged wrongly"), false;
    if (!handed.status->ok()) continue;
    ++tally_.durable;
    const StoredBlock& own = handed.batch.blocks.back();
    Seq& used = used_[own.stream.incarnation];
    if (own.first <= used) return blame("a number was given twice"), false;
    used = own.interval().last;
  }
  handed_.erase(handed_.begin(), handed_.begin() + static_cast<std::ptrdiff_t>(end));
  return true;
}

void PowerLossRun::check_pages() {
  const std::string damage = page_damage(folder_.file("store"), vfs_.name());
  if (!damage.empty()) blame(damage);
}

}  // namespace deltamesh
