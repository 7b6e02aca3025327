// engine/sqlite/schema.cc - tables and versions.
#include "engine/sqlite/schema.h"

#include "engine/sqlite/checksum.h"
#include "engine/sqlite/files.h"

namespace deltamesh::sqlite {
namespace {

// One index serves questions by dot and by time: a second would cost a page in every commit, and a scan of
// this one never touches a block. blocks_by_boot is empty where all times are in UTC.
constexpr const char* kTables = R"sql(
CREATE TABLE meta (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  node BLOB NOT NULL,
  incarnation BLOB NOT NULL,
  opens INTEGER NOT NULL,
  clock INTEGER NOT NULL,
  obeyed BLOB NOT NULL,
  checksum INTEGER NOT NULL
) STRICT;
CREATE TABLE incarnations (
  number INTEGER PRIMARY KEY,
  incarnation BLOB NOT NULL UNIQUE,
  reason TEXT NOT NULL,
  checksum INTEGER NOT NULL
) STRICT;
CREATE TABLE streams (
  id INTEGER PRIMARY KEY,
  dataset INTEGER NOT NULL,
  class INTEGER NOT NULL,
  node BLOB NOT NULL,
  incarnation BLOB NOT NULL,
  checksum INTEGER NOT NULL,
  UNIQUE (dataset, class, node, incarnation)
) STRICT;
CREATE TABLE knowledge (
  stream INTEGER PRIMARY KEY REFERENCES streams,
  head INTEGER NOT NULL,
  settled INTEGER NOT NULL,
  held BLOB NOT NULL,
  dropped BLOB NOT NULL,
  voided BLOB NOT NULL,
  lost BLOB NOT NULL,
  checksum INTEGER NOT NULL
) STRICT;
CREATE TABLE series (
  stream INTEGER NOT NULL REFERENCES streams,
  number INTEGER NOT NULL,
  dataset INTEGER NOT NULL,
  name TEXT NOT NULL,
  unit TEXT NOT NULL,
  type INTEGER NOT NULL,
  checksum INTEGER NOT NULL,
  PRIMARY KEY (stream, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX series_by_name ON series (dataset, name);
CREATE TABLE blocks (
  id INTEGER PRIMARY KEY,
  stream INTEGER NOT NULL REFERENCES streams,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  codec INTEGER NOT NULL,
  quality INTEGER NOT NULL,
  time_min INTEGER,
  time_max INTEGER,
  boot_min INTEGER,
  boot_max INTEGER,
  ticks_min INTEGER,
  ticks_max INTEGER,
  checksum INTEGER NOT NULL,
  bytes BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX blocks_by_dot ON blocks (stream, first, last, time_min, time_max, boot_min);
CREATE INDEX blocks_by_boot ON blocks
  (stream, first, time_min, time_max, boot_min, boot_max, ticks_min, ticks_max) WHERE boot_min IS NOT NULL;
CREATE TABLE arrivals (
  first INTEGER PRIMARY KEY,
  alive INTEGER NOT NULL,
  wall INTEGER,
  checksum INTEGER NOT NULL
) STRICT;
CREATE TABLE map_entries (
  id INTEGER PRIMARY KEY,
  dataset INTEGER NOT NULL,
  key BLOB NOT NULL,
  place INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  stamp INTEGER NOT NULL,
  stream INTEGER NOT NULL REFERENCES streams,
  seq INTEGER NOT NULL,
  tombstone INTEGER NOT NULL,
  untrusted INTEGER NOT NULL,
  past BLOB NOT NULL,
  checksum INTEGER NOT NULL,
  value BLOB NOT NULL,
  UNIQUE (dataset, key, place)
) STRICT;
CREATE INDEX map_conflicts ON map_entries (dataset, key, place) WHERE place > 0;
CREATE TABLE map_floors (
  dataset INTEGER PRIMARY KEY,
  floor BLOB NOT NULL,
  checksum INTEGER NOT NULL
) STRICT;
CREATE TABLE surfaced (
  id INTEGER PRIMARY KEY,
  dataset INTEGER NOT NULL,
  key BLOB NOT NULL,
  stream INTEGER NOT NULL REFERENCES streams,
  seq INTEGER NOT NULL,
  entry BLOB NOT NULL,
  checksum INTEGER NOT NULL,
  UNIQUE (dataset, key, stream, seq)
) STRICT;
CREATE TABLE boots (
  stream INTEGER NOT NULL REFERENCES streams,
  boot INTEGER NOT NULL,
  ticks INTEGER NOT NULL,
  quality INTEGER NOT NULL,
  writer INTEGER NOT NULL REFERENCES streams,
  seq INTEGER NOT NULL,
  checksum INTEGER NOT NULL,
  PRIMARY KEY (stream, boot)
) STRICT, WITHOUT ROWID;
CREATE TABLE own_boots (
  place INTEGER PRIMARY KEY,
  stream INTEGER NOT NULL REFERENCES streams,
  number INTEGER NOT NULL,
  boot BLOB NOT NULL,
  up INTEGER NOT NULL,
  checksum INTEGER NOT NULL
) STRICT;
CREATE TABLE tier_acks (
  acker BLOB NOT NULL,
  acker_incarnation BLOB NOT NULL,
  stream INTEGER NOT NULL REFERENCES streams,
  dots BLOB NOT NULL,
  checksum INTEGER NOT NULL,
  PRIMARY KEY (stream, acker, acker_incarnation)
) STRICT, WITHOUT ROWID;
CREATE TABLE ended_ackers (
  acker BLOB NOT NULL,
  acker_incarnation BLOB NOT NULL,
  checksum INTEGER NOT NULL,
  PRIMARY KEY (acker, acker_incarnation)
) STRICT, WITHOUT ROWID;
)sql";

std::uint64_t sum_of(const Meta& meta) {
  Checksum sum(RowKind::kMeta);
  sum.add(meta.identity.node);
  sum.add(meta.identity.incarnation);
  sum.add(meta.opens);
  sum.add(meta.clock.bits);
  sum.add(ByteView(meta.obeyed));
  return sum.value();
}

std::uint64_t sum_of(const Incarnation& incarnation, const std::string& reason) {
  Checksum sum(RowKind::kIncarnation);
  sum.add(incarnation);
  sum.add(std::string_view(reason));
  return sum.value();
}

Status fill(Database& database, const Meta& meta, bool sync) {
  // 4 KiB: with blocks of 4 to 8 KB, a file of 1.14 times their size and 24 KB of log a commit; pages of 8
  // KiB gave 1.37 and 42 KB, those of 16 KiB 1.27 and 65 KB.
  if (Status status = database.run("PRAGMA page_size = 4096"); !status) return status;
  if (Status status = use_log(database); !status) return status;
  if (Status status = database.run(sync ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = OFF"); !status)
    return status;
  if (Status status = database.run("BEGIN IMMEDIATE"); !status) return status;
  if (Status status = database.run(kTables); !status) return status;
  const std::string ids = "PRAGMA application_id = " + std::to_string(kApplicationId) +
                          "; PRAGMA user_version = " + std::to_string(kSchemaVersion);
  if (Status status = database.run(ids.c_str()); !status) return status;
  if (Status status = write_meta(database, meta); !status) return status;
  if (Status status = note_incarnation(database, meta.identity.incarnation, "created"); !status)
    return status;
  if (Status status = database.run("COMMIT"); !status) return status;
  const Result<std::uint32_t> left = database.checkpoint(Database::Checkpoint::kTruncate);
  return left ? Status(Done{}) : Status(left.error());
}

Status check_application(Database& database, const std::string& path) {
  const Result<std::int64_t> application = database.integer("PRAGMA application_id");
  if (!application)
    return Error{application.error().code,
                 path + " cannot be read as a deltamesh store: " + application.error().text};
  if (*application == kApplicationId) return Done{};
  return Error{ErrorCode::kInvalid, path + " is a SQLite file of another application (id " +
                                        std::to_string(*application) + ", a deltamesh store has " +
                                        std::to_string(kApplicationId) + ")"};
}

Status check_version(Database& database, const std::string& path) {
  const Result<std::int64_t> version = database.integer("PRAGMA user_version");
  if (!version) return version.error();
  if (*version == kSchemaVersion) return Done{};
  return Error{ErrorCode::kUnsupported, path + " has store version " + std::to_string(*version) +
                                            ", this build knows up to " + std::to_string(kSchemaVersion) +
                                            "; it was left as it is"};
}

Status check_pages(Database& database, const std::string& path) {
  const Result<std::string> verdict = database.text("PRAGMA quick_check(1)");
  if (!verdict) return Error{ErrorCode::kCorrupt, path + " is damaged: " + verdict.error().text};
  if (*verdict == "ok") return Done{};
  return Error{ErrorCode::kCorrupt, path + " is damaged: " + *verdict};
}

}  // namespace

Status use_log(Database& database) {
  const Result<std::string> mode = database.text("PRAGMA journal_mode = WAL");
  if (!mode) return mode.error();
  if (*mode == "wal") return Done{};
  return Error{ErrorCode::kUnsupported,
               "a store needs SQLite's write-ahead log, and this file system or SQLite "
               "offers only journal mode '" +
                   *mode + "'"};
}

Status create_store(const std::string& path, const Meta& meta, bool sync, const std::string& vfs) {
  Result<Database> database = Database::create(path, vfs);
  if (!database) return database.error();
  Status status = fill(*database, meta, sync);
  if (!status)
    return Error{status.error().code, "cannot create a store at " + path + ": " + status.error().text};
  return status;
}

Status check_store(Database& database, const std::string& path, bool deep) {
  if (Status status = check_application(database, path); !status) return status;
  if (Status status = check_version(database, path); !status) return status;
  if (deep) return check_pages(database, path);
  return Done{};
}

Status check_tables(Database& database) {
  const auto definitions = [](Database& of) {
    return of.text(
        "SELECT group_concat(definition, ';') FROM (SELECT type || name || tbl_name || coalesce(sql, '') AS "
        "definition FROM sqlite_schema ORDER BY name)");
  };
  Result<Database> model = Database::create(":memory:");
  if (!model) return model.error();
  if (Status status = model->run(kTables); !status) return status;
  const Result<std::string> ours = definitions(*model), theirs = definitions(database);
  if (!ours) return ours.error();
  if (!theirs) return theirs.error();
  if (*ours == *theirs) return Done{};
  return Error{ErrorCode::kCorrupt, "they are not defined as in a store of this version"};
}

Result<Meta> read_meta(Database& database) {
  Result<Statement> query =
      database.prepare("SELECT node, incarnation, opens, clock, obeyed, checksum FROM meta WHERE id = 1");
  if (!query) return query.error();
  const Result<bool> row = query->step();
  if (!row) return row.error();
  if (!*row) return Error{ErrorCode::kCorrupt, "the store has no identity"};
  return read_meta_row(*query);
}

Result<Meta> read_meta_row(const Statement& row) {
  Meta meta;
  if (!row.id(0, meta.identity.node) || !row.id(1, meta.identity.incarnation))
    return Error{ErrorCode::kCorrupt, "the store has no identity"};
  meta.opens = row.bits(2);
  meta.clock = {row.bits(3)};
  const ByteView obeyed = row.bytes(4);
  meta.obeyed.assign(obeyed.begin(), obeyed.end());
  if (row.bits(5) != sum_of(meta))
    return Error{ErrorCode::kCorrupt, "the store's identity fails its checksum"};
  return meta;
}

Status write_meta(Database& database, const Meta& meta) {
  Result<Statement> insert = database.prepare(
      "INSERT OR REPLACE INTO meta (id, node, incarnation, opens, clock, obeyed, checksum) "
      "VALUES (1, ?, ?, ?, ?, ?, ?)");
  if (!insert) return insert.error();
  return insert
      ->bind(meta.identity.node, meta.identity.incarnation, meta.opens, meta.clock.bits,
             ByteView(meta.obeyed), sum_of(meta))
      .run();
}

Status note_incarnation(Database& database, const Incarnation& incarnation, const std::string& reason) {
  Result<Statement> insert =
      database.prepare("INSERT INTO incarnations (incarnation, reason, checksum) VALUES (?, ?, ?)");
  if (!insert) return insert.error();
  return insert->bind(incarnation, std::string_view(reason), sum_of(incarnation, reason)).run();
}

std::string select_incarnations() {
  return "SELECT incarnation, reason, checksum, number FROM incarnations";
}

Result<Incarnation> read_incarnation(const Statement& row) {
  Incarnation incarnation;
  if (row.id(0, incarnation) && row.bits(2) == sum_of(incarnation, row.text(1))) return incarnation;
  return Error{ErrorCode::kCorrupt, "incarnation " + std::to_string(row.integer(3)) + " fails its checksum"};
}

}  // namespace deltamesh::sqlite
