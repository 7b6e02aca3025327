// tests/support/wait.h - waiting for something to become true, with a deadline that only a failure reaches.
#pragma once

#include <chrono>
#include <thread>

namespace deltamesh::testing {

// Generous, because sanitizers and busy machines are slow; a test that passes does not wait for it.
inline constexpr std::chrono::seconds kPatience{60};

// Returns whether `condition` came true in time.
template <class Condition>
bool wait_until(Condition condition, std::chrono::milliseconds patience = kPatience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

}  // namespace deltamesh::testing
