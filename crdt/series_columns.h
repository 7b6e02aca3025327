// crdt/series_columns.h - several series of a block, of which only what they need is decoded, and that once.
//
// block_column() for each of them would read the shapes of the block again and again: with as many series as
// readings, that is the square of them.
#pragma once

#include <span>
#include <vector>

#include "crdt/block.h"

namespace deltamesh {

// `series` ascends. The columns stand in its order; one that the block lacks has no events.
Result<std::vector<SeriesColumn>> series_columns(ByteView block, std::span<const SeriesNo> series,
                                                 const BlockLimits& limits);

}  // namespace deltamesh
