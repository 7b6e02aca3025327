// transport/log_limit.h - so that a peer that is refused a thousand times a second cannot fill the disk.
//
// Pure: the caller brings the clock. Each second admits a number of lines; the first line of a later second
// is told how many were left out before it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace deltamesh {

class LogLimit {
 public:
  explicit LogLimit(std::uint32_t lines_per_second) : lines_per_second_(lines_per_second) {}

  // nullopt: leave this line out. Otherwise the number of lines left out since the last admitted one.
  std::optional<std::uint64_t> admit(std::chrono::microseconds now);
  // Lines left out that no admitted line has told of; zero from then on.
  std::uint64_t take_suppressed();

 private:
  std::uint32_t lines_per_second_;
  std::uint32_t lines_ = 0;
  std::uint64_t suppressed_ = 0;
  std::optional<std::chrono::microseconds> since_;
};

}  // namespace deltamesh
