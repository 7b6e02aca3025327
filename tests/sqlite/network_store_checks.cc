// tests/sqlite/network_store_checks.cc - what must be true whenever the store of a simulated node was opened.
#include "tests/sqlite/disk_store.h"
#include "tests/sqlite/network_store.h"
#include "tests/sqlite/store_contents.h"

namespace deltamesh {

void NetworkStore::check_opening(const Found& found) {
  ++tally_.openings;
  check_identity();
  check_contents(found);
  check_pages();
}

void NetworkStore::check_identity() {
  const Opened& opened = store_->opened();
  const Identity now = store_->identity(), before = identity_.value_or(now);
  if (identity_ && opened.created) blame("it was gone, and was made anew");
  if (now.node != before.node) blame("the node has another name");
  if (now != before && !may_be_new_ && !must_be_new_) blame("a new incarnation without need: " + opened.why);
  if (now == before && identity_ && must_be_new_)
    blame("the same incarnation after a failure or a power cut");
  past_ = now != before ? std::optional(before) : std::nullopt;
  identity_ = now;
  must_be_new_ = false;
}

// What the opening found, after its own first act.
StoreModel NetworkStore::with_end(StoreModel model) const {
  if (past_) model.end_incarnation(*past_);
  return model;
}

void NetworkStore::check_contents(const Found& found) {
  const auto contents = read_contents(*reader_);
  if (!contents) return blame("it cannot be read: " + contents.error().text);
  std::string differs = difference(*contents, with_end(model_));
  const std::string at_least = differs;
  for (; !differs.empty() && !unreported_.empty(); unreported_.pop_front()) {
    found(past_.value_or(*identity_), unreported_.front());
    if (model_.take(unreported_.front())) ++tally_.unreported_kept;
    differs = difference(*contents, with_end(model_));
  }
  if (!differs.empty()) blame("holds not what was written, reported and whole: " + at_least);
  model_ = with_end(std::move(model_));
  tally_.unreported_lost += unreported_.size();
  unreported_.clear();
}

void NetworkStore::check_pages() {
  const std::string damage = page_damage(folder_.file("store"), vfs_.name());
  if (!damage.empty()) blame(damage);
}

}  // namespace deltamesh
