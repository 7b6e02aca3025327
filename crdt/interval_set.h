// crdt/interval_set.h - a set of sequence numbers, kept as ascending intervals that neither overlap nor
// touch.
//
// Knowledge is mostly one long run with few gaps, so a flat vector of [first, last] pairs is small, fast and
// canonical: equal sets are equal vectors. Union is a join (commutative, associative, idempotent).
#pragma once

#include <compare>
#include <cstddef>
#include <optional>
#include <utility>

#include "crdt/interval_list.h"
#include "crdt/result.h"

namespace deltamesh {

class IntervalSet {
 public:
  IntervalSet() = default;
  IntervalSet(Interval one);

  // Adds or removes every number of `interval`. Logarithmic to find, linear only in intervals moved.
  void add(Interval interval);
  void remove(Interval interval);

  // Union; returns true if this set grew.
  bool join(const IntervalSet& other);

  [[nodiscard]] IntervalSet minus(const IntervalSet& other) const;
  [[nodiscard]] IntervalSet intersect(const IntervalSet& other) const;
  [[nodiscard]] bool contains(Seq seq) const;
  [[nodiscard]] bool contains(Interval interval) const;
  [[nodiscard]] bool intersects(Interval interval) const;
  [[nodiscard]] bool includes(const IntervalSet& other) const;

  // The whole interval that `seq` lies in; nullopt if `seq` is not a member.
  [[nodiscard]] std::optional<Interval> run_at(Seq seq) const;

  // The lowest, or highest, maximal run of numbers that are here and not in any of `a`, `b`; nullopt if there
  // is none. Finds one step of work without building the difference.
  [[nodiscard]] std::optional<Interval> first_missing(const IntervalSet& a, const IntervalSet& b) const;
  [[nodiscard]] std::optional<Interval> last_missing(const IntervalSet& a, const IntervalSet& b) const;

  [[nodiscard]] bool empty() const { return intervals_.empty(); }
  [[nodiscard]] Seq size() const;  // How many numbers; always fits, since 0 is none.
  [[nodiscard]] Seq last() const { return intervals_.empty() ? 0 : intervals_.back().last; }
  [[nodiscard]] const IntervalList& intervals() const& { return intervals_; }
  IntervalList intervals() && { return std::move(intervals_); }

  // Varint pairs (gap before, length - 1) after a count; docs/formats/intervals.md. decode() refuses anything
  // that is not what encode() writes, and more than `intervals_max` intervals; it consumes from `in`.
  void encode(Bytes& out) const;
  static Result<IntervalSet> decode(ByteView& in, std::size_t intervals_max);

  friend bool operator==(const IntervalSet&, const IntervalSet&) = default;

 private:
  IntervalList intervals_;
};

}  // namespace deltamesh
