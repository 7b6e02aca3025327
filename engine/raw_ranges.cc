// engine/raw_ranges.cc - ranges of dots and their sums, to bytes and back; part of raw_part.
//
// How many events a range lacks is written instead of how many it has: mostly that is none, one byte.
#include "engine/raw_part.h"
#include "engine/validate.h"

namespace deltamesh {
namespace {

using message::RangeAnswer;
using message::RangeQuestion;
using message::RangeSum;

// The tag of a part; cells of 2^n dots have the tag kCells + n.
constexpr std::uint64_t kEqual = 0, kRuns = 1, kCells = 2;
constexpr std::uint64_t kShiftMax = 62;

void put_sum(Bytes& out, const RangeSum& sum, std::uint64_t width) {
  put_varint(out, width - sum.count);
  if (sum.count == 0) return;
  put_fixed64(out, sum.fingerprint.low());
  put_fixed64(out, sum.fingerprint.high());
}

struct PartWriter {
  Bytes& out;
  void operator()(const RangeAnswer::Equal&) const { put_varint(out, kEqual); }
  void operator()(const IntervalSet& runs) const {
    put_varint(out, kRuns);
    runs.encode(out);
  }
  void operator()(const RangeAnswer::Cells& cells) const {
    put_varint(out, kCells + cells.shift);
    put_varint(out, cells.sums.size());
    for (const RangeSum& sum : cells.sums) put_sum(out, sum, std::uint64_t{1} << cells.shift);
  }
};

}  // namespace

void put_ranges(Bytes& out, const std::vector<RangeQuestion::Range>& ranges) {
  Seq after = 0;
  for (const RangeQuestion::Range& range : ranges) {
    put_varint(out, range.dots.first - after - 1);
    put_varint(out, (range.dots.size() - 1) << 1 | (range.runs_known ? 1u : 0u));
    put_sum(out, range.expected, range.dots.size());
    after = range.dots.last;
  }
}

void put_item(Bytes& out, const RangeAnswer::Part& part) {
  std::visit(PartWriter{out}, part);
}

RangeSum RawReader::range_sum(std::uint64_t width) {
  const std::uint64_t lacking = number("number of events that a range lacks");
  if (lacking > width) refuse(ErrorCode::kInvalid, "a range lacks more events than it has dots");
  if (!ok() || lacking == width) return {};
  std::uint64_t low = 0, high = 0;
  if (!get_fixed64(in_, low) || !get_fixed64(in_, high))
    refuse(ErrorCode::kInvalid, "a fingerprint is cut short");
  return {width - lacking, {high, low}};
}

RangeQuestion::Range RawReader::range(Seq after, Seq upto) {
  const Seq gap = number("gap before a range");
  const std::uint64_t tagged = number("length of a range with its mark");
  const std::uint64_t more = tagged >> 1;
  if (!ok()) return {};
  const Seq left = upto - after;  // Dots that a range may still have.
  if (gap >= left || more >= left - gap) {
    refuse(ErrorCode::kInvalid, "a range goes beyond the settled number " + std::to_string(upto));
    return {};
  }
  const Seq first = after + gap + 1;
  const Interval dots{first, first + more};
  return {dots, range_sum(dots.size()), (tagged & 1) != 0};
}

IntervalSet RawReader::range_runs() {
  auto runs = IntervalSet::decode(in_, limits::kRangeRunsMax);
  if (runs) check(check_seq(runs->last()));
  if (runs) return *std::move(runs);
  refuse(runs.error().code, "runs of a range: " + runs.error().text);
  return {};
}

RangeAnswer::Cells RawReader::range_cells(std::uint64_t shift) {
  if (shift > kShiftMax) refuse(ErrorCode::kInvalid, "cells of 2^" + std::to_string(shift) + " dots");
  const std::uint32_t count = number("cells of a range", limits::kAnswerCellsMax);
  if (count == 0) refuse(ErrorCode::kInvalid, "a range of no cells");
  RangeAnswer::Cells cells;
  for (std::uint32_t i = 0; i < count && ok(); ++i)
    cells.sums.push_back(range_sum(std::uint64_t{1} << shift));
  cells.shift = ok() ? static_cast<std::uint8_t>(shift) : 0;
  return cells;
}

RangeAnswer::Part RawReader::range_part() {
  const std::uint64_t tag = number("kind of a part");
  if (!ok() || tag == kEqual) return RangeAnswer::Equal{};
  if (tag == kRuns) return range_runs();
  return range_cells(tag - kCells);
}

}  // namespace deltamesh
