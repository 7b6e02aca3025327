// engine/sqlite/compact.h - a store that is mostly free pages is written anew without them.
//
// SQLite fills pages that became free and never gives them back to the disk. So a store that has more of them
// than it will soon fill is copied at its opening, and the copy takes its place: the old file is whole until
// the new one is whole and durable, and the log is gone before, as SQLite would take it for that of the new
// file. Nothing in it changes but the place of its pages. docs/decisions/0013 has the reasons.
#pragma once

#include <cstdint>
#include <string>

#include "engine/sqlite/present.h"
#include "engine/sqlite/sqlite_options.h"

namespace deltamesh::sqlite {

// The name under which the copy of the store at `path` is made. It counts for nothing.
std::string compacted_part(const std::string& path);

// Removes what is left of a copy whose making was interrupted.
Status remove_part(const std::string& path);

// More than half of the file is free, and so much that writing the rest pays.
[[nodiscard]] bool compacting_pays(const PageUse& use, const SqliteOptions& options);

// Returns by how many bytes the file is smaller; 0 if it does not pay or could not be done, which options.log
// is told: then the store is as it was. An error: the disk failed under the store itself, which must not be
// opened now. The caller has the store's lock and no connection to it, and check_present() has said `use`.
Result<std::uint64_t> compact(const SqliteOptions& options, const PageUse& use);

}  // namespace deltamesh::sqlite
