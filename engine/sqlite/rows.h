// engine/sqlite/rows.h - values to rows and back, each with its checksum.
//
// Every reader of a row names its columns through the constants here, in that order, and every value is
// verified before it is handed on: what comes out of a store is what went in, or kCorrupt.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "engine/sqlite/statement.h"
#include "engine/store.h"

namespace deltamesh::sqlite {

// Every row of `query`, each as `read` returns it.
template <class Value, class Read>
Result<std::vector<Value>> collect(Result<Statement> query, Read read) {
  if (!query) return query.error();
  std::vector<Value> found;
  for (;;) {
    const Result<bool> row = query->step();
    if (!row) return row.error();
    if (!*row) return found;
    Result<Value> value = read(*query);
    if (!value) return value.error();
    found.push_back(std::move(*value));
  }
}

// A stream's small integer in this file; streams are interned because their names take 41 bytes.
using StreamKey = std::int64_t;

// `s` is the stream's row. It is joined from the left: what names a stream that is not there must not vanish.
inline constexpr const char* kStreamColumns = "s.dataset, s.class, s.node, s.incarnation";
inline constexpr int kStreamColumnCount = 4;

// "SELECT ... FROM streams s", and what one row of it says.
struct StreamRow {
  StreamKey key = 0;
  StreamId stream;
};
std::string select_streams();
Result<StreamRow> read_stream_row(const Statement& row);
// The columns of kStreamColumns, from `column` on; false if they name no stream.
bool read_stream(const Statement& row, int column, StreamId& stream);

Result<std::optional<StreamKey>> find_stream(Database& database, const StreamId& stream);
Result<std::map<StreamId, StreamKey>> load_streams(Database& database);
Result<StreamKey> insert_stream(Database& database, const StreamId& stream);

// Of `blocks`; "boot_min, boot_max, ticks_min, ticks_max" are null together.
inline constexpr const char* kBlockColumns =
    "first, last, codec, quality, time_min, time_max, checksum, bytes, boot_min, boot_max, ticks_min, "
    "ticks_max";
inline constexpr int kBlockColumnCount = 12;
Result<StoredBlock> read_block(const Statement& row, const StreamId& stream);
std::uint64_t checksum_of(const StoredBlock& block);

// "SELECT ... FROM series r JOIN streams s", and what one row of it says. A series without a name is one that
// was never declared here.
std::string select_series(const char* where);
Result<StreamSeries> read_series(const Statement& row);
StreamSeries unnamed_series(const SeriesKey& key);
std::uint64_t checksum_of(const StreamSeries& series);

// The same of `map_entries`: of a key, the latest write has place 0, those in conflict with it the next ones.
std::string select_entries(const char* where);
Result<MapWrite> read_entry(const Statement& row);
std::uint64_t checksum_of(const MapWrite& write, std::int64_t place);

// Of `arrivals`: a mark, and the id of the first block that came after it.
struct ArrivalRow {
  std::uint64_t first = 0;
  ArrivalMark mark;
};
std::string select_arrivals(const char* where);
Result<ArrivalRow> read_arrival(const Statement& row);
std::uint64_t checksum_of(const ArrivalRow& row);

// Of `tier_acks` and `ended_ackers`, in this order; what has ended has no stream.
std::string select_acks();
std::string select_stream_acks(const std::string& where);  // Of `tier_acks` a alone.
Result<TierAck> read_ack(const Statement& row);
std::uint64_t checksum_of(const TierAck& ack);

// Of `boots` and of `own_boots`.
std::string select_offsets(const char* where);
Result<BootOffset> read_offset(const Statement& row);
std::uint64_t checksum_of(const BootOffset& offset);
std::string select_own_boots();
Result<OwnBoot> read_own_boot(const Statement& row);
std::uint64_t checksum_of(const OwnBoot& boot);

// From four columns of a row, from `column` on; none if they are null, or do not make one.
std::optional<BootSpan> read_boots(const Statement& row, int column);

// One row of `knowledge` as its columns.
struct KnowledgeRow {
  explicit KnowledgeRow(const Knowledge::Entry& entry);
  KnowledgeRow() = default;
  [[nodiscard]] std::uint64_t checksum(const StreamId& stream) const;

  Seq head = 0;
  Seq settled = 0;
  Bytes held, dropped, voided, lost;
};
std::string select_knowledge();
Result<Knowledge::Entry> read_knowledge(const Statement& row);
Result<Knowledge> load_knowledge(Database& database);
Result<Knowledge> take_knowledge(Result<Statement> query);  // All that select_knowledge() yields.
Result<std::optional<StreamKnowledge>> find_knowledge(Database& database, StreamKey stream);

}  // namespace deltamesh::sqlite
