// crdt/hybrid_clock.cc - the arithmetic of a hybrid logical clock.
#include "crdt/hybrid_clock.h"

#include <algorithm>
#include <limits>

namespace deltamesh {
namespace {

constexpr std::int64_t kMillisecondsMax = (std::int64_t{1} << 48) - 1;

// A wall clock may show anything; what a stamp cannot say is pulled to the nearest that it can.
std::uint64_t milliseconds(std::chrono::milliseconds wall) {
  return static_cast<std::uint64_t>(std::clamp<std::int64_t>(wall.count(), 0, kMillisecondsMax));
}

// The counter carries into the milliseconds. The year 10889 is the end: the last stamp then repeats.
HlcStamp next(HlcStamp stamp) {
  return {stamp.bits == std::numeric_limits<std::uint64_t>::max() ? stamp.bits : stamp.bits + 1};
}

}  // namespace

HlcStamp HybridClock::now(std::chrono::milliseconds wall) {
  last_ = std::max(next(last_), HlcStamp{milliseconds(wall) << 16});
  return last_;
}

bool HybridClock::observe(HlcStamp remote, std::chrono::milliseconds wall) {
  const auto ahead_max = static_cast<std::uint64_t>(kAheadMax.count());
  if (remote.bits >> 16 > milliseconds(wall) + ahead_max) return false;
  last_ = std::max(last_, remote);
  return true;
}

}  // namespace deltamesh
