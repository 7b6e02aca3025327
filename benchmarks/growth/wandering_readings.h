// benchmarks/growth/wandering_readings.h - made-up readings: the same on every machine, without end.
//
// Devices speak in turn, one a second in all, each with an event of all its series: values of two decimals
// that wander.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "crdt/sample.h"

namespace deltamesh::bench {

inline constexpr std::uint64_t kReadingsPerEvent = 10;
inline constexpr Ticks kFirstTime = 1'600'000'000'000;  // In milliseconds since 1970.
inline constexpr Ticks kEventPause = 1'000;

class WanderingReadings {
 public:
  // `series` in all, a multiple of kReadingsPerEvent; their names begin with `prefix`.
  WanderingReadings(std::uint64_t series, const std::string& prefix, std::uint64_t seed);

  // Puts the next events into `out`, whose memory is used again.
  void next(std::uint64_t count, std::vector<NamedEvent>& out);

  [[nodiscard]] static std::string series_name(const std::string& prefix, std::uint64_t device,
                                               std::uint64_t number);

 private:
  std::uint64_t random();

  std::vector<NamedEvent> devices_;  // What each said last.
  std::vector<std::int64_t> values_;
  std::uint64_t state_;
  std::uint64_t said_ = 0;
};

}  // namespace deltamesh::bench
