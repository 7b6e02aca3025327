// engine/store_ranges.cc - sums of a stream's cells, read from its blocks once.
#include "engine/store_ranges.h"

#include <algorithm>
#include <string>

#include "engine/batch_rules.h"
#include "engine/forget_block.h"
#include "engine/limits.h"
#include "engine/range_cells.h"

namespace deltamesh {
namespace {

void add(RangeSum& total, const RangeSum& more) {
  total.count += more.count;
  total.fingerprint.add(more.fingerprint);
}

Interval overlap(Interval a, Interval b) {
  return {std::max(a.first, b.first), std::min(a.last, b.last)};
}

bool contains(Interval whole, Interval part) {
  return whole.first <= part.first && part.last <= whole.last;
}

unsigned shift_for(Seq upto) {
  const unsigned shift = RangeCells::at_most(limits::kRangeCellsKept, {1, std::max<Seq>(upto, 1)}).shift();
  unsigned cell = 0;
  while ((1u << cell) < limits::kCellEvents) ++cell;
  return std::max(shift, cell);
}

// Names have no control characters, so this one is nobody else's.
SeriesDecl undeclared(SeriesNo number) {
  SeriesDecl decl;
  decl.number = number;
  decl.name = '\x01' + std::to_string(number);
  return decl;
}

Error corrupt(const StoredBlock& block, const std::string& what) {
  return {ErrorCode::kCorrupt, "the block of " + describe(block.stream, block.interval()) + " " + what};
}

Result<std::vector<Event>> decode(const StoredBlock& block) {
  if (block.codec != kBlockCodec) {
    return Error{ErrorCode::kUnsupported, "the block of " + describe(block.stream, block.interval()) +
                                              " has codec " + std::to_string(block.codec)};
  }
  auto events = decode_block(*block.bytes, limits::kBlock);
  if (!events) return corrupt(block, "does not decode: " + events.error().text);
  if (events->size() != block.events) return corrupt(block, "has another number of events than its index");
  return events;
}

std::uint64_t work_of(const StoredBlock& block, const std::vector<Event>& events) {
  std::uint64_t work = events.size() + block.bytes->size() / limits::kRangeBytesAWork;
  for (const Event& event : events) work += event.readings.size();
  return work;
}

}  // namespace

StoreRanges::StoreRanges(const StoreReader& reader, const StreamId& stream, Seq upto,
                         DeclarationOf declaration, RemovedBy removed)
    : reader_(reader),
      stream_(stream),
      upto_(upto),
      declaration_(std::move(declaration)),
      removed_(std::move(removed)),
      shift_(shift_for(upto)),
      cells_(upto == 0 ? 0 : RangeCells({1, upto}, shift_).count()) {}

// Of dots up to upto_ alone, all there is is what its cells say.
Result<RangeSum> StoreRanges::sum(Interval dots) {
  if (dots.first > upto_) return RangeSum{};
  dots.last = std::min(dots.last, upto_);
  RangeSum total;
  const RangeCells cut(dots, shift_);
  for (std::uint64_t i = 0; i < cut.count(); ++i) {
    const auto part = sum_in_cell(cut.number(dots.first) + i, cut.at(i));
    if (!part) return part.error();
    add(total, *part);
  }
  return total;
}

Result<RangeSum> StoreRanges::sum_in_cell(std::uint64_t number, Interval dots) {
  Cell& cell = cells_[number];
  const bool whole = dots == RangeCells({1, upto_}, shift_).at(number);
  if (whole && cell.known) return cell.sum;
  const auto sum = scan(dots);
  if (!sum || !whole) return sum;
  cell = {true, *sum};
  return sum;
}

Result<IntervalSet> StoreRanges::held(Interval dots) {
  if (dots.first > upto_) return IntervalSet();
  dots.last = std::min(dots.last, upto_);
  if (!read_.contains(dots)) {
    if (const auto sum_too = sum(dots); !sum_too) return sum_too.error();
  }
  return IntervalSet(dots).intersect(present_);
}

void StoreRanges::forget(Interval dots) {
  last_.reset();
  if (dots.first > upto_) return;
  const RangeCells all({1, upto_}, shift_);
  const std::uint64_t end = all.number(std::min(dots.last, upto_)) + 1;
  for (std::uint64_t i = all.number(dots.first); i < end; ++i) {
    cells_[i] = {};
    read_.remove(all.at(i));
    present_.remove(all.at(i));
  }
}

// ---- reading ----

Result<RangeSum> StoreRanges::scan(Interval dots) {
  if (last_ && contains(last_->dots, dots)) {
    read_.add(dots);
    present_.add(dots);
    return sum_of_last(dots);
  }
  auto sum = read(dots);
  sum ? read_.add(dots) : read_.remove(dots);  // What an error cut short is looked for again.
  return sum;
}

// Blocks may become one between two pages, which then seem to overlap: from the first page on they do not.
Result<RangeSum> StoreRanges::read(Interval dots) {
  bool overlaps = false;
  const auto sum = read_pages(dots, overlaps);
  return overlaps ? read_pages(dots, overlaps) : sum;
}

// Pages of blocks; a block that cannot be read ends a page, and is the error of the next.
Result<RangeSum> StoreRanges::read_pages(Interval dots, bool& overlaps) {
  present_.remove(dots);
  if (const Status status = spend(limits::kRangeLookWork); !status) return status.error();
  RangeSum total;
  for (Interval left = dots; left.first <= left.last;) {
    const auto page = reader_.blocks(stream_, left, limits::kRangeReadBytes);
    if (!page) return page.error();
    if (page->empty()) break;
    for (const StoredBlock& block : *page) {
      // The first may begin before the dots that were asked for; the others begin behind the one before.
      overlaps = left.first != dots.first && block.first < left.first;
      if (overlaps) return corrupt(block, "overlaps another");
      const auto sum = take_block(block, overlap(block.interval(), left));
      if (!sum) return sum.error();
      add(total, *sum);
      left.first = block.interval().last + 1;
    }
  }
  return total;
}

Result<RangeSum> StoreRanges::take_block(const StoredBlock& block, Interval part) {
  if (part.first > part.last) return corrupt(block, "is not where it was asked for");
  if (const Status status = load(block); !status) return status.error();
  present_.add(part);
  if (present_.intervals().size() > 2 * limits::kIntervalsMax)
    return Error{ErrorCode::kLimit, describe(stream_) + " has too many gaps to be compared"};
  return sum_of_last(part);
}

Status StoreRanges::load(const StoredBlock& block) {
  if (last_ && last_->dots == block.interval()) return Done{};
  if (const Status status = spend(0); !status) return status;
  auto events = decode(block);
  if (!events) return events.error();
  ++decoded_;
  work_ += work_of(block, *events);
  Summed summed{block.interval(), {{}}};
  Seq seq = block.first;
  for (Event& event : *events) {
    Fingerprint sum = fingerprint_of_rest(seq++, event);
    sum.add(summed.sums.back());
    summed.sums.push_back(sum);
  }
  last_ = std::move(summed);
  return Done{};
}

// What is begun within the bound is finished, so the bound is passed by one block at most.
Status StoreRanges::spend(std::uint64_t work) {
  if (work_ >= work_max_) return Error{ErrorCode::kFull, "reading " + describe(stream_) + " takes too long"};
  work_ += work;
  return Done{};
}

RangeSum StoreRanges::sum_of_last(Interval part) const {
  RangeSum sum{part.size(), last_->sums[part.last - last_->dots.first + 1]};
  sum.fingerprint.subtract(last_->sums[part.first - last_->dots.first]);
  return sum;
}

Fingerprint StoreRanges::fingerprint_of_rest(Seq seq, Event& event) const {
  if (removed_)
    std::erase_if(event.readings, [&](const Reading& one) { return removed_(one.series, event); });
  return event.readings.empty() || is_mark(event) ? Fingerprint() : fingerprint(seq, event);
}

Fingerprint StoreRanges::fingerprint(Seq seq, const Event& event) const {
  std::vector<SeriesDecl> made;
  made.reserve(event.readings.size());  // Pointers to them stay.
  std::vector<const SeriesDecl*> decls;
  for (const Reading& reading : event.readings) {
    const SeriesDecl* decl = declaration_(reading.series);
    if (decl == nullptr) decl = &made.emplace_back(undeclared(reading.series));
    decls.push_back(decl);
  }
  return fingerprint_event({stream_, seq}, event, decls);
}

}  // namespace deltamesh
