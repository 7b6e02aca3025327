// engine/sample_set.h - the samples of one series, gathered block by block and read as a set.
//
// Keeps no more than the answer can need: the earliest samples of the range up to its limits and, of those
// with a source, the copies within kSourceWindow around them. So memory follows the answer, not the data.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "crdt/series_columns.h"
#include "engine/forget.h"
#include "engine/limits.h"
#include "engine/query.h"

namespace deltamesh {

// How much of an answer is full.
class AnswerSize {
 public:
  AnswerSize(std::size_t limit, std::size_t text_bytes_max)
      : limit_(limit), text_bytes_max_(text_bytes_max) {}

  // False if `sample` does not fit any more. The first one always fits the bytes.
  bool take(const Sample& sample);

 private:
  std::size_t limit_, text_bytes_max_;
  std::size_t count_ = 0, text_bytes_ = 0;
};

// The samples of a block, column by column; the times are decoded once.
class BlockSamples {
 public:
  // `offsets`: of the block's stream; outlives this.
  static Result<BlockSamples> open(const StoredBlock& block, const BootOffsets& offsets);

  // Calls `take(Sample)` for each sample of `series` that has a place in UTC, or for those that have none, as
  // they are counted from their boots; nothing if the block lacks the series.
  enum class Which : std::uint8_t { kPlaced, kUnplaced };
  template <class Take>
  Status each(SeriesNo series, Which which, const Take& take) const {
    const auto column = block_column(*block_->bytes, series, limits::kBlock);
    if (!column.ok()) {
      return column.error().code == ErrorCode::kNotFound ? Status(Done{}) : Status(column.error());
    }
    each_of(*column, which, take);
    return Done{};
  }
  // The same for several series, which ascend: `take(SeriesNo, Sample)`. Decodes the block once.
  template <class Take>
  Status each_of_all(std::span<const SeriesNo> series, Which which, const Take& take) const {
    const auto columns = series_columns(*block_->bytes, series, limits::kBlock);
    if (!columns.ok()) return columns.error();
    for (std::size_t i = 0; i < series.size(); ++i)
      each_of((*columns)[i], which, [&](Sample sample) { take(series[i], std::move(sample)); });
    return Done{};
  }

 private:
  BlockSamples(const StoredBlock& block, EventTimes times, const BootOffsets& offsets)
      : block_(&block), times_(std::move(times)), offsets_(&offsets) {}
  [[nodiscard]] Sample sample(const SeriesColumn& column, std::size_t i) const;
  template <class Take>
  void each_of(const SeriesColumn& column, Which which, const Take& take) const {
    for (std::size_t i = 0; i < column.events.size(); ++i) {
      Sample one = sample(column, i);
      if ((one.boot == 0) == (which == Which::kPlaced)) take(std::move(one));
    }
  }

  const StoredBlock* block_;
  EventTimes times_;
  const BootOffsets* offsets_;
};

// Whether a rule for wrong data hides the sample, as it is placed.
[[nodiscard]] inline bool is_hidden(const SeriesRules* rules, const Sample& sample) {
  return rules != nullptr && rules->hides(sample.boot, sample.time);
}

// By (time, value); of equal ones the best (quality, dot) first.
bool sample_before(const Sample& a, const Sample& b);
bool same_sample(const Sample& a, const Sample& b);

Ticks source_window(Resolution resolution);

class SampleSet {
 public:
  // `rules`: those about the series, null if there are none; outlives this.
  SampleSet(const SampleQuery& query, const SeriesRules* rules);

  // `offsets`: of the block's stream.
  Status add(const StoredBlock& block, SeriesNo series, const BootOffsets& offsets);

  // Blocks outside can add nothing any more; shrinks as the set fills.
  [[nodiscard]] TimeRange reach() const;

  // What the query asked for; once.
  SampleAnswer take();

 private:
  [[nodiscard]] bool wants(const Sample& sample) const;
  [[nodiscard]] bool in_range(Ticks time) const { return time >= range_.from && time <= range_.to; }
  void insert(Sample sample);
  void sort_unique();
  [[nodiscard]] std::vector<bool> copies() const;
  void prune();

  TimeRange range_;
  const SeriesRules* rules_;
  Ticks window_;
  std::size_t limit_;
  std::size_t text_bytes_max_;

  std::vector<Sample> samples_;
  std::size_t text_bytes_ = 0;
  std::size_t prune_at_size_;
  std::size_t prune_at_bytes_;
  bool cut_ = false;  // Samples beyond range_.to, which has come down, were dropped.
};

}  // namespace deltamesh
