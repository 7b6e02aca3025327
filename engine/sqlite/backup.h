// engine/sqlite/backup.h - a copy of a store that is whole, checked and alone in its file.
#pragma once

#include <string>

#include "crdt/result.h"

namespace deltamesh {

// Copies the store at `from`, also while a node runs on it, to a new file `to`; whatever happens, that is
// there whole and on the disk, or not at all (if its folder cannot be synced, it is there and that is an
// error). It holds one state of the store, packed. Refuses to write over a file, and to copy what check.h
// finds damaged: such a copy would be missed only when it is needed. kIo if a node is started on the store
// meanwhile. The copy may be put back at any time: a store that has issued other numbers since then begins a
// new incarnation (docs/decisions/0007). Needs as much room as the store takes; a node goes on meanwhile, and
// its log grows.
Status back_up(const std::string& from, const std::string& to);

}  // namespace deltamesh
