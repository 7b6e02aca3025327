// tests/sim/rng.h - the simulator's own random numbers: the same from every compiler and library.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

namespace deltamesh::sim {

using Micros = std::chrono::microseconds;

// One step of splitmix64 (Steele, Lea, Flood 2014); also a good mixer of 64 bits.
inline std::uint64_t mixed(std::uint64_t bits) {
  bits += 0x9e3779b97f4a7c15;
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
  return bits ^ (bits >> 31);
}

// xoshiro256** (Blackman, Vigna 2018), seeded by splitmix64.
class Rng {
 public:
  explicit Rng(std::uint64_t seed) {
    for (auto& word : state_) word = seed = mixed(seed);
  }

  std::uint64_t next() {
    const std::uint64_t result = rotated(state_[1] * 5, 7) * 9;
    const std::uint64_t t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = rotated(state_[3], 45);
    return result;
  }

  // 0 to end - 1; the bias of the remainder does not matter here.
  std::uint64_t below(std::uint64_t end) { return next() % end; }
  std::uint64_t between(std::uint64_t first, std::uint64_t last) { return first + below(last - first + 1); }
  bool chance(std::uint64_t per_mille) { return below(1000) < per_mille; }
  Micros between(Micros first, Micros last) {
    return first +
           Micros(static_cast<Micros::rep>(below(static_cast<std::uint64_t>((last - first).count()) + 1)));
  }

 private:
  static std::uint64_t rotated(std::uint64_t bits, int by) { return (bits << by) | (bits >> (64 - by)); }
  std::array<std::uint64_t, 4> state_{};
};

}  // namespace deltamesh::sim
