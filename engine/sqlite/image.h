// engine/sqlite/image.h - reads and verifies all that a node needs to start.
#pragma once

#include <utility>
#include <vector>

#include "engine/sqlite/statement.h"
#include "engine/store.h"

namespace deltamesh::sqlite {

// Every row of `query`, each as `read` returns it.
template <class Value, class Read>
Result<std::vector<Value>> collect(Result<Statement> query, Read read) {
  if (!query) return query.error();
  std::vector<Value> found;
  for (;;) {
    const Result<bool> row = query->step();
    if (!row) return row.error();
    if (!*row) return found;
    Result<Value> value = read(*query);
    if (!value) return value.error();
    found.push_back(std::move(*value));
  }
}

// Of one state of the store if a transaction is open. Blocks are not looked at.
Result<StoreImage> read_image(Database& database);

}  // namespace deltamesh::sqlite
