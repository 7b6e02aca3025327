// engine/sqlite/present.h - a store that lies there is looked at, whole, before anything of it is written.
#pragma once

#include <cstdint>
#include <string>

#include "crdt/result.h"

namespace deltamesh::sqlite {

// Bytes of all pages of a database, and of those that hold nothing.
struct PageUse {
  std::uint64_t bytes = 0;
  std::uint64_t free = 0;
};

// Through a connection that cannot write: pages, versions, and all rows that a node needs to start. Whoever
// may write to the store waits meanwhile. `vfs`: as in SqliteOptions.
Result<PageUse> check_present(const std::string& path, const std::string& vfs);

}  // namespace deltamesh::sqlite
