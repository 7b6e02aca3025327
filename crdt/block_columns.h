// crdt/block_columns.h - a whole block as plain columns: what lies between events and bytes.
//
// Encoding gathers events into this and writes it; decoding reads it and scatters it into events. Only
// crdt/block*.cc include this.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "crdt/block.h"
#include "crdt/sample.h"

namespace deltamesh {

inline constexpr std::uint8_t kFlagBoots = 1, kFlagQualities = 2, kFlagSources = 4;

// A shape is the set of series that an event has, as ascending positions in the directory.
struct ShapeTable {
  std::vector<std::uint32_t> ends;       // Where in `positions` each shape ends.
  std::vector<std::uint32_t> positions;  // All shapes, one after the other.
  [[nodiscard]] std::size_t size() const { return ends.size(); }
  [[nodiscard]] std::span<const std::uint32_t> operator[](std::size_t id) const {
    const std::uint32_t start = id == 0 ? 0 : ends[id - 1];
    return std::span(positions).subspan(start, ends[id] - start);
  }
};

struct SeriesEntry {
  SeriesNo number = 0;
  ValueType type = ValueType::kDouble;
  std::uint32_t count = 0;  // Values in the block.
  std::uint32_t start = 0;  // The first of them in the array of its type.
  std::size_t bytes = 0;    // Encoded size of its column.
};

struct BlockColumns {
  // One an event, or empty where every event has the default.
  std::vector<std::int64_t> times, boots, qualities;
  std::vector<std::int64_t> has_source, sessions, counters;  // The last two are 0 where the first is.

  std::vector<SeriesEntry> directory;  // Ascending by number.
  ShapeTable shapes;                   // In order of first appearance.
  std::vector<std::int64_t> shape_ids;

  // The values of each series together, in event order, series in directory order.
  std::vector<std::int64_t> ints;  // Booleans too.
  std::vector<double> doubles;
  std::vector<ByteView> texts;  // Views into the events or into the block.

  std::uint32_t readings = 0;

  // Of an event of a block that has sources.
  [[nodiscard]] std::optional<Source> source_of(std::size_t event) const {
    if (has_source[event] == 0) return std::nullopt;
    return Source{static_cast<std::uint64_t>(sessions[event]), static_cast<std::uint64_t>(counters[event])};
  }

  // Fills in count and start of each entry from the shapes and their ids, and sizes the three arrays.
  void lay_out_values();
};

// Checks everything that encode_block promises to refuse, except the encoded size.
Result<BlockColumns> gather_block(std::span<const Event> events, const BlockLimits& limits);

// How many bytes all strings of a block may have, saturating.
std::uint64_t decoded_text_max(const BlockLimits& limits);

Error block_error(ErrorCode code, std::string text);
Error block_over(const char* what, std::uint64_t size, std::uint64_t size_max);

}  // namespace deltamesh
