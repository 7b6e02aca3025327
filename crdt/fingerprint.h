// crdt/fingerprint.h - a 128-bit summary of a set, equal for equal sets in whatever order they were met.
//
// The sum modulo 2^128 of XXH3-128 over the canonical bytes of each member. It finds accidents, not attackers
// (a sum can be forged). Events are hashed with series *names*, not numbers, so that two nodes that numbered
// alike but named differently do not look equal.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "crdt/lww_map.h"
#include "crdt/sample.h"

namespace deltamesh {

class Fingerprint {
 public:
  Fingerprint() = default;
  Fingerprint(std::uint64_t high, std::uint64_t low) : high_(high), low_(low) {}

  void add(ByteView member);  // The canonical bytes of one member.
  void add(const Fingerprint& other);
  void subtract(const Fingerprint& other);
  [[nodiscard]] std::uint64_t high() const { return high_; }
  [[nodiscard]] std::uint64_t low() const { return low_; }
  friend bool operator==(const Fingerprint&, const Fingerprint&) = default;

 private:
  std::uint64_t high_ = 0, low_ = 0;
};

// One event under its dot; `decls` holds a declaration for each reading, in the order of event.readings.
Fingerprint fingerprint_event(const Dot& dot, const Event& event, std::span<const SeriesDecl* const> decls);
// One live map entry. A tombstone is not part of a map's fingerprint: it yields the empty sum.
Fingerprint fingerprint_entry(const MapEntry& entry);

}  // namespace deltamesh
