// engine/sqlite/swap.cc - log first, database last: where it stops is seen by what is still there.
#include "engine/sqlite/swap.h"

#include "engine/sqlite/files.h"

namespace deltamesh::sqlite {
namespace {

Result<bool> exists(const std::string& path) {
  const Result<FileFacts> facts = file_facts(path);
  return facts ? Result<bool>(facts->exists) : facts.error();
}

// A name under which there is no database; nor a log, unless that went ahead when the last attempt ended.
Result<std::string> kept_name(const std::string& path, bool logged) {
  std::string name = path + ".damaged";
  for (int number = 2;; ++number) {
    const Result<bool> database = exists(name), log = exists(name + "-wal");
    if (!database || !log) return database ? log.error() : database.error();
    if (!*database && !(*log && logged)) return name;
    name = path + ".damaged." + std::to_string(number);
  }
}

Status move_if_there(const std::string& from, const std::string& to) {
  const Result<bool> there = exists(from);
  if (!there) return there.error();
  return *there ? rename_file(from, to, true) : Status(Done{});
}

}  // namespace

std::string waiting_store(const std::string& path) {
  return path + ".repaired";
}

Result<std::optional<std::string>> finish_swap(const std::string& path) {
  const std::string fresh = waiting_store(path);
  const Result<bool> waits = exists(fresh), logged = exists(path + "-wal");
  if (!waits || !logged) return waits ? logged.error() : waits.error();
  if (!*waits) return std::optional<std::string>();
  const Result<std::string> kept = kept_name(path, *logged);
  if (!kept) return kept.error();
  Status status = move_if_there(path + "-wal", *kept + "-wal");
  if (status) status = remove_file(path + "-shm");
  if (status) status = move_if_there(path + "-journal", *kept + "-journal");
  if (status) status = move_if_there(path, *kept);
  if (status) status = rename_file(fresh, path, true);
  if (!status) return status.error();
  return std::optional(*kept);
}

}  // namespace deltamesh::sqlite
