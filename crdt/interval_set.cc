// crdt/interval_set.cc - set algebra on flat vectors of intervals.
//
// Numbers run from 1 to the largest Seq, so `first - 1` is always safe and `last + 1` is not.
#include "crdt/interval_set.h"

#include <algorithm>
#include <cassert>
#include <limits>

#include "crdt/varint.h"

namespace deltamesh {
namespace {

using Iterator = IntervalList::const_iterator;
constexpr Seq kSeqMax = std::numeric_limits<Seq>::max();

bool valid(Interval interval) {
  return interval.first >= 1 && interval.first <= interval.last;
}

// The first interval that ends at or after `seq`.
Iterator ending_from(const IntervalList& intervals, Seq seq) {
  return std::lower_bound(intervals.begin(), intervals.end(), seq,
                          [](const Interval& interval, Seq value) { return interval.last < value; });
}

// The first interval at or after `from` that begins beyond `seq`.
Iterator beginning_after(const IntervalList& intervals, Iterator from, Seq seq) {
  return std::upper_bound(from, intervals.end(), seq,
                          [](Seq value, const Interval& interval) { return value < interval.first; });
}

// Appends an interval that begins at or after the last one begins, and fuses the two if they touch.
void append(IntervalList& out, Interval next) {
  if (out.empty() || next.first - 1 > out.back().last) {
    out.push_back(next);
  } else {
    out.back().last = std::max(out.back().last, next.last);
  }
}

// How far a run that begins at `seq`, inside `limit`, goes before `other` begins.
Seq end_before(const IntervalSet& other, Seq seq, Seq limit) {
  const auto next = ending_from(other.intervals(), seq);
  return next == other.intervals().end() ? limit : std::min(limit, next->first - 1);
}

// How far a run that ends with `seq`, inside `limit`, reaches back behind the end of `other`.
Seq begin_after(const IntervalSet& other, Seq seq, Seq limit) {
  const auto next = ending_from(other.intervals(), seq);
  return next == other.intervals().begin() ? limit : std::max(limit, std::prev(next)->last + 1);
}

Error invalid(const char* text) {
  return {ErrorCode::kInvalid, text};
}

Error too_many(std::uint64_t count, std::size_t limit) {
  return {ErrorCode::kLimit,
          "intervals: " + std::to_string(count) + " where " + std::to_string(limit) + " are allowed"};
}

// One (gap, length - 1) pair after an interval that ended at `previous`; 0 before the first.
Result<Interval> decode_interval(ByteView& in, Seq previous, bool is_first) {
  std::uint64_t gap = 0, more = 0;
  if (!get_varint(in, gap) || !get_varint(in, more)) return invalid("intervals: cut short or not canonical");
  if (gap == 0 && !is_first) return invalid("intervals: two intervals touch");
  if (previous == kSeqMax || gap > kSeqMax - previous - 1) return invalid("intervals: a number overflows");
  const Seq first = previous + 1 + gap;
  if (more > kSeqMax - first) return invalid("intervals: a number overflows");
  return Interval{first, first + more};
}

}  // namespace

IntervalSet::IntervalSet(Interval one) : intervals_(one) {
  assert(valid(one));
}

void IntervalSet::add(Interval interval) {
  assert(valid(interval));
  const auto begin = ending_from(intervals_, interval.first - 1);
  const auto end = std::upper_bound(begin, Iterator(intervals_.end()), interval.last,
                                    [](Seq last, const Interval& next) { return last < next.first - 1; });
  if (begin == end) return intervals_.insert(begin, interval);
  const auto fused = intervals_.begin() + (begin - Iterator(intervals_.begin()));
  fused->first = std::min(fused->first, interval.first);
  fused->last = std::max((end - 1)->last, interval.last);
  intervals_.erase(begin + 1, end);
}

void IntervalSet::remove(Interval interval) {
  assert(valid(interval));
  const auto begin = ending_from(intervals_, interval.first);
  const auto end = beginning_after(intervals_, begin, interval.last);
  if (begin == end) return;
  const Interval lowest = *begin, highest = *(end - 1);
  intervals_.erase(begin, end);
  if (lowest.first < interval.first) add({lowest.first, interval.first - 1});
  if (highest.last > interval.last) add({interval.last + 1, highest.last});
}

bool IntervalSet::join(const IntervalSet& other) {
  if (includes(other)) return false;
  if (other.intervals_.size() == 1) {
    add(other.intervals_.front());
    return true;
  }
  IntervalList merged;
  merged.reserve(intervals_.size() + other.intervals_.size());
  auto mine = Iterator(intervals_.begin());
  for (const Interval& theirs : other.intervals_) {
    for (; mine != intervals_.end() && mine->first <= theirs.first; ++mine) append(merged, *mine);
    append(merged, theirs);
  }
  for (; mine != intervals_.end(); ++mine) append(merged, *mine);
  intervals_ = std::move(merged);
  return true;
}

IntervalSet IntervalSet::minus(const IntervalSet& other) const {
  IntervalSet rest;
  if (empty()) return rest;
  auto cut = ending_from(other.intervals_, intervals_.front().first);
  for (Interval interval : intervals_) {
    while (cut != other.intervals_.end() && cut->last < interval.first) ++cut;
    bool remains = true;
    for (auto next = cut; remains && next != other.intervals_.end() && next->first <= interval.last; ++next) {
      if (next->first > interval.first) rest.intervals_.push_back({interval.first, next->first - 1});
      remains = next->last < interval.last;
      if (remains) interval.first = next->last + 1;
      cut = next;
    }
    if (remains) rest.intervals_.push_back(interval);
  }
  return rest;
}

IntervalSet IntervalSet::intersect(const IntervalSet& other) const {
  IntervalSet common;
  if (empty()) return common;
  auto mine = intervals_.begin();
  auto theirs = ending_from(other.intervals_, mine->first);
  while (mine != intervals_.end() && theirs != other.intervals_.end()) {
    const Interval both{std::max(mine->first, theirs->first), std::min(mine->last, theirs->last)};
    if (both.first <= both.last) common.intervals_.push_back(both);
    ++(mine->last < theirs->last ? mine : theirs);
  }
  return common;
}

bool IntervalSet::contains(Seq seq) const {
  return run_at(seq).has_value();
}

bool IntervalSet::contains(Interval interval) const {
  const auto run = run_at(interval.first);
  return run && interval.last <= run->last;
}

bool IntervalSet::intersects(Interval interval) const {
  const auto found = ending_from(intervals_, interval.first);
  return found != intervals_.end() && found->first <= interval.last;
}

bool IntervalSet::includes(const IntervalSet& other) const {
  if (other.empty()) return true;
  auto mine = ending_from(intervals_, other.intervals_.front().first);
  for (const Interval& theirs : other.intervals_) {
    while (mine != intervals_.end() && mine->last < theirs.first) ++mine;
    if (mine == intervals_.end() || mine->first > theirs.first || mine->last < theirs.last) return false;
  }
  return true;
}

std::optional<Interval> IntervalSet::run_at(Seq seq) const {
  const auto found = ending_from(intervals_, seq);
  if (found == intervals_.end() || found->first > seq) return std::nullopt;
  return *found;
}

std::optional<Interval> IntervalSet::first_missing(const IntervalSet& a, const IntervalSet& b) const {
  for (const Interval& interval : intervals_) {
    Seq seq = interval.first;
    while (true) {
      auto covered = a.run_at(seq);
      if (!covered) covered = b.run_at(seq);
      if (!covered) return Interval{seq, end_before(b, seq, end_before(a, seq, interval.last))};
      if (covered->last >= interval.last) break;
      seq = covered->last + 1;
    }
  }
  return std::nullopt;
}

std::optional<Interval> IntervalSet::last_missing(const IntervalSet& a, const IntervalSet& b) const {
  for (auto at = intervals_.end(); at != intervals_.begin();) {
    const Interval& interval = *--at;
    Seq seq = interval.last;
    while (true) {
      auto covered = a.run_at(seq);
      if (!covered) covered = b.run_at(seq);
      if (!covered) return Interval{begin_after(b, seq, begin_after(a, seq, interval.first)), seq};
      if (covered->first <= interval.first) break;
      seq = covered->first - 1;
    }
  }
  return std::nullopt;
}

Seq IntervalSet::size() const {
  Seq sum = 0;
  for (const Interval& interval : intervals_) sum += interval.size();
  return sum;
}

void IntervalSet::encode(Bytes& out) const {
  put_varint(out, intervals_.size());
  Seq previous = 0;
  for (const Interval& interval : intervals_) {
    put_varint(out, interval.first - previous - 1);
    put_varint(out, interval.size() - 1);
    previous = interval.last;
  }
}

Result<IntervalSet> IntervalSet::decode(ByteView& in, std::size_t intervals_max) {
  std::uint64_t count = 0;
  if (!get_varint(in, count)) return invalid("intervals: the count is cut short or not canonical");
  if (count > intervals_max) return too_many(count, intervals_max);
  if (count > in.size() / 2) return invalid("intervals: fewer bytes than the count needs");
  IntervalSet set;
  set.intervals_.reserve(static_cast<std::size_t>(count));
  for (std::uint64_t i = 0; i < count; ++i) {
    auto next = decode_interval(in, set.last(), i == 0);
    if (!next) return next.error();
    set.intervals_.push_back(*next);
  }
  return set;
}

}  // namespace deltamesh
