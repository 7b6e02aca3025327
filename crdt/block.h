// crdt/block.h - an encoded run of consecutive events of one telemetry stream.
//
// Many series share a block, as columns: a directory of series (so that one can be read without the rest),
// the event order as a column of group shapes, times once per event, values by series. The bytes are a pure
// function of the events, hence encode(a ++ b) == merge(encode(a), encode(b)) for every cut. A block does not
// hold its own place (stream, first dot); whoever stores or sends it does. Grammar: docs/formats/block.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "crdt/result.h"
#include "crdt/sample.h"

namespace deltamesh {

// The codec that encode_block writes, version 0 of the format.
inline constexpr std::uint8_t kBlockCodec = 0;

// What a decoder will put up with; whoever reads untrusted bytes passes these (engine/limits.h).
struct BlockLimits {
  std::size_t bytes_max = 0;  // Encoded size; see also kTextExpansionMax.
  std::uint32_t events_max = 0;
  std::uint32_t readings_max = 0;   // Over all events.
  std::size_t value_bytes_max = 0;  // One string or bytes value.
};

// All strings and bytes of a block, decoded, may come to this many times bytes_max. A dictionary names one
// long text with few bits: without a bound a small block could claim gigabytes.
inline constexpr std::uint64_t kTextExpansionMax = 4;

// The events of a block that are counted from boots of its writer: which boots, and which times.
struct BootSpan {
  std::uint32_t boot_min = 0;  // Never 0.
  std::uint32_t boot_max = 0;
  Ticks ticks_min = 0;
  Ticks ticks_max = 0;
  friend bool operator==(const BootSpan&, const BootSpan&) = default;
};

// What an index needs to know of a block without its values.
struct BlockSummary {
  std::uint32_t events = 0;
  std::uint32_t readings = 0;
  std::vector<SeriesNo> series;  // Ascending.
  bool has_utc = false;          // Some event has boot == 0; then the next two are over those events.
  Ticks time_min = 0;
  Ticks time_max = 0;
  std::optional<BootSpan> boots;  // None: every event is in UTC.
  friend bool operator==(const BlockSummary&, const BlockSummary&) = default;
};

// All values of one series in event order.
using ColumnValues = std::variant<std::vector<bool>, std::vector<std::int64_t>, std::vector<double>,
                                  std::vector<std::string>, std::vector<Bytes>>;
struct SeriesColumn {
  std::vector<std::uint32_t> events;  // Index of the event (0-based in the block) that each value belongs to.
  ColumnValues values;
};

// Encodes `events` (1 to limits.events_max). Refuses what a decoder with the same limits would refuse, NaN,
// readings out of order, and a series whose type changes within the block.
Result<Bytes> encode_block(std::span<const Event> events, const BlockLimits& limits);

// Decodes everything. Any byte string gives events or an error, and the events obey every rule of
// encode_block, so that they can be encoded again.
Result<std::vector<Event>> decode_block(ByteView block, const BlockLimits& limits);

// Decodes every column as decode_block does (so a summary is proof that the block decodes), without building
// events. This is what a node runs on each block that it receives. It does not ask whether the writer picked
// the best codec for a column: another one costs space and nothing else.
Result<BlockSummary> validate_block(ByteView block, const BlockLimits& limits);

// Reads no further than times and directory; for blocks that were validated when they were stored.
Result<BlockSummary> peek_block(ByteView block, const BlockLimits& limits);

// Time, boot, quality and source (one each an event), and the values of one series; not found if the block
// lacks it. Neither reads columns that it does not need.
struct EventTimes {
  std::vector<Ticks> times;
  std::vector<std::uint32_t> boots;
  std::vector<Quality> qualities;
  std::vector<std::optional<Source>> sources;  // Empty if no event of the block has one.
};
Result<EventTimes> block_times(ByteView block, const BlockLimits& limits);
Result<SeriesColumn> block_column(ByteView block, SeriesNo series, const BlockLimits& limits);

// Events [from, from + count) as a block of their own; and two neighbours as one.
Result<Bytes> slice_block(ByteView block, std::uint32_t from, std::uint32_t count, const BlockLimits& limits);
Result<Bytes> merge_blocks(ByteView a, ByteView b, const BlockLimits& limits);

}  // namespace deltamesh
