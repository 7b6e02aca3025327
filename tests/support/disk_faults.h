// tests/support/disk_faults.h - what a simulated disk shall do wrong, and when.
#pragma once

#include <array>
#include <cstdint>

#include "tests/sim/rng.h"

namespace deltamesh::testing {

enum class DiskOp : std::uint8_t {
  kWrite,
  kTruncate,
  kSync,
  kName,     // A file is created or removed.
  kOutside,  // A step that does not touch this disk but needs the same power.
};

class DiskFaults {
 public:
  // The `number`th operation of any kind, or of this kind, from now on is the last: the power fails in the
  // midst of it. 0: never.
  void cut_power_at(std::uint64_t number) { cut_in_ = number; }
  void cut_power_at(DiskOp op, std::uint64_t number) { of(op).cut_in = number; }
  // The `number`th operation of this kind from now on fails with EIO, once. 0: never.
  void fail_at(DiskOp op, std::uint64_t number) { of(op).fail_in = number; }
  // So many of 1000 do.
  void fail_share(DiskOp op, std::uint64_t per_mille) { of(op).per_mille = per_mille; }
  // So many of 1000 syncs do nothing and say that all is well.
  void lie_about_syncs(std::uint64_t per_mille) { lies_per_mille_ = per_mille; }
  void none();

  enum class Verdict : std::uint8_t { kPass, kFail, kLie, kCut };
  Verdict verdict(DiskOp op, sim::Rng& rng);

  // Both since the start.
  [[nodiscard]] std::uint64_t operations() const { return operations_; }
  [[nodiscard]] std::uint64_t failures() const { return failures_; }

 private:
  struct OfKind {
    std::uint64_t cut_in = 0;
    std::uint64_t fail_in = 0;
    std::uint64_t per_mille = 0;
  };
  OfKind& of(DiskOp op) { return kinds_[static_cast<std::size_t>(op)]; }

  std::array<OfKind, 5> kinds_;
  std::uint64_t cut_in_ = 0;
  std::uint64_t lies_per_mille_ = 0;
  std::uint64_t operations_ = 0;
  std::uint64_t failures_ = 0;
};

}  // namespace deltamesh::testing
