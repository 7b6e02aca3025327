// crdt/hybrid_clock.cc - the arithmetic of a hybrid logical clock.
#include "crdt/hybrid_clock.h"

#include <algorithm>
#include <limits>

namespace deltamesh {
namespace {

constexpr auto kMillisecondsMax = static_cast<std::int64_t>(kStampMillisecondsMax);

// A wall clock may show anything; what a stamp cannot say is pulled to the nearest that it can.
std::uint64_t milliseconds(std::chrono::milliseconds wall) {
  return static_cast<std::uint64_t>(std::clamp<std::int64_t>(wall.count(), 0, kMillisecondsMax));
}

// The last stamp that is not too far ahead.
HlcStamp latest_at(std::chrono::milliseconds wall) {
  const auto ahead_max = static_cast<std::uint64_t>(HybridClock::kAheadMax.count());
  return {std::min(milliseconds(wall) + ahead_max, kStampMillisecondsMax) << 16 | 0xFFFF};
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
  if (remote > latest_at(wall)) return false;
  adopt(remote);
  return true;
}

void HybridClock::adopt(HlcStamp remote) {
  last_ = std::max(last_, remote);
}

bool HybridClock::set_back(std::chrono::milliseconds wall) {
  if (last_ <= latest_at(wall)) return false;
  last_ = {milliseconds(wall) << 16};
  return true;
}

}  // namespace deltamesh
