// tests/support/disk_faults.cc - counting down to a fault.
#include "tests/support/disk_faults.h"

namespace deltamesh::testing {
namespace {

// True when a countdown that is running comes to its end.
bool is_over(std::uint64_t& left) {
  return left > 0 && --left == 0;
}

}  // namespace

void DiskFaults::none() {
  kinds_ = {};
  cut_in_ = 0;
  lies_per_mille_ = 0;
}

DiskFaults::Verdict DiskFaults::verdict(DiskOp op, sim::Rng& rng) {
  ++operations_;
  OfKind& kind = of(op);
  if (is_over(cut_in_) || is_over(kind.cut_in)) return Verdict::kCut;
  if (is_over(kind.fail_in) || (kind.per_mille > 0 && rng.chance(kind.per_mille)))
    return ++failures_, Verdict::kFail;
  if (op == DiskOp::kSync && lies_per_mille_ > 0 && rng.chance(lies_per_mille_)) return Verdict::kLie;
  return Verdict::kPass;
}

}  // namespace deltamesh::testing
