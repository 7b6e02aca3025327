// crdt/hybrid_clock.h - timestamps that follow the wall clock and never contradict causality.
//
// Hybrid logical clock (Kulkarni et al., "Logical Physical Clocks", 2014): 48 bits of milliseconds since 1970
// and a 16-bit counter. now() is later than every stamp issued or observed before, with two exceptions: a
// remote stamp further than a minute ahead of the wall clock does not drag the clock along, as one node with
// a wrong clock must not push the fleet into the future; and a clock that ran ahead is set back once the time
// is known. The map settles such keys by epoch (crdt/map_conflict.h).
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>

namespace deltamesh {

inline constexpr std::uint64_t kStampMillisecondsMax = (std::uint64_t{1} << 48) - 1;  // The year 10889.

struct HlcStamp {
  std::uint64_t bits = 0;  // Milliseconds << 16 | counter.
  [[nodiscard]] std::chrono::milliseconds time() const {
    return std::chrono::milliseconds(static_cast<std::int64_t>(bits >> 16));
  }
  friend auto operator<=>(HlcStamp, HlcStamp) = default;
};

class HybridClock {
 public:
  static constexpr std::chrono::milliseconds kAheadMax{60'000};

  // `last` is the last stamp that this node is known to have issued, from its store.
  explicit HybridClock(HlcStamp last = {}) : last_(last) {}

  // A stamp later than every earlier result since set_back(). `wall` may jump in either direction.
  [[nodiscard]] HlcStamp now(std::chrono::milliseconds wall);

  // Takes note of a remote stamp. Returns false if it is too far ahead of `wall` and was not adopted.
  bool observe(HlcStamp remote, std::chrono::milliseconds wall);

  // The same of a stamp that a trusted clock made, for a node that has none: however far ahead.
  void adopt(HlcStamp remote);
  // Once the time is known to be `wall`: forgets stamps further ahead of it than is allowed, and returns
  // whether there were any. From then on they are overruled by epoch, those of this node, too.
  bool set_back(std::chrono::milliseconds wall);

  [[nodiscard]] HlcStamp last() const { return last_; }

 private:
  HlcStamp last_;
};

}  // namespace deltamesh
