// engine/sqlite/prune_rows.h - floors of maps, and writes that were surfaced, to rows and back.
#pragma once

#include "engine/sqlite/rows.h"

namespace deltamesh::sqlite {

// What a floor's blob has, and the checksum beside it.
struct FloorRow {
  explicit FloorRow(const StoredFloor& stored);
  Bytes floor;
  std::uint64_t checksum = 0;
};
// Of "dataset, floor, checksum".
inline constexpr const char* kFloorColumns = "dataset, floor, checksum";
Result<StoredFloor> read_floor(const Statement& row);
Result<std::vector<StoredFloor>> load_floors(Database& database);

struct SurfacedRow {
  explicit SurfacedRow(const MapWrite& write);
  Bytes entry;
  std::uint64_t checksum = 0;
};
std::string select_surfaced(const char* where);
Result<MapWrite> read_surfaced(const Statement& row);

}  // namespace deltamesh::sqlite
