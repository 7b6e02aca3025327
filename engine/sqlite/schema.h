// engine/sqlite/schema.h - the tables of a store on disk, their version, and how a file is known to be one.
//
// Described table by table in docs/formats/store.md.
#pragma once

#include <cstdint>
#include <string>

#include "engine/config.h"
#include "engine/sqlite/statement.h"

namespace deltamesh::sqlite {

inline constexpr std::int64_t kApplicationId = 0x444d5354;  // "DMST", in bytes 68 to 71 of the file.
inline constexpr std::int64_t kSchemaVersion = 0;           // PRAGMA user_version.

// The single row of `meta`.
struct Meta {
  Identity identity;
  std::uint64_t opens = 0;  // How often the store was opened.
  HlcStamp clock;
  Bytes obeyed = {};  // Batch::obeyed.
};

// Turns the write-ahead log on, or says that it cannot be had: SQLite itself would go on without.
Status use_log(Database& database);

// Makes a store at `path`, which must not exist, complete and closed: a crash leaves no half of one in its
// place, since the caller renames it.
Status create_store(const std::string& path, const Meta& meta, bool sync, const std::string& vfs = {});

// Is this a store that this build may open? Reads only. `deep` looks for damage on every page too.
Status check_store(Database& database, const std::string& path, bool deep);

// Whether its tables and indexes are those that create_store() makes, to the letter.
Status check_tables(Database& database);

Result<Meta> read_meta(Database& database);
Result<Meta> read_meta_row(const Statement& row);  // Of "node, incarnation, opens, clock, obeyed, checksum".
Status write_meta(Database& database, const Meta& meta);
// Enters an incarnation into the list of those that this store has had.
Status note_incarnation(Database& database, const Incarnation& incarnation, const std::string& reason);
std::string select_incarnations();
Result<Incarnation> read_incarnation(const Statement& row);

}  // namespace deltamesh::sqlite
