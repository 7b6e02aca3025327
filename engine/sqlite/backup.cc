// engine/sqlite/backup.cc - SQLite makes the copy; here it is checked and put in its place.
#include "engine/sqlite/backup.h"

#include "engine/sqlite/check.h"
#include "engine/sqlite/files.h"
#include "engine/sqlite/schema.h"
#include "engine/sqlite/sqlite_reader.h"

namespace deltamesh {
namespace {

using namespace sqlite;

Status copy(const std::string& from, const std::string& to) {
  Result<Database> database = Database::open_found(from);
  if (!database) return database.error();
  database->busy_timeout(kReaderPatience);
  if (Status status = check_store(*database, from, false); !status) return status;
  Result<Statement> copying = database->prepare("VACUUM INTO ?");
  if (!copying) return copying.error();
  return copying->bind(std::string_view(to)).run();
}

// Pages that SQLite copies are not looked into; rows that cannot be trusted would be handed on.
Status require_sound(const std::string& from, const std::string& copied) {
  const Result<CheckReport> report = check_contents(copied);
  if (!report) return report.error();
  if (report->found == 0) return Done{};
  return Error{ErrorCode::kCorrupt, from + " is damaged: " + report->findings[0] +
                                        (report->found > 1 ? " (crdt-dump check says more)" : "")};
}

}  // namespace

Status back_up(const std::string& from, const std::string& to) {
  const Result<FileFacts> there = file_facts(to);
  if (!there) return there.error();
  if (there->exists) return Error{ErrorCode::kInvalid, to + " exists, and nothing is written over"};
  const std::string part = to + ".part";
  if (Status status = remove_file(part); !status) return status;
  Status status = copy(from, part);
  if (status) status = require_sound(from, part);
  if (status) status = sync_file(part);
  if (status) status = rename_file(part, to, true);
  if (!status) static_cast<void>(remove_file(part));
  return status;
}

}  // namespace deltamesh
