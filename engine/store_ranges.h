// engine/store_ranges.h - the events of one stream of a store as a RangeSource: blocks decoded, events
// summed.
//
// It believes blocks, not knowledge: an event is held if its block is there and decodes. What it has read it
// remembers: which dots are there, the sums of aligned cells, and the events of the block that it read last.
// So a comparison decodes a stream once, and then only what lies at the edges of what differs; and it sees
// the stream as it was when first looked at. Memory is bounded by limits::kRangeCellsKept, one page of blocks
// and the gaps of the stream (an error beyond twice limits::kIntervalsMax).
//
// Reading is the price: the first question about a range costs a decode of all of it. Whoever must not be
// held up for that long compares a stream piece by piece.
#pragma once

#include <functional>
#include <limits>
#include <optional>
#include <vector>

#include "engine/range_source.h"
#include "engine/store.h"

namespace deltamesh {

// The declaration of a series of the stream; null if there is none (yet). Asked for each reading.
using DeclarationOf = std::function<const SeriesDecl*(SeriesNo)>;

// Whether a rule for wrong data (engine/forget.h) removes the value of this series from the event.
using RemovedBy = std::function<bool(SeriesNo, const Event&)>;

class StoreRanges final : public RangeSource {
 public:
  // About dots up to `upto`; beyond, nothing counts as held. `reader` must outlive it. A series without a
  // declaration is named by its number, in a way that no declared name can be: two sides that lack the same
  // declaration are equal, and one that lacks it differs from one that has it. A declaration that
  // comes later counts once forget() was called. What `removed` removes stands in no sum, whether it is still
  // there or not; nor do marks, and events that would be one. They are held all the same.
  StoreRanges(const StoreReader& reader, const StreamId& stream, Seq upto, DeclarationOf declaration,
              RemovedBy removed = {});

  Result<RangeSum> sum(Interval dots) override;
  Result<IntervalSet> held(Interval dots) override;

  // Blocks that hold some of `dots` have come or gone, or their declarations have come: they are read anew.
  void forget(Interval dots);

  // What reading has cost so far: readings and events that were summed, bytes that were decoded, looks into
  // the store, each by its weight. Beyond what is allowed a question is refused with kFull; the cells that
  // were read to their ends by then stay, so asking again gets further.
  [[nodiscard]] std::uint64_t work() const { return work_; }
  void allow(std::uint64_t more) { work_max_ = work_ + more; }
  void allow_all() { work_max_ = std::numeric_limits<std::uint64_t>::max(); }

  [[nodiscard]] std::uint64_t blocks_decoded() const { return decoded_; }

 private:
  // A decoded block; sums[n] is that of its first n events.
  struct Summed {
    Interval dots;
    std::vector<Fingerprint> sums;
  };
  struct Cell {
    bool known = false;
    RangeSum sum;
  };

  Result<RangeSum> sum_in_cell(std::uint64_t number, Interval dots);
  Result<RangeSum> scan(Interval dots);
  Result<RangeSum> read(Interval dots);
  Result<RangeSum> read_pages(Interval dots, bool& overlaps);
  Status spend(std::uint64_t work);
  Result<RangeSum> take_block(const StoredBlock& block, Interval part);
  Status load(const StoredBlock& block);
  [[nodiscard]] RangeSum sum_of_last(Interval part) const;
  Fingerprint fingerprint(Seq seq, const Event& event) const;
  Fingerprint fingerprint_of_rest(Seq seq, Event& event) const;

  const StoreReader& reader_;
  StreamId stream_;
  Seq upto_;
  DeclarationOf declaration_;
  RemovedBy removed_;
  unsigned shift_;  // Cells of 2^shift_ dots; see engine/range_cells.h.
  std::vector<Cell> cells_;
  IntervalSet read_, present_;  // Dots that were looked for, and those of them that were there.
  std::optional<Summed> last_;
  std::uint64_t decoded_ = 0;
  std::uint64_t work_ = 0, work_max_ = std::numeric_limits<std::uint64_t>::max();
};

}  // namespace deltamesh
