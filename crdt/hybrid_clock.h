// crdt/hybrid_clock.h - timestamps that follow the wall clock and never contradict causality.
//
// Hybrid logical clock (Kulkarni et al., "Logical Physical Clocks", 2014): 48 bits of milliseconds since 1970
// and a 16-bit counter. now() is later than every stamp issued or observed before, except that a remote
// stamp further than a minute ahead of the wall clock does not drag the clock along: one node with a wrong
// clock must not push the fleet into the future. The map settles such keys by epoch (crdt/lww_map.h).
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>

namespace deltamesh {

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

  // `last` is the largest stamp that this node is known to have issued, from its store.
  explicit HybridClock(HlcStamp last = {}) : last_(last) {}

  // A stamp later than every earlier result. `wall` may jump in either direction.
  [[nodiscard]] HlcStamp now(std::chrono::milliseconds wall);

  // Takes note of a remote stamp. Returns false if it is too far ahead of `wall` and was not adopted.
  bool observe(HlcStamp remote, std::chrono::milliseconds wall);

  [[nodiscard]] HlcStamp last() const { return last_; }

 private:
  HlcStamp last_;
};

}  // namespace deltamesh
