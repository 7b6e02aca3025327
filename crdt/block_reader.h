// crdt/block_reader.h - reads a block's parts in their order, from bytes that nobody has vouched for.
//
// Each part may be read only after the ones before it; a caller stops at the last part that it needs, and may
// leave out the sources. After an error nothing more may be read. Only crdt/block*.cc include this.
#pragma once

#include "crdt/block_columns.h"

namespace deltamesh {

class BlockReader {
 public:
  BlockReader(ByteView block, const BlockLimits& limits) : rest_(block), limits_(limits) {}

  Status read_events();     // Header, times, boots, qualities.
  Status read_directory();  // Series, types and column sizes; the columns reach to the end of the block.
  Status read_shapes();     // Shapes and which event has which; then each series' count is known.
  Status read_sources();    // Nothing if the block has none.
  Status read_values();     // All series.
  Status read_values_of(std::span<const SeriesNo> series);  // Ascending; those that the block has.

  [[nodiscard]] bool has_sources() const { return (flags_ & kFlagSources) != 0; }  // Known after read_events.
  [[nodiscard]] const BlockColumns& columns() const { return columns_; }
  BlockColumns take() { return std::move(columns_); }

 private:
  Status read_header();
  Status read_shape_table();
  Status read_shape(std::uint64_t shape_count);
  Status check_shape_ids() const;
  Status find_values();
  Status read_event_column(std::vector<std::int64_t>& column, const char* name, std::int64_t value_max);
  Status read_column(ByteView in, const SeriesEntry& entry);
  Status check_texts(const SeriesEntry& entry);
  Status check_booleans(const SeriesEntry& entry) const;

  ByteView rest_;     // From the first values on, once shapes are read.
  ByteView sources_;  // Found when shapes are read.
  BlockLimits limits_;
  BlockColumns columns_;
  std::uint8_t flags_ = 0;
  std::size_t events_ = 0;
  std::uint64_t text_bytes_ = 0;
};

}  // namespace deltamesh
