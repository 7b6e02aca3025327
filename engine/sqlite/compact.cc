// engine/sqlite/compact.cc - log first, then the copy, then its name: each step leaves one whole store.
#include "engine/sqlite/compact.h"

#include <algorithm>

#include "engine/limits.h"
#include "engine/sqlite/files.h"
#include "engine/sqlite/schema.h"
#include "engine/sqlite/statement.h"

namespace deltamesh::sqlite {
namespace {

bool syncs(const SqliteOptions& options) {
  return options.fsync != Fsync::kOff;
}

Status use_as_writer(Database& database, const SqliteOptions& options) {
  const std::string sql = std::string("PRAGMA synchronous = ") + (syncs(options) ? "FULL" : "OFF") +
                          "; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -" +
                          std::to_string(options.cache_kib);
  return database.run(sql.c_str());
}

// The file alone is the store then; unless another program reads it, which keeps its log there.
Status write_log_back(const SqliteOptions& options) {
  Result<Database> database = Database::open(options.path, Database::Access::kReadWrite, options.vfs);
  if (!database) return database.error();
  database->busy_timeout(options.checkpoint_patience);
  if (Status status = use_as_writer(*database, options); !status) return status;
  if (Status status = use_log(*database); !status) return status;
  const Result<std::int64_t> read = database->integer("SELECT count(*) FROM meta");  // Opens the log.
  if (!read) return read.error();
  if (Status status = syncs(options) ? database->save_log() : Done{}; !status) return status;
  const Result<std::uint32_t> left = database->checkpoint(Database::Checkpoint::kTruncate);
  if (!left) return left.error();
  if (*left == 0) database->tidy_on_close();
  return Done{};
}

// None, not even an empty one: at the rename it would come to stand beside the new file.
Status require_alone(const std::string& path) {
  for (const char* side : kDatabaseFiles) {
    const Result<FileFacts> there = *side != 0 ? file_facts(path + side) : FileFacts{};
    if (!there) return there.error();
    if (there->exists) return Error{ErrorCode::kFull, path + side + " is in use"};
  }
  return Done{};
}

Status require_room(const std::string& path, std::uint64_t bytes) {
  const Result<std::uint64_t> room = free_bytes(path);
  if (!room) return room.error();
  if (*room >= bytes) return Done{};
  return Error{ErrorCode::kFull, "that takes " + std::to_string(bytes) + " bytes on the disk, which has " +
                                     std::to_string(*room)};
}

Status copy_live(const SqliteOptions& options, const std::string& part) {
  Result<Database> database = Database::open(options.path, Database::Access::kImmutable, options.vfs);
  if (!database) return database.error();
  if (Status status = use_as_writer(*database, options); !status) return status;
  Result<Statement> copying = database->prepare("VACUUM INTO ?");
  if (!copying) return copying.error();
  return copying->bind(std::string_view(part)).run();
}

// As create_store() leaves one: with a log from now on, and on the disk.
Status settle(const SqliteOptions& options, const std::string& part) {
  Result<Database> database = Database::open(part, Database::Access::kReadWrite, options.vfs);
  if (!database) return database.error();
  if (Status status = use_as_writer(*database, options); !status) return status;
  if (Status status = use_log(*database); !status) return status;
  database->tidy_on_close();
  return syncs(options) ? database->sync() : Status(Done{});
}

Status make_part(const SqliteOptions& options, const PageUse& use, const std::string& part) {
  if (Status status = remove_database(part); !status) return status;
  const std::uint64_t bytes = use.bytes - use.free;
  if (Status status = require_room(options.path, bytes + limits::kCompactRoomLeft); !status) return status;
  if (options.log)
    options.log(options.path + " is mostly free pages: the " + std::to_string(bytes) +
                " bytes that are none are written anew");
  // Until it has the owner and mode of the store nobody else may read it. Another VFS has files of its own.
  if (Status status = options.vfs.empty() ? create_private(part) : Done{}; !status) return status;
  if (Status status = copy_live(options, part); !status) return status;
  if (Status status = settle(options, part); !status) return status;
  if (Status status = require_alone(part); !status) return status;
  copy_owner(options.path, part);
  const Result<PageUse> found = check_present(part, options.vfs);
  return found ? Status(Done{}) : Status(found.error());
}

Status make_copy(const SqliteOptions& options, const PageUse& use, const std::string& part) {
  if (Status status = require_alone(options.path); !status) return status;
  const Result<StandingStore> before = StandingStore::at(options.path);
  if (!before) return before.error();
  if (Status status = make_part(options, use, part); !status) return status;
  // A log whose removal a power cut takes back would be replayed into the new file.
  if (Status status = syncs(options) ? sync_folder(options.path) : Done{}; !status) return status;
  if (Status status = require_alone(options.path); !status) return status;
  return before->check(options.path);
}

// Nothing but room is missing, or another program is in the way: the store itself is well.
bool is_harmless(const Error& error) {
  return error.code == ErrorCode::kFull;
}

std::uint64_t not_done(const SqliteOptions& options, const Error& why) {
  static_cast<void>(remove_part(options.path));
  if (options.log) options.log(options.path + " is mostly free pages and was left as it is: " + why.text);
  return 0;
}

}  // namespace

std::string compacted_part(const std::string& path) {
  return path + ".compact";
}

Status remove_part(const std::string& path) {
  for (const char* side : kDatabaseFiles) {
    const std::string name = compacted_part(path) + side;
    const Result<FileFacts> facts = file_facts(name);
    if (!facts) return facts.error();
    if (Status status = facts->exists ? remove_file(name) : Done{}; !status) return status;
  }
  return Done{};
}

bool compacting_pays(const PageUse& use, const SqliteOptions& options) {
  return use.free >= options.free_bytes_min && use.free > use.bytes / limits::kCompactShare;
}

Result<std::uint64_t> compact(const SqliteOptions& options, const PageUse& use) {
  if (!compacting_pays(use, options)) return std::uint64_t{0};
  const std::string& path = options.path;
  const std::string part = compacted_part(path);
  const bool alone = require_alone(path).ok();
  if (Status status = alone ? Done{} : write_log_back(options); !status)
    return is_harmless(status.error()) ? Result<std::uint64_t>(not_done(options, status.error()))
                                       : status.error();
  if (Status status = make_copy(options, use, part); !status) return not_done(options, status.error());
  const Result<FileFacts> before = file_facts(path), after = file_facts(part);
  if (!before || !after) return not_done(options, before ? after.error() : before.error());
  if (Status status = rename_file(part, path, false); !status) return not_done(options, status.error());
  if (Status status = syncs(options) ? sync_folder(path) : Done{}; !status) return status.error();
  return before->size - std::min(before->size, after->size);
}

}  // namespace deltamesh::sqlite
