// transport/log_limit.cc - counts lines by the second.
#include "transport/log_limit.h"

#include <utility>

namespace deltamesh {

std::optional<std::uint64_t> LogLimit::admit(std::chrono::microseconds now) {
  if (!since_ || now - *since_ >= std::chrono::seconds(1)) {
    since_ = now;
    lines_ = 0;
  }
  if (lines_ == lines_per_second_) {
    ++suppressed_;
    return std::nullopt;
  }
  ++lines_;
  return take_suppressed();
}

std::uint64_t LogLimit::take_suppressed() {
  return std::exchange(suppressed_, 0);
}

}  // namespace deltamesh
