// tests/crdt/laws.h - the laws that every replicated value must pass, on random states.
//
// Each state comes from a seed, and a broken law names the seed, so that the one case can be run again.
#pragma once

#include <array>
#include <catch2/catch.hpp>
#include <cstdint>
#include <iostream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "crdt/lattice.h"
#include "tests/crdt/random.h"

namespace deltamesh {

inline constexpr std::uint64_t kRandomStates = 10'000;

template <class T, class Other>
T joined(T state, const Other& other) {
  state.join(other);
  return state;
}

inline void require_law(bool holds, const char* law, std::uint64_t seed) {
  if (!holds) FAIL("broken: " << law << ", seed " << seed);
}

// What the generated states are like: proof that the interesting ones were really met.
class Distribution {
 public:
  explicit Distribution(std::string type) : type_(std::move(type)) {}

  void count(const std::string& kind, bool is_hit) { hits_[kind] += is_hit ? 1 : 0; }

  // Prints the share of each kind, and fails if one was hit less often than once in a hundred states.
  void report() const {
    std::cout << type_ << ", " << kRandomStates << " states:";
    for (const auto& [kind, hits] : hits_) std::cout << "  " << kind << " " << hits;
    std::cout << "\n";
    for (const auto& [kind, hits] : hits_) {
      CAPTURE(type_, kind);
      CHECK(hits >= kRandomStates / 100);
    }
  }

 private:
  std::string type_;
  std::map<std::string, std::uint64_t> hits_;
};

template <class T>
void check_join_laws_of(const T& a, const T& b, const T& c, std::uint64_t seed) {
  T ab = a;
  const bool changed = ab.join(b);
  require_law(changed == !(ab == a), "join tells whether it changed the state", seed);
  require_law(ab == joined(b, a), "commutative", seed);
  require_law(joined(ab, c) == joined(a, joined(b, c)), "associative", seed);
  T twice = a;
  const bool again = twice.join(a);
  require_law(!again && twice == a, "idempotent", seed);
  require_law(joined(ab, a) == ab && joined(ab, b) == ab, "inflationary", seed);
}

// `generate(random)` makes three states that may meet; `classify(distribution, a, b)` counts their kinds.
template <Lattice T, class Generate, class Classify>
void check_join_laws(const char* type, Generate generate, Classify classify) {
  Distribution distribution(type);
  for (std::uint64_t seed = 0; seed < kRandomStates; ++seed) {
    Random random(seed);
    const std::array<T, 3> states = generate(random);
    classify(distribution, states[0], states[1]);
    check_join_laws_of(states[0], states[1], states[2], seed);
  }
  distribution.report();
}

// `mutate(random, state)` changes the state and returns the delta; `decompose(state)` gives its smallest
// parts.
template <Lattice T, class Generate, class Mutate, class Decompose>
void check_delta_laws(Generate generate, Mutate mutate, Decompose decompose) {
  for (std::uint64_t seed = 0; seed < kRandomStates; ++seed) {
    Random random(seed);
    const T before = generate(random)[0];
    T after = before;
    const auto delta = mutate(random, after);
    require_law(joined(before, delta) == after, "delta joined = mutated state", seed);
    require_law(joined(after, before) == after, "a mutation only grows the state", seed);

    auto parts = decompose(after);
    random.shuffle(parts);
    T whole;
    for (const auto& part : parts) whole.join(part);
    require_law(whole == after, "decompose, then join = identity", seed);
  }
}

}  // namespace deltamesh
