// tests/sqlite/fixed_chance.cc - a function of the C library, taken over by this program.
#include "tests/sqlite/fixed_chance.h"

#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <cassert>
#include <cstddef>
#include <mutex>
#include <optional>

#include "tests/sim/rng.h"

namespace deltamesh {
namespace {

std::mutex mutex;  // Of the one thing that a function without an object can find.
std::optional<sim::Rng> chance;

bool fill(unsigned char* to, std::size_t bytes) {
  const std::lock_guard lock(mutex);
  if (!chance) return false;
  for (std::size_t i = 0; i < bytes; ++i) to[i] = static_cast<unsigned char>(chance->below(256));
  return true;
}

}  // namespace

FixedChance::FixedChance(std::uint64_t seed) {
  const std::lock_guard lock(mutex);
  assert(!chance);
  chance.emplace(seed);
}

FixedChance::~FixedChance() {
  const std::lock_guard lock(mutex);
  chance.reset();
}

}  // namespace deltamesh

extern "C" ssize_t getrandom(void* to, size_t bytes, unsigned flags) {
  if (deltamesh::fill(static_cast<unsigned char*>(to), bytes)) return static_cast<ssize_t>(bytes);
  return ::syscall(SYS_getrandom, to, bytes, flags);
}
