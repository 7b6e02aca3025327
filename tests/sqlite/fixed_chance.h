// tests/sqlite/fixed_chance.h - random bytes that a seed decides, so that a store's identity repeats with it.
//
// This program's own getrandom() stands before that of the C library. (SQLite asks elsewhere.)
#pragma once

#include <cstdint>

namespace deltamesh {

// While it lives, and one at a time.
class FixedChance {
 public:
  explicit FixedChance(std::uint64_t seed);
  ~FixedChance();
  FixedChance(const FixedChance&) = delete;
  FixedChance& operator=(const FixedChance&) = delete;
};

}  // namespace deltamesh
