// crdt/block_reader.h - reads a block's parts in their order, from bytes that nobody has vouched for.
//
// Each part may be read only after the ones before it; a caller stops at the last part that it needs. After
// an error nothing more may be read. Only crdt/block*.cc include this.
#pragma once

#include "crdt/block_columns.h"

namespace deltamesh {

class BlockReader {
 public:
  BlockReader(ByteView block, const BlockLimits& limits) : rest_(block), limits_(limits) {}

  Status read_events();     // Header, times, boots, qualities, sources.
  Status read_directory();  // Series, types and column sizes, which must fill the block to its end.
  Status read_shapes();     // Shapes and which event has which; then each series' count is known.
  Status read_values();     // All series.
  Status read_values_of(const SeriesEntry& entry);  // One of columns().directory.

  [[nodiscard]] const BlockColumns& columns() const { return columns_; }
  BlockColumns take() { return std::move(columns_); }

 private:
  Status read_header(std::uint8_t& flags);
  Status read_sources();
  Status read_shape_table();
  Status read_shape(std::uint64_t shape_count);
  Status check_shape_ids() const;
  Status read_event_column(std::vector<std::int64_t>& column, const char* name, std::int64_t value_max);
  Status read_column(ByteView in, const SeriesEntry& entry);
  Status check_texts(const SeriesEntry& entry);
  Status check_booleans(const SeriesEntry& entry) const;

  ByteView rest_;
  BlockLimits limits_;
  BlockColumns columns_;
  std::size_t events_ = 0;
  std::uint64_t text_bytes_ = 0;
};

}  // namespace deltamesh
