// crdt/block_encode.cc - columns to bytes, after the grammar in docs/formats/block.md.
#include "crdt/block.h"
#include "crdt/block_columns.h"
#include "crdt/block_sources.h"
#include "crdt/column.h"
#include "crdt/varint.h"

namespace deltamesh {
namespace {

void put_series_column(Bytes& out, const BlockColumns& columns, const SeriesEntry& entry) {
  switch (entry.type) {
    case ValueType::kBool:
    case ValueType::kInt: return encode_ints(out, std::span(columns.ints).subspan(entry.start, entry.count));
    case ValueType::kDouble:
      return encode_doubles(out, std::span(columns.doubles).subspan(entry.start, entry.count));
    case ValueType::kString:
    case ValueType::kBytes:
      return encode_texts(out, std::span(columns.texts).subspan(entry.start, entry.count));
  }
}

std::uint8_t flags_of(const BlockColumns& columns) {
  return static_cast<std::uint8_t>((columns.boots.empty() ? 0 : kFlagBoots) |
                                   (columns.qualities.empty() ? 0 : kFlagQualities) |
                                   (columns.has_source.empty() ? 0 : kFlagSources));
}

void put_event_columns(Bytes& out, const BlockColumns& columns) {
  encode_ints(out, columns.times, IntKind::kTimes);
  if (!columns.boots.empty()) encode_ints(out, columns.boots);
  if (!columns.qualities.empty()) encode_ints(out, columns.qualities);
}

void put_directory(Bytes& out, const std::vector<SeriesEntry>& directory) {
  put_varint(out, directory.size());
  std::uint64_t lowest = 0;  // What the next number is counted from.
  for (const SeriesEntry& entry : directory) {
    put_varint(out, (entry.number - lowest) << 3 | static_cast<std::uint64_t>(entry.type));
    put_varint(out, entry.bytes);
    lowest = std::uint64_t{entry.number} + 1;
  }
}

// A shape as runs of neighbouring positions: their number, then gap before and length - 1 of each.
void put_shape(Bytes& out, std::span<const std::uint32_t> shape) {
  struct Run {
    std::uint32_t start, size;
  };
  std::vector<Run> runs;
  for (const std::uint32_t position : shape) {
    if (!runs.empty() && position == runs.back().start + runs.back().size)
      ++runs.back().size;
    else
      runs.push_back({position, 1});
  }
  put_varint(out, runs.size());
  std::uint32_t lowest = 0;
  for (const Run& run : runs) {
    put_varint(out, run.start - lowest);
    put_varint(out, run.size - 1);
    lowest = run.start + run.size + 1;  // A run that touched its predecessor would be part of it.
  }
}

Bytes write_block(BlockColumns& columns) {
  Bytes values;
  for (SeriesEntry& entry : columns.directory) {
    const std::size_t start = values.size();
    put_series_column(values, columns, entry);
    entry.bytes = values.size() - start;
  }
  Bytes out{static_cast<std::byte>(kBlockCodec), static_cast<std::byte>(flags_of(columns))};
  put_varint(out, columns.times.size());
  put_varint(out, columns.readings);
  put_event_columns(out, columns);
  put_directory(out, columns.directory);
  put_varint(out, columns.shapes.size());
  for (std::size_t id = 0; id < columns.shapes.size(); ++id) put_shape(out, columns.shapes[id]);
  encode_ints(out, columns.shape_ids);
  if (!columns.has_source.empty()) put_sources(out, columns);
  out.insert(out.end(), values.begin(), values.end());
  return out;
}

}  // namespace

Result<Bytes> encode_block(std::span<const Event> events, const BlockLimits& limits) {
  Result<BlockColumns> columns = gather_block(events, limits);
  if (!columns) return columns.error();
  Bytes block = write_block(*columns);
  if (block.size() > limits.bytes_max) return block_over("encoded bytes", block.size(), limits.bytes_max);
  return block;
}

}  // namespace deltamesh
