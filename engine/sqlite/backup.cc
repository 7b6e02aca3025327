// engine/sqlite/backup.cc - SQLite makes the copy; here it is checked and put in its place.
#include "engine/sqlite/backup.h"

#include "engine/sqlite/check.h"
#include "engine/sqlite/files.h"
#include "engine/sqlite/sqlite_reader.h"

namespace deltamesh {
namespace {

using namespace sqlite;

// What was checked is a store; so is what comes out, or it is refused.
Status copy(const std::string& from, const std::string& to) {
  const auto before = StandingStore::at(from);
  if (!before) return before.error();
  Result<Database> database = Database::open_found(from);
  if (!database) return database.error();
  database->busy_timeout(kReaderPatience);
  Result<Statement> copying = database->prepare("VACUUM INTO ?");
  if (!copying) return copying.error();
  if (Status status = copying->bind(std::string_view(to)).run(); !status) return status;
  return before->check(from);
}

}  // namespace

Status back_up(const std::string& from, const std::string& to) {
  if (Status status = require_no_database(to); !status) return status;
  const std::string part = to + ".part";
  if (Status status = remove_database(part); !status) return status;
  Status status = require_sound(from);
  if (status) status = copy(from, part);
  if (status) status = require_sound(part);
  if (status) status = sync_file(part);
  if (status) status = rename_new(part, to);
  if (!status) static_cast<void>(remove_database(part));
  return status;
}

}  // namespace deltamesh
