// engine/sqlite/prune_writer.cc - erased and surfaced writes, and floors.
#include "engine/sqlite/prune_writer.h"

#include "engine/batch_rules.h"

namespace deltamesh::sqlite {

Status PruneWriter::prepare(Database& database) {
  Result<Statement> floor =
      database.prepare("INSERT OR REPLACE INTO map_floors (dataset, floor, checksum) VALUES (?, ?, ?)");
  if (!floor) return floor.error();
  Result<Statement> surfaced = database.prepare(
      "INSERT OR REPLACE INTO surfaced (dataset, key, stream, seq, entry, checksum) VALUES (?, ?, ?, ?, ?, "
      "?)");
  if (!surfaced) return surfaced.error();
  insert_floor_.emplace(std::move(*floor));
  insert_surfaced_.emplace(std::move(*surfaced));
  return Done{};
}

Status PruneWriter::write(const MapPruning& pruning, const Stored& stored, const Replace& replace,
                          const KeyOf& key_of) {
  for (const MapErasure& erasure : pruning.erased) {
    MapWrite key{erasure.dataset, {}};
    key.entry.key = erasure.key;
    Result<std::vector<MapEntry>> before = stored(key);
    if (!before) return before.error();
    std::vector<MapEntry> left = *before;
    if (!erase_write(left, erasure)) continue;
    if (Status status = replace(key, *before, std::move(left)); !status) return status;
  }
  for (const MapWrite& write : pruning.surfaced) {
    if (Status status = write_surfaced(write, key_of); !status) return status;
  }
  for (const StoredFloor& floor : pruning.floors) {
    if (Status status = write_floor(floor); !status) return status;
  }
  return Done{};
}

Status PruneWriter::write_floor(const StoredFloor& stored) {
  const FloorRow row(stored);
  return insert_floor_->bind(static_cast<std::uint64_t>(stored.dataset), ByteView(row.floor), row.checksum)
      .run();
}

Status PruneWriter::write_surfaced(const MapWrite& write, const KeyOf& key_of) {
  const Result<StreamKey> stream = key_of(write.entry.version.dot.stream);
  if (!stream) return stream.error();
  const SurfacedRow row(write);
  return insert_surfaced_
      ->bind(static_cast<std::uint64_t>(write.dataset), bytes_of(write.entry.key), *stream,
             write.entry.version.dot.seq, ByteView(row.entry), row.checksum)
      .run();
}

}  // namespace deltamesh::sqlite
