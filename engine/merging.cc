// engine/merging.cc - cells by their numbers, and blocks into one.
#include "engine/merging.h"

#include <algorithm>
#include <iterator>

#include "engine/batch_rules.h"

namespace deltamesh {
namespace {

bool contains(Interval whole, Interval part) {
  return whole.first <= part.first && part.last <= whole.last;
}

std::size_t text_bytes(const std::vector<Event>& events) {
  std::size_t bytes = 0;
  for (const Event& event : events) {
    for (const Reading& reading : event.readings) {
      if (const auto* const text = std::get_if<std::string>(&reading.value)) bytes += text->size();
      if (const auto* const blob = std::get_if<Bytes>(&reading.value)) bytes += blob->size();
    }
  }
  return bytes;
}

Error too_large(const StoredBlock& first) {
  return {ErrorCode::kLimit,
          "one block would be too large from " + describe(first.stream, first.interval()) + " on"};
}

// All events, in order. What a block holds is known before it is decoded, but for its text.
Result<std::vector<Event>> events_of(const std::vector<StoredBlock>& blocks) {
  std::vector<Event> events;
  std::uint64_t readings = 0;
  std::size_t text = 0;
  for (const StoredBlock& block : blocks) {
    const Seq expected = blocks.front().first + events.size();
    if (block.codec != kBlockCodec || block.first != expected)
      return Error{ErrorCode::kUnsupported, "no block to merge: " + describe(block.stream, block.interval())};
    const auto summary = peek_block(*block.bytes, limits::kBlock);
    if (!summary) return summary.error();
    readings += summary->readings;
    if (readings > limits::kMergedReadingsMax) return too_large(blocks.front());
    auto more = decode_block(*block.bytes, limits::kBlock);
    if (!more) return more.error();
    if (more->size() != block.events)
      return Error{ErrorCode::kCorrupt, "a block of another number of events than its index tells: " +
                                            describe(block.stream, block.interval())};
    text += text_bytes(*more);
    if (text > limits::kMergedTextBytesMax) return too_large(blocks.front());
    events.insert(events.end(), std::make_move_iterator(more->begin()), std::make_move_iterator(more->end()));
  }
  return events;
}

}  // namespace

Result<StoredBlock> merge_stored(const std::vector<StoredBlock>& blocks) {
  if (blocks.empty()) return Error{ErrorCode::kNotFound, "no block to merge"};
  const auto events = events_of(blocks);
  if (!events) return events.error();
  auto bytes = encode_block(*events, limits::kBlock);
  if (!bytes) return bytes.error();
  const auto summary = peek_block(*bytes, limits::kBlock);
  if (!summary) return summary.error();
  return stored_block(blocks.front().stream, blocks.front().first, *summary, *std::move(bytes));
}

void Merging::take(StreamIx ix, Interval dots, Interval run) {
  take(levels_.size(), ix, dots, run);
}

// Of the highest of so many levels, and beside its cells, of those below.
void Merging::take(std::size_t levels, StreamIx ix, Interval dots, Interval run) {
  if (levels == 0 || dots.first > dots.last) return;
  const std::size_t level = levels - 1;
  const Seq size = events(level);
  const Seq before = std::max((run.first - 1 + size - 1) / size, (dots.first - 1) / size);
  const Seq end = std::min(run.last / size, (dots.last - 1) / size + 1);
  if (before >= end) return take(level, ix, dots, run);
  add(level, ix, {before + 1, end});
  take(level, ix, {dots.first, std::min(dots.last, before * size)}, run);
  take(level, ix, {std::max(dots.first, end * size + 1), dots.last}, run);
}

// Only cells with an end of the block are not within it.
void Merging::take_block(StreamIx ix, Interval block, Interval run) {
  for (const Seq end : {block.first, block.last}) {
    for (std::size_t level = levels_.size(); level-- > 0;) {
      const Cell one = cell(level, ix, (end - 1) / events(level) + 1);
      if (contains(block, one.dots)) break;
      if (!contains(run, one.dots)) continue;
      add(one);
      break;
    }
  }
}

// What lies within them is looked at with them.
void Merging::add(std::size_t level, StreamIx ix, Interval numbers) {
  cells_[level][ix].add(numbers);
  for (std::size_t lower = 0; lower < level; ++lower) {
    const auto at = cells_[lower].find(ix);
    if (at == cells_[lower].end()) continue;
    const Seq parts = events(level) / events(lower);
    at->second.remove({(numbers.first - 1) * parts + 1, numbers.last * parts});
    if (at->second.empty()) cells_[lower].erase(at);
  }
}

void Merging::remove(const Cell& cell) {
  const auto at = cells_[cell.level].find(cell.ix);
  if (at == cells_[cell.level].end()) return;
  at->second.remove(numbers(cell));
  if (at->second.empty()) cells_[cell.level].erase(at);
}

std::optional<Merging::Cell> Merging::next() const {
  for (std::size_t level = 0; level < cells_.size(); ++level) {
    if (cells_[level].empty()) continue;
    const auto& [ix, numbers] = *cells_[level].begin();
    return cell(level, ix, numbers.intervals().front().first);
  }
  return std::nullopt;
}

std::vector<Merging::Cell> Merging::parts(const Cell& whole) const {
  std::vector<Cell> parts;
  if (whole.level == 0) return parts;
  const Seq size = events(whole.level - 1);
  for (Seq number = whole.dots.first / size + 1; number <= whole.dots.last / size; ++number)
    parts.push_back(cell(whole.level - 1, whole.ix, number));
  return parts;
}

bool Merging::touches(StreamIx ix, Interval dots) const {
  return std::any_of(under_way.begin(), under_way.end(), [&](const Cell& cell) {
    return cell.ix == ix && cell.dots.first <= dots.last && dots.first <= cell.dots.last;
  });
}

Merging::Cell Merging::cell(std::size_t level, StreamIx ix, Seq number) const {
  return {level, ix, {(number - 1) * events(level) + 1, number * events(level)}};
}

Interval Merging::numbers(const Cell& cell) const {
  const Seq number = cell.dots.last / events(cell.level);
  return {number, number};
}

}  // namespace deltamesh
