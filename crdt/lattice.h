// crdt/lattice.h - what every replicated value promises.
//
// join() is a least upper bound: commutative, associative, idempotent, and inflationary (a state never gets
// smaller). It returns true if the state changed. tests/crdt/laws.h checks each type on random states.
#pragma once

#include <concepts>

namespace deltamesh {

template <class T>
concept Lattice = std::regular<T> && requires(T a, const T& b) {
  { a.join(b) } -> std::same_as<bool>;
};

}  // namespace deltamesh
