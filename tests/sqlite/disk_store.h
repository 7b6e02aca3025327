// tests/sqlite/disk_store.h - a store on a simulated disk, as all runs that lead it through several lives
// want it.
#pragma once

#include <string>

#include "engine/sqlite/sqlite_store.h"

namespace deltamesh {

// Small, so that a short run has reservations, checkpoints, and pages that do not fit into the cache.
SqliteOptions small_store(const std::string& path, const std::string& vfs, Fsync fsync);

// What SQLite's integrity check says against the database, in words; empty if nothing.
std::string page_damage(const std::string& path, const std::string& vfs);

}  // namespace deltamesh
