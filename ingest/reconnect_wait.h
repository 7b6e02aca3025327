// ingest/reconnect_wait.h - how long to wait before the next attempt to reach a broker.
//
// Doubles from the first to the last; each wait lies between a half and the whole of it, so that the clients
// of a restarted broker do not all come at once.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <random>
#include <utility>

namespace deltamesh {

class ReconnectWait {
 public:
  using milliseconds = std::chrono::milliseconds;
  ReconnectWait(milliseconds first, milliseconds last) : first_(first), last_(last), next_(first) {}

  milliseconds next() {
    const auto whole = std::exchange(next_, std::min(last_, next_ * 2));
    const auto half = whole.count() / 2;
    return milliseconds(half + static_cast<std::int64_t>(random_()) % (half + 1));
  }
  void reset() { next_ = first_; }

 private:
  milliseconds first_, last_, next_;
  std::minstd_rand random_{std::random_device{}()};
};

}  // namespace deltamesh
