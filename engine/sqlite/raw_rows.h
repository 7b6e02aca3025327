// engine/sqlite/raw_rows.h - the rows on a database's pages, found one by one, with nothing to vouch for
// them.
//
// Each page is taken for whatever it may be, whether the tree that it belonged to still leads to it or not:
// what looks like a row of a store is handed on. That may be one that was deleted, or stands twice. A row
// with a checksum is to be believed when that is right; one of an index has none, and is no more than a hint.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <vector>

#include "engine/sqlite/page_file.h"
#include "engine/sqlite/statement.h"

namespace deltamesh::sqlite {

// Of the tables, with their columns as they are declared; and of indexes.
enum class RawKind : std::uint8_t {
  kMeta,
  kIncarnation,
  kStream,
  kKnowledge,
  kSeries,  // Its key columns are the first: stream, number, dataset, name, unit, type, checksum.
  kBlock,
  kEntry,
  kFloor,
  kSurfaced,
  kOffset,  // Of boots: stream, boot, ticks, quality, writer, seq, checksum.
  kOwnBoot,
  kStreamName,  // dataset, class, node, incarnation, id
  kSeriesName,  // dataset, name, stream, number
  kEntryKey,    // dataset, key, place, id
};

struct RawRow {
  RawKind kind{};
  std::int64_t id = 0;           // The row's number, which its first column repeats; of tables that have one.
  std::vector<AnyValue> values;  // Views last until the visitor returns.
};

// What a damaged length may make us read. Less: the largest rows are not found.
inline constexpr std::size_t kRawRowBytesMax = 4u << 20;

// Calls `visit` for each row of one of these kinds, page by page.
void visit_raw_rows(const PageFile& pages, const std::set<RawKind>& kinds,
                    const std::function<void(const RawRow&)>& visit);

}  // namespace deltamesh::sqlite
