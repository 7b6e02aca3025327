// engine/raw_map_ranges.cc - ranges of a map's keys and what is in them, to bytes and back; part of raw_part.
//
// Ranges mostly follow one another, so that one byte stands for the key where the next begins.
#include "crdt/utf8.h"
#include "engine/raw_part.h"
#include "engine/validate.h"

namespace deltamesh {
namespace {

using message::KeyRange;
using message::MapAnswer;
using message::MapQuestion;
using message::RangeSum;

constexpr std::uint64_t kEqual = 0, kEntries = 1, kCells = 2;  // The tag of a part.
constexpr std::uint64_t kFollows = 0, kBehindGap = 1;          // Where a range begins.

void put_print(Bytes& out, const Fingerprint& print) {
  put_fixed64(out, print.low());
  put_fixed64(out, print.high());
}

void put_sum(Bytes& out, const RangeSum& sum) {
  put_varint(out, sum.count);
  if (sum.count != 0) put_print(out, sum.fingerprint);
}

void put_entry(Bytes& out, const MapAnswer::Entry& entry) {
  put_string(out, entry.key);
  put_varint(out, std::uint64_t{entry.stream} << 1 | (entry.tombstone ? 1u : 0u));
  put_varint(out, entry.version.dot.seq);
  put_varint(out, entry.version.epoch);
  put_fixed64(out, entry.version.stamp.bits);
  if (!entry.tombstone) put_print(out, entry.print);
}

struct PartWriter {
  Bytes& out;
  void operator()(const MapAnswer::Equal&) const { put_varint(out, kEqual); }
  void operator()(const MapAnswer::Entries& entries) const {
    put_varint(out, kEntries);
    put_varint(out, entries.size());
    for (const auto& entry : entries) put_entry(out, entry);
  }
  void operator()(const MapAnswer::Cells& cells) const {
    put_varint(out, kCells);
    put_varint(out, cells.sums.size());
    put_sum(out, cells.sums[0]);
    for (std::size_t i = 0; i < cells.cuts.size(); ++i) {
      put_string(out, cells.cuts[i]);
      put_sum(out, cells.sums[i + 1]);
    }
  }
};

}  // namespace

void put_map_ranges(Bytes& out, const std::vector<MapQuestion::Range>& ranges) {
  std::string_view behind;
  for (const auto& [keys, expected] : ranges) {
    put_varint(out, keys.from == behind ? kFollows : kBehindGap);
    if (keys.from != behind) put_string(out, keys.from);
    put_string(out, keys.to);
    put_sum(out, expected);
    behind = keys.to;
  }
}

void put_map_answer(Bytes& out, const MapAnswer& answer) {
  put_fixed64(out, static_cast<std::uint64_t>(answer.dataset));
  for (const auto& [stream, held] : answer.known) {
    put_stream_id(out, stream);
    held.encode(out);
  }
  for (const StreamId& stream : answer.streams) put_stream_id(out, stream);
  for (const MapAnswer::Part& part : answer.parts) std::visit(PartWriter{out}, part);
}

Fingerprint RawReader::fingerprint() {
  std::uint64_t low = 0, high = 0;
  if (!ok() || !get_fixed64(in_, low) || !get_fixed64(in_, high))
    refuse(ErrorCode::kInvalid, "a fingerprint is cut short");
  return {high, low};
}

RangeSum RawReader::map_sum() {
  const std::uint64_t count = number("number of live entries");
  if (!ok() || count == 0) return {};
  return {count, fingerprint()};
}

std::string RawReader::key_text(const char* what) {
  std::string text;
  if (ok() && !get_string(in_, text, limits::kMapEntry.key_bytes_max))
    refuse(ErrorCode::kInvalid, std::string(what) + " is cut short or has more than " +
                                    std::to_string(limits::kMapEntry.key_bytes_max) + " bytes");
  return text;
}

MapQuestion::Range RawReader::map_range(const KeyRange* after) {
  MapQuestion::Range range;
  const bool gap = number("mark of a range of keys", 1) == kBehindGap;
  if (after != nullptr && after->to.empty()) refuse(ErrorCode::kInvalid, "a range behind the last key");
  const std::string behind = after == nullptr ? "" : after->to;
  range.keys.from = gap ? key_text("the key where a range begins") : behind;
  if (ok() && gap && range.keys.from <= behind) refuse(ErrorCode::kInvalid, "ranges are not ascending");
  range.keys.to = key_text("the key where a range ends");
  if (ok() && !range.keys.to.empty() && range.keys.to <= range.keys.from)
    refuse(ErrorCode::kInvalid, "a range of no keys");
  range.expected = map_sum();
  return range;
}

StreamId RawReader::stream_of(DatasetId dataset) {
  const StreamId stream = stream_id();
  if (ok() && stream.dataset != dataset) refuse(ErrorCode::kInvalid, "a stream of another dataset");
  return stream;
}

MapAnswer::Known RawReader::map_known(DatasetId dataset) {
  MapAnswer::Known known;
  known.stream = stream_of(dataset);
  known.held = intervals();
  if (ok() && known.held.empty()) refuse(ErrorCode::kInvalid, "a stream of which nothing is known");
  return known;
}

MapAnswer::Entries RawReader::map_entries(std::size_t streams) {
  MapAnswer::Entries entries;
  const std::uint32_t count = number("entries of a range", limits::kMapEntriesListed);
  for (std::uint32_t i = 0; i < count && ok(); ++i) {
    MapAnswer::Entry entry;
    entry.key = key_text("a key");
    if (entry.key.empty() || !valid_utf8(entry.key)) refuse(ErrorCode::kInvalid, "a key is not text");
    const std::uint32_t tagged = number("a stream with its mark", (1u << 31) - 1);
    entry.stream = tagged >> 1;
    entry.tombstone = (tagged & 1) != 0;
    if (entry.stream >= streams) refuse(ErrorCode::kInvalid, "an entry of a stream that is not named");
    entry.version.dot.seq = seq("a sequence number");
    if (ok() && entry.version.dot.seq == 0) refuse(ErrorCode::kInvalid, "an entry with number 0");
    entry.version.epoch = number("an epoch", ~std::uint32_t{0});
    if (ok() && !get_fixed64(in_, entry.version.stamp.bits))
      refuse(ErrorCode::kInvalid, "a stamp is cut short");
    if (!entry.tombstone) entry.print = fingerprint();
    if (!entries.empty() && entry.key <= entries.back().key)
      refuse(ErrorCode::kInvalid, "entries are not ascending");
    entries.push_back(std::move(entry));
  }
  return entries;
}

MapAnswer::Cells RawReader::map_cells() {
  MapAnswer::Cells cells;
  const std::uint32_t count = number("cells of a range", limits::kMapCellsMax);
  if (count < 2) refuse(ErrorCode::kInvalid, "a range that is not cut");
  cells.sums.push_back(map_sum());
  while (ok() && cells.sums.size() < count) {
    std::string cut = key_text("the key of a cut");
    if (cut <= (cells.cuts.empty() ? std::string() : cells.cuts.back()))
      refuse(ErrorCode::kInvalid, "cuts are not ascending");
    cells.cuts.push_back(std::move(cut));
    cells.sums.push_back(map_sum());
  }
  return cells;
}

MapAnswer::Part RawReader::map_part(std::size_t streams) {
  switch (number("kind of a part", kCells)) {
    case kEntries: return map_entries(streams);
    case kCells: return map_cells();
    default: return MapAnswer::Equal{};
  }
}

}  // namespace deltamesh
