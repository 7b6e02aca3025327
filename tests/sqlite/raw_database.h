// tests/sqlite/raw_database.h - SQLite without the store: to spoil a file, or to make one of another kind.
#pragma once

#include <sqlite3.h>

#include <catch2/catch.hpp>
#include <string>

namespace deltamesh {

// Runs `sql` on the file. `keep_log`: what changed stays in the log, as after a crash.
inline void run_raw(const std::string& path, const std::string& sql, bool keep_log = false) {
  sqlite3* database = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &database) == SQLITE_OK);
  if (keep_log) sqlite3_db_config(database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  const int code = sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr);
  const std::string message = sqlite3_errmsg(database);
  sqlite3_close(database);
  INFO(message);
  REQUIRE(code == SQLITE_OK);
}

}  // namespace deltamesh
