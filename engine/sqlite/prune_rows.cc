// engine/sqlite/prune_rows.cc - checked rows of what collecting tombstones leaves.
#include "engine/sqlite/prune_rows.h"

#include "engine/limits.h"
#include "engine/sqlite/checksum.h"

namespace deltamesh::sqlite {
namespace {

std::uint64_t bits(DatasetId dataset) {
  return static_cast<std::uint64_t>(dataset);
}

std::uint64_t floor_sum(DatasetId dataset, ByteView floor) {
  Checksum sum(RowKind::kFloor);
  sum.add(bits(dataset));
  return sum.value_with(floor);
}

std::uint64_t surfaced_sum(const StreamId& stream, ByteView entry) {
  Checksum sum(RowKind::kSurfaced);
  sum.add(stream);
  return sum.value_with(entry);
}

}  // namespace

FloorRow::FloorRow(const StoredFloor& stored) {
  encode_floor(floor, stored.floor);
  checksum = floor_sum(stored.dataset, floor);
}

Result<StoredFloor> read_floor(const Statement& row) {
  const DatasetId dataset{row.bits(0)};
  const ByteView bytes = row.bytes(1);
  Result<MapFloor> floor = decode_floor(bytes, dataset, limits::kIntervalsMax);
  if (row.bits(2) != floor_sum(dataset, bytes) || !floor)
    return Error{ErrorCode::kCorrupt, "the floor of map " + std::to_string(bits(dataset)) +
                                          " fails its checksum or does not decode"};
  return StoredFloor{dataset, std::move(*floor)};
}

Result<std::vector<StoredFloor>> load_floors(Database& database) {
  const std::string sql = std::string("SELECT ") + kFloorColumns + " FROM map_floors ORDER BY dataset";
  return collect<StoredFloor>(database.prepare(sql), read_floor);
}

SurfacedRow::SurfacedRow(const MapWrite& write) {
  encode_map_entry(entry, write.entry, std::nullopt);
  checksum = surfaced_sum(write.entry.version.dot.stream, entry);
}

std::string select_surfaced(const char* where) {
  return std::string("SELECT ") + kStreamColumns +
         ", u.entry, u.checksum, u.key, u.seq, u.dataset "
         "FROM surfaced u LEFT JOIN streams s ON s.id = u.stream " +
         where;
}

Result<MapWrite> read_surfaced(const Statement& row) {
  StreamId stream;
  const bool named = read_stream(row, 0, stream);
  const ByteView bytes = row.bytes(4);
  ByteView in = bytes;
  std::optional<std::uint32_t> rank = 0;  // Of the one stream that the row names.
  Result<MapEntry> entry = decode_map_entry(in, rank, limits::kMapEntry);
  if (!named || row.bits(5) != surfaced_sum(stream, bytes) || !entry || !in.empty() ||
      entry->key != row.text(6) || entry->version.dot.seq != row.bits(7) ||
      row.bits(8) != bits(stream.dataset))
    return Error{ErrorCode::kCorrupt,
                 "a surfaced write of key " + row.text(6) + " fails its checksum or does not decode"};
  entry->version.dot.stream = stream;
  return MapWrite{stream.dataset, std::move(*entry)};
}

}  // namespace deltamesh::sqlite
