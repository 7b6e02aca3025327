// tests/sim/wall_clock.h - the clock on a node's wall: right, wrong, jumping, drifting, or at 1970 after each
// boot.
#pragma once

#include "tests/sim/rng.h"

namespace deltamesh::sim {

// The right time is this much later than the virtual one.
inline constexpr Micros kToday{1'780'000'000'000'000};

// After 1970 it can be before it, too: whoever looks at a wall must bear that.
class WallClock {
  static constexpr Micros kMinded{1'000'000};

 public:
  [[nodiscard]] Micros at(Micros now) const {
    return shown_ + Micros((now - since_).count() * (1000 + drift_per_mille_) / 1000);
  }
  // Or wrong by so little that nobody minds.
  [[nodiscard]] bool is_right(Micros now) const {
    const Micros ahead = at(now) - (kToday + now);
    return ahead < kMinded && -ahead < kMinded;
  }
  void jump(Micros by) { shown_ += by; }
  void set(Micros now, Micros shown) {
    since_ = now;
    shown_ = shown;
  }
  // From now on it gains (or loses) so many of 1000.
  void drift(Micros now, std::int64_t per_mille) {
    set(now, at(now));
    drift_per_mille_ = per_mille;
  }

 private:
  Micros since_{0};
  Micros shown_ = kToday;  // At `since_`.
  std::int64_t drift_per_mille_ = 0;
};

}  // namespace deltamesh::sim
