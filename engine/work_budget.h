// engine/work_budget.h - how much may be done at once, if so much may be done a second.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace deltamesh {

class WorkBudget {
 public:
  WorkBudget(std::uint64_t per_second, std::uint64_t max) : per_second_(per_second), max_(max), left_(max) {}

  // What may be done at `now`, on a clock that never goes back.
  std::uint64_t left(std::chrono::microseconds now) {
    const auto elapsed = std::min(now - since_, std::chrono::microseconds(std::chrono::hours(1)));
    const std::uint64_t more = static_cast<std::uint64_t>(elapsed.count()) * per_second_ / 1'000'000;
    if (more == 0) return left_;
    left_ = std::min(max_, left_ + more);
    since_ = now;
    return left_;
  }
  void spend(std::uint64_t work) { left_ -= std::min(left_, work); }

 private:
  std::uint64_t per_second_, max_, left_;
  std::chrono::microseconds since_{0};
};

}  // namespace deltamesh
