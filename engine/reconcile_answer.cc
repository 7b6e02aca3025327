// engine/reconcile_answer.cc - the side that answers: each range by itself, and nothing remembered.
#include "engine/range_cells.h"
#include "engine/reconcile.h"

#include "engine/limits.h"

namespace deltamesh {
namespace {

using message::RangeAnswer;
using message::RangeQuestion;

Result<RangeAnswer::Part> cells_of(Interval dots, RangeSource& source) {
  const auto cut = RangeCells::at_most(limits::kAnswerCellsMax, dots);
  RangeAnswer::Cells cells{static_cast<std::uint8_t>(cut.shift()), {}};
  for (std::uint64_t i = 0; i < cut.count(); ++i) {
    const auto sum = source.sum(cut.at(i));
    if (!sum) return sum.error();
    cells.sums.push_back(*sum);
  }
  return RangeAnswer::Part{std::move(cells)};
}

// Runs tell nothing new where the asker knows them, or where both sides hold everything.
bool runs_help(const RangeQuestion::Range& range, const RangeSum& own) {
  const std::uint64_t all = range.dots.size();
  return !range.runs_known && (own.count != all || range.expected.count != all);
}

Result<RangeAnswer::Part> answer_range(const RangeQuestion::Range& range, RangeSource& source) {
  const auto own = source.sum(range.dots);
  if (!own) return own.error();
  if (*own == range.expected) return RangeAnswer::Part{RangeAnswer::Equal{}};
  if (runs_help(range, *own)) {
    auto held = source.held(range.dots);
    if (!held) return held.error();
    if (held->intervals().size() <= limits::kRangeRunsMax) return RangeAnswer::Part{*std::move(held)};
  }
  return cells_of(range.dots, source);
}

}  // namespace

Result<RangeAnswer> answer_ranges(const RangeQuestion& question, Seq settled, RangeSource& source) {
  RangeAnswer answer{question.ref.index, question.number, question.upto, {}};
  if (question.upto > settled) {
    answer.upto = settled;
    return answer;
  }
  for (const RangeQuestion::Range& range : question.ranges) {
    auto part = answer_range(range, source);
    if (!part) return part.error();
    answer.parts.push_back(*std::move(part));
  }
  return answer;
}

RangeAnswer unable_to_answer(const RangeQuestion& question) {
  return {question.ref.index, question.number, 0, {}};
}

}  // namespace deltamesh
