// tests/sim/wall_clock.h - the clock on a node's wall: right, wrong, jumping, drifting, or at 1970 after each
// boot.
#pragma once

#include "tests/sim/rng.h"

namespace deltamesh::sim {

// The right time is this much later than the virtual one.
inline constexpr Micros kToday{1'780'000'000'000'000};

// After 1970 it can be before it, too: whoever looks at a wall must bear that.
class WallClock {
 public:
  [[nodiscard]] Micros at(Micros now) const {
    return shown_ + Micros((now - since_).count() * (1000 + drift_per_mille_) / 1000);
  }
  // Something vouches for it: nothing has gone wrong with it since it was set.
  [[nodiscard]] bool is_trusted() const { return trusted_ && drift_per_mille_ == 0; }
  void jump(Micros by) {
    shown_ += by;
    trusted_ = false;
  }
  void set(Micros now, Micros shown) {
    since_ = now;
    shown_ = shown;
    trusted_ = shown == kToday + now;
  }
  // From now on it gains (or loses) so many of 1000.
  void drift(Micros now, std::int64_t per_mille) {
    shown_ = at(now);
    since_ = now;
    drift_per_mille_ = per_mille;
  }

 private:
  Micros since_{0};
  Micros shown_ = kToday;  // At `since_`.
  std::int64_t drift_per_mille_ = 0;
  bool trusted_ = true;
};

}  // namespace deltamesh::sim
