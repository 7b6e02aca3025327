// engine/merging.h - which cells of telemetry streams are to be looked at, so that their blocks become one.
//
// A cell is so many events of one stream, aligned to that; cells of each level are cut into those of the
// level below. Blocks of short commits are small, and a store is nearly twice as large with them, so once all
// of a cell is settled and held, its blocks are merged: an event is written once, and once more a level at
// most. Where a cell and one that it lies in become complete together, the larger one is merged at once. A
// block that lies across the end of a cell stays out of it, and is merged with the next larger one: no
// writer's lies across a multiple of limits::kCellEvents.
//
// Plain state; node_merge.cc reads and writes blocks by it. After a restart all complete cells are looked at,
// which reads rows of the index alone where they were merged before.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <vector>

#include "crdt/interval_set.h"
#include "engine/limits.h"
#include "engine/store.h"
#include "engine/stream_table.h"

namespace deltamesh {

// These blocks, neighbours in order, as one. kLimit: it would be too large, or take too much memory to make.
// Other errors: one of them is of an unknown codec or does not decode, they are no neighbours, or their
// series contradict each other.
Result<StoredBlock> merge_stored(const std::vector<StoredBlock>& blocks);

class Merging {
 public:
  struct Cell {
    std::size_t level = 0;
    StreamIx ix = 0;
    Interval dots;
  };

  // Cells of each level are a multiple of those of the one before.
  explicit Merging(std::vector<limits::MergeLevel> levels) : levels_(std::move(levels)) {
    cells_.resize(levels_.size());
  }

  // All of `run`, which is about some of `dots`, is held and settled: the largest cells within it that have
  // some of `dots` are to be looked at.
  void take(StreamIx ix, Interval dots, Interval run);
  // The same where `block` has come to be there, as one: of what lies within it there is nothing to merge.
  void take_block(StreamIx ix, Interval block, Interval run);
  void add(const Cell& cell) { add(cell.level, cell.ix, numbers(cell)); }
  void remove(const Cell& cell);
  // The next one, smaller ones first; none: nothing is to be looked at.
  [[nodiscard]] std::optional<Cell> next() const;

  // Its cells of the level below; none if there is none.
  [[nodiscard]] std::vector<Cell> parts(const Cell& cell) const;
  [[nodiscard]] std::size_t blocks_min(const Cell& cell) const { return levels_[cell.level].blocks_min; }

  std::vector<Cell> under_way;  // On their way to the store; their blocks are still there or merged already.
  [[nodiscard]] bool touches(StreamIx ix, Interval dots) const;
  // When cells are looked at next; none: that is for the next tick to say, if there are any.
  std::optional<std::chrono::microseconds> look_at;

 private:
  void take(std::size_t levels, StreamIx ix, Interval dots, Interval run);
  void add(std::size_t level, StreamIx ix, Interval numbers);
  [[nodiscard]] Seq events(std::size_t level) const { return levels_[level].events; }
  [[nodiscard]] Cell cell(std::size_t level, StreamIx ix, Seq number) const;
  [[nodiscard]] Interval numbers(const Cell& cell) const;

  std::vector<limits::MergeLevel> levels_;
  std::vector<std::map<StreamIx, IntervalSet>> cells_;  // By level: their numbers, from 1 on.
};

}  // namespace deltamesh
