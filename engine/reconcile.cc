// engine/reconcile.cc - the side that asks: what is unequal is cut until it is named.
#include "engine/reconcile.h"

#include <cassert>
#include <iterator>
#include <utility>

#include "engine/limits.h"
#include "engine/range_cells.h"

namespace deltamesh {
namespace {

using message::RangeAnswer;
using message::RangeQuestion;

IntervalSet part_of(const IntervalSet& set, Interval dots) {
  return IntervalSet(dots).intersect(set);
}

// From the first to the last of `dots`, which has some.
Interval hull(const IntervalSet& dots) {
  return {dots.intervals().front().first, dots.last()};
}

bool within(const IntervalSet& set, Interval dots) {
  return set.empty() || (set.intervals().front().first >= dots.first && set.last() <= dots.last);
}

Error invalid(const char* text) {
  return {ErrorCode::kInvalid, std::string("range answer: ") + text};
}

}  // namespace

Result<RangeSum> sum_of(RangeSource& source, const IntervalSet& dots) {
  RangeSum total;
  for (const Interval& run : dots.intervals()) {
    const auto sum = source.sum(run);
    if (!sum) return sum.error();
    total.count += sum->count;
    total.fingerprint.add(sum->fingerprint);
  }
  return total;
}

Reconciler::Reconciler(Interval dots) {
  result_.dots = dots;
  pending_.push_back({dots, {}, false});
}

// ---- questions ----

Result<std::optional<RangeQuestion>> Reconciler::ask(RangeSource& source) {
  assert(asked_.empty());
  if (result_.questions == limits::kReconcileRoundsMax) give_up();
  while (!pending_.empty() && asked_.size() + limits::kAskCellsMax <= limits::kRangesPerQuestion) {
    const Pending next = std::move(pending_.back());
    pending_.pop_back();
    if (const Status status = ask_about(source, next); !status) return status.error();
  }
  if (asked_.empty()) return std::optional<RangeQuestion>();
  RangeQuestion question{{}, ++result_.questions, result_.dots.last, {}};
  for (const Asked& one : asked_) question.ranges.push_back({one.dots, one.expected, one.peer.has_value()});
  return std::optional(std::move(question));
}

// What is known to be unequal is cut before it is asked about: a level saved.
Status Reconciler::ask_about(RangeSource& source, const Pending& next) {
  if (!next.unequal) return ask_one(source, next.dots, next.peer);
  const auto cells = RangeCells::at_most(limits::kAskCellsMax, next.dots);
  for (std::uint64_t i = 0; i < cells.count(); ++i) {
    const IntervalSet known = part_of(*next.peer, cells.at(i));
    if (known.empty()) continue;
    if (const Status status = ask_one(source, cells.at(i), known); !status) return status;
  }
  return Done{};
}

Status Reconciler::ask_one(RangeSource& source, Interval dots, std::optional<IntervalSet> peer) {
  const auto expected = peer ? sum_of(source, *peer) : source.sum(dots);
  if (!expected) return expected.error();
  asked_.push_back({dots, std::move(peer), *expected});
  return Done{};
}

void Reconciler::give_up() {
  for (const Pending& left : pending_) result_.undecided.add(left.dots);
  pending_.clear();
}

void Reconciler::push(Pending next) {
  if (pending_.size() < limits::kRangesPendingMax) {
    pending_.push_back(std::move(next));
  } else {
    result_.undecided.add(next.dots);
  }
}

// ---- answers ----

Status Reconciler::check(const RangeAnswer& answer) const {
  if (asked_.empty() || answer.number != result_.questions) return invalid("nobody asked for it");
  if (answer.parts.empty() && answer.upto != 0 && answer.upto < result_.dots.last) {
    return Error{ErrorCode::kMismatch, "the peer has settled the stream up to " +
                                           std::to_string(answer.upto) + ", asked about " +
                                           std::to_string(result_.dots.last)};
  }
  if (answer.parts.empty()) return Error{ErrorCode::kNotFound, "the peer cannot tell what it holds"};
  if (answer.parts.size() != asked_.size()) return invalid("not one part for each range");
  return Done{};
}

// From the last range to the first, since what is pushed last is asked about first.
Status Reconciler::take(const RangeAnswer& answer, RangeSource& source) {
  if (const Status status = check(answer); !status) return status;
  const std::vector<Asked> asked = std::exchange(asked_, {});
  for (std::size_t i = asked.size(); i-- > 0;) {
    if (const Status status = take_part(source, asked[i], answer.parts[i]); !status) return status;
  }
  return Done{};
}

Status Reconciler::take_part(RangeSource& source, const Asked& asked, const RangeAnswer::Part& part) {
  if (const auto* const runs = std::get_if<IntervalSet>(&part)) return take_runs(source, asked, *runs);
  if (const auto* const cells = std::get_if<RangeAnswer::Cells>(&part))
    return take_cells(source, asked, *cells);
  result_.equal += asked.expected.count;
  return Done{};
}

Status Reconciler::take_runs(RangeSource& source, const Asked& asked, const IntervalSet& runs) {
  if (asked.peer) return invalid("runs that were known");
  if (!within(runs, asked.dots)) return invalid("runs beyond their range");
  return compare_held(source, asked.dots, runs);
}

Status Reconciler::take_cells(RangeSource& source, const Asked& asked, const RangeAnswer::Cells& cells) {
  const RangeCells cut(asked.dots, cells.shift);
  const bool narrower = cells.sums.size() > 1 || asked.dots.size() == 1;
  if (cells.shift > 62 || cut.count() != cells.sums.size() || !narrower)
    return invalid("cells that do not cut the range");
  for (std::size_t i = cells.sums.size(); i-- > 0;) {
    const Interval cell = cut.at(i);
    if (cells.sums[i].count > cell.size()) return invalid("more events than dots");
    const Status status = asked.peer
                              ? take_known_cell(source, cell, part_of(*asked.peer, cell), cells.sums[i])
                              : take_cell(source, cell, cells.sums[i]);
    if (!status) return status;
  }
  return Done{};
}

// A cell of which the peer may hold any dots.
Status Reconciler::take_cell(RangeSource& source, Interval cell, const RangeSum& theirs) {
  const auto ours = source.sum(cell);
  if (!ours) return ours.error();
  if (*ours == theirs) {
    result_.equal += theirs.count;
  } else if (cell.size() == 1 && theirs.count == ours->count) {
    result_.differ.add(cell);
  } else if (theirs.count == 0) {
    return compare_held(source, cell, {});
  } else if (theirs.count == cell.size()) {
    return compare_held(source, cell, cell);
  } else {
    push({cell, {}, false});
  }
  return Done{};
}

// A cell of which the peer holds the dots `peer`, as it said before.
Status Reconciler::take_known_cell(RangeSource& source, Interval cell, const IntervalSet& peer,
                                   const RangeSum& theirs) {
  const auto ours = sum_of(source, peer);
  if (!ours) return ours.error();
  if (theirs.count != peer.size() || ours->count != peer.size()) {
    result_.undecided.add(cell);  // One of us has got or lost some since.
  } else if (*ours == theirs) {
    result_.equal += theirs.count;
  } else if (peer.size() == 1) {
    result_.differ.add(peer);
  } else if (!peer.empty()) {
    push({hull(peer), peer, true});
  }
  return Done{};
}

// The peer holds `peer` of `dots`, and not all is equal there. What we lack cuts the rest into spans; in each
// the peer's dots are a part of ours, so their sum can be told without naming them. That both hold the same
// dots makes it likely that contents differ, and no more: we may have got some since we asked.
Status Reconciler::compare_held(RangeSource& source, Interval dots, const IntervalSet& peer) {
  const auto ours = source.held(dots);
  if (!ours) return ours.error();
  const IntervalSet lacking = peer.minus(*ours);
  result_.a_lacks.add(lacking);
  result_.b_lacks.add(ours->minus(peer));
  const bool same_dots = *ours == peer;
  const IntervalSet rest = IntervalSet(dots).minus(lacking);
  for (auto span = rest.intervals().rbegin(); span != rest.intervals().rend(); ++span) {
    IntervalSet known = part_of(peer, *span);
    if (!known.empty()) push({hull(known), std::move(known), same_dots});
  }
  return Done{};
}

}  // namespace deltamesh
