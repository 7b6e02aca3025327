// engine/sqlite/prune_writer.h - what is no join of maps, into the open transaction of the write connection.
#pragma once

#include <functional>
#include <optional>

#include "engine/sqlite/prune_rows.h"

namespace deltamesh::sqlite {

class PruneWriter {
 public:
  // Puts these in the place of all writes of a key, the latest first; none: the key is gone.
  using Replace = std::function<Status(const MapWrite& key, const std::vector<MapEntry>& stored,
                                       std::vector<MapEntry> left)>;
  using Stored = std::function<Result<std::vector<MapEntry>>(const MapWrite& key)>;
  using KeyOf = std::function<Result<StreamKey>(const StreamId&)>;

  Status prepare(Database& database);
  // What batches forget, their knowledge already says.
  Status write(const MapPruning& pruning, const Stored& stored, const Replace& replace, const KeyOf& key_of);

 private:
  Status write_floor(const StoredFloor& stored);
  Status write_surfaced(const MapWrite& write, const KeyOf& key_of);

  std::optional<Statement> insert_floor_, insert_surfaced_;
};

}  // namespace deltamesh::sqlite
