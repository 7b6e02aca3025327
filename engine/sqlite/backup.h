// engine/sqlite/backup.h - a copy of a store that is whole, checked and alone in its file.
#pragma once

#include <string>

#include "crdt/result.h"

namespace deltamesh {

// Copies the store at `from`, also while a node runs on it, to a new file `to`; whatever happens, that is
// there whole and on the disk, or not at all. It holds one state of the store, packed. Refuses to write over
// a file, and to make a copy of what is damaged (check.h): such a copy would be missed only when it is
// needed. A node that starts on the copy begins a new incarnation (docs/decisions/0007), so it may be put
// back at any time. Needs as much room as the store takes; the node goes on meanwhile, and its log grows.
Status back_up(const std::string& from, const std::string& to);

}  // namespace deltamesh
