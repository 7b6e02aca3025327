// tests/sqlite/power_loss_faults.cc - what goes wrong in a life, and how it ends.
#include <array>

#include "tests/sqlite/power_loss_run.h"

namespace deltamesh {

using testing::DiskFaults;
using testing::DiskOp;

namespace {

// Near the start for openings and their steps, further on for checkpoints and closes.
std::uint64_t some_operation(sim::Rng& rng) {
  const std::uint64_t reach = rng.chance(400) ? 30 : 400;
  return rng.between(1, reach);
}

// Failed syncs above all: a disk may say that it is well again, and have lost something.
DiskOp some_kind(sim::Rng& rng) {
  constexpr std::array kinds{DiskOp::kWrite, DiskOp::kTruncate, DiskOp::kName, DiskOp::kOutside};
  return rng.chance(600) ? DiskOp::kSync : kinds[rng.below(kinds.size())];
}

}  // namespace

// The last life only looks.
void PowerLossRun::plan_faults() {
  disk_.power_on();
  disk_.limit_bytes(std::nullopt);
  errors_before_ = disk_.faults().failures();
  full_ = told_of_failure_ = false;
  const DiskOp op = some_kind(rng_);
  const bool last = life_ == plan_.lives;
  const std::uint64_t kind = last ? 1000 : rng_.below(plan_.disk_errors ? 1000 : 600);
  const std::uint64_t when = some_operation(rng_), share = rng_.between(1, 20);
  disk_.plan([&](DiskFaults& faults) {
    faults.none();
    if (!last) faults.lie_about_syncs(plan_.lies_per_mille);
    if (kind < 350) faults.cut_power_at(when);
    if (kind >= 350 && kind < 550) faults.cut_power_at(DiskOp::kSync, 1 + when / 4);
    if (kind >= 600 && kind < 850) faults.fail_at(op, 1 + when / 4);
    if (kind >= 850 && kind < 900) faults.fail_share(op == DiskOp::kOutside ? DiskOp::kWrite : op, share);
  });
  full_ = kind >= 900 && kind < 1000;
  if (full_) disk_.limit_bytes(disk_.used_bytes() + rng_.below(100'000));
}

// The power may be cut now too, with the store closed or failed; and the caches may go.
void PowerLossRun::end_life() {
  const bool failed = disk_.faults().failures() > errors_before_;
  if (told_of_failure_ && disk_.powered() && !failed) blame("the store failed on a disk that did not");
  tally_.errors += disk_.faults().failures() - errors_before_;
  may_be_new_ = may_be_new_ || failed;
  if (disk_.powered() && rng_.chance(300)) disk_.power_cut(rng_);
  must_be_new_ = must_be_new_ || told_of_failure_ || !disk_.powered();
  may_be_new_ = may_be_new_ || !disk_.powered();
  if (!disk_.powered()) {
    empty_memory(options());
    ++tally_.cuts;
  }
  if (rng_.chance(250)) disk_.drop_caches();
}

}  // namespace deltamesh
