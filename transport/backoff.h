// transport/backoff.h - how long to wait before the next attempt.
//
// Exponential with full jitter: each wait is drawn evenly from zero to a bound that doubles from `base` to
// `max`, so that a thousand nodes whose server restarted do not return in step. Pure: equal seeds give equal
// waits.
#pragma once

#include <chrono>
#include <cstdint>

#include "engine/limits.h"

namespace deltamesh {

class Backoff {
 public:
  using Duration = std::chrono::milliseconds;
  struct Pace {
    Duration base = limits::kDialBackoffBase;  // At least 1 ms.
    Duration max = limits::kDialBackoffMax;    // At least `base`.
    Duration stable = limits::kDialStable;
  };

  Backoff(Pace pace, std::uint64_t seed) : pace_(pace), random_(seed), bound_(pace.base) {}

  // The next wait, from 0 to bound(); doubles the bound up to the maximum.
  Duration next();
  // What was attempted worked for this long before it failed: long enough starts over at `base`.
  void worked_for(Duration up);

  [[nodiscard]] Duration bound() const { return bound_; }

 private:
  std::uint64_t random();

  Pace pace_;
  std::uint64_t random_;
  Duration bound_;
};

}  // namespace deltamesh
