// engine/sqlite/image.h - reads and verifies all that a node needs to start.
#pragma once

#include <utility>
#include <vector>

#include "engine/sqlite/rows.h"
#include "engine/store.h"

namespace deltamesh::sqlite {

// Of one state of the store if a transaction is open. Blocks are not looked at.
Result<StoreImage> read_image(Database& database);

}  // namespace deltamesh::sqlite
