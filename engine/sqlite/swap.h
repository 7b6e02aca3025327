// engine/sqlite/swap.h - a repaired store takes the place of the damaged one, which is kept.
//
// A database and its log are two files, and no rename moves both. So the new store stands beside the old one
// first, whole and durable, under a name that says so: from then on it counts, and whoever opens the store
// next puts it in its place before anything else.
#pragma once

#include <optional>
#include <string>

#include "crdt/result.h"

namespace deltamesh::sqlite {

// The name under which the new store for `path` waits.
std::string waiting_store(const std::string& path);

// If one waits, it takes the place; the old one is kept, with its log, as `path`.damaged, or with a number
// behind that. Returns the name under which it was kept; nullopt if none waits. Killed in between, it is gone
// through with the next time. The caller has the store's lock.
Result<std::optional<std::string>> finish_swap(const std::string& path);

}  // namespace deltamesh::sqlite
