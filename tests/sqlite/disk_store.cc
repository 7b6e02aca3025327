// tests/sqlite/disk_store.cc - how small, and how sound.
#include "tests/sqlite/disk_store.h"

#include <filesystem>

#include "engine/sqlite/statement.h"

namespace deltamesh {

SqliteOptions small_store(const std::string& path, const std::string& vfs, Fsync fsync) {
  SqliteOptions options;
  options.path = path;
  options.vfs = vfs;
  options.memory_folder = std::filesystem::path(path).parent_path().string();
  options.fsync = fsync;
  options.log_pages_max = 8;
  options.log_excess = 2;
  options.cache_kib = 64;
  options.checkpoint_patience = std::chrono::milliseconds(0);
  options.space_retry_first = options.space_retry_last = std::chrono::milliseconds(1);
  return options;
}

std::string page_damage(const std::string& path, const std::string& vfs) {
  auto database = sqlite::Database::open(path, sqlite::Database::Access::kReadOnly, vfs);
  if (!database) return "the database cannot be opened: " + database.error().text;
  const auto verdict = database->text("PRAGMA integrity_check");
  if (!verdict) return "no integrity check: " + verdict.error().text;
  return *verdict == "ok" ? std::string() : "damaged: " + *verdict;
}

}  // namespace deltamesh
