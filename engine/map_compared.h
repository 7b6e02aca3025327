// engine/map_compared.h - what came of comparing one map between two sides, and how to say it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "crdt/dot.h"
#include "engine/reconciled.h"

namespace deltamesh {

// Dots of one writer that one side knows and the other does not. A is the side that asked, B its peer.
struct LackingDots {
  StreamId stream;
  DotFindings a, b;  // What A lacks, what B lacks.
};

// All of it counted, the first writers named.
struct Lacking {
  std::vector<LackingDots> first;  // Ascending by stream; at most limits::kCompareWritersMax.
  std::uint64_t a = 0, b = 0;
  bool cut = false;  // There are more writers than first.

  void add(LackingDots more);  // Of a writer behind all that were added.
  [[nodiscard]] bool empty() const { return a == 0 && b == 0; }
  [[nodiscard]] const LackingDots* find(const StreamId& stream) const;
};

struct ComparedMap {
  DatasetId dataset{};
  std::uint64_t equal = 0;  // Live entries that are the same on both sides.
  Lacking lacking;
  // Keys whose entries are not the same though nothing that either side lacks explains it: all counted, the
  // first limits::kCompareKeysMax named.
  std::uint64_t differ = 0;
  std::vector<std::string> keys;
  std::uint64_t undecided = 0;  // Keys that changed meanwhile, and ranges that did not fit into the bounds.
  std::uint32_t questions = 0;
  Status status = Done{};  // Why it was not compared to its end.

  [[nodiscard]] Verdict verdict() const;
};

// "equal", "equal where both know; A lacks 5-9 (5 dots) of 3f9a1c22.a0b1c2d3", "differ at valve-1 (1 key)".
std::string describe(const ComparedMap& result, std::string_view a, std::string_view b);

}  // namespace deltamesh
