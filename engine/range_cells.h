// engine/range_cells.h - an interval of dots, cut at multiples of a power of two.
//
// Cell n of width 2^shift has the dots n * 2^shift + 1 to (n + 1) * 2^shift, wherever the interval begins: so
// the cells of two comparisons are the same ones, and their sums can be remembered. The outer cells may lie
// in the interval in part.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "crdt/interval_set.h"

namespace deltamesh {

class RangeCells {
 public:
  RangeCells(Interval dots, unsigned shift) : dots_(dots), shift_(shift) {}

  // The narrowest cells of which `dots` has at most `cells_max` (at least 2): more than one, unless it is one
  // dot.
  static RangeCells at_most(std::size_t cells_max, Interval dots) {
    RangeCells cells(dots, 0);
    while (cells.count() > cells_max) ++cells.shift_;
    return cells;
  }

  [[nodiscard]] unsigned shift() const { return shift_; }
  [[nodiscard]] std::uint64_t count() const { return number(dots_.last) - number(dots_.first) + 1; }
  // The dots of cell `i` of these, below count(), that lie in the interval.
  [[nodiscard]] Interval at(std::uint64_t i) const {
    const Seq before = (number(dots_.first) + i) << shift_;
    return {std::max(before + 1, dots_.first), std::min(before + (Seq{1} << shift_), dots_.last)};
  }
  // The number of the cell that `seq` lies in.
  [[nodiscard]] std::uint64_t number(Seq seq) const { return (seq - 1) >> shift_; }

 private:
  Interval dots_;
  unsigned shift_;
};

}  // namespace deltamesh
