// engine/sqlite/opening.h - from a path to a store that may be written: lock, look, give room back, compare,
// begin.
//
// Nothing of the store is written before all of it was found good: a file that is refused stays as it is,
// byte for byte. (The lock file beside it is made first.)
#pragma once

#include <memory>

#include "engine/sqlite/batch_writer.h"
#include "engine/sqlite/file_system_probe.h"
#include "engine/sqlite/files.h"
#include "engine/sqlite/sqlite_options.h"
#include "engine/sqlite/witness.h"

namespace deltamesh::sqlite {

struct OpenStore {
  LockFile lock;
  std::unique_ptr<Database> database;  // At a fixed address: the writer points to it.
  BatchWriter writer;
  Witness witness;
  FileSystemProbe probe;
  Opened opened;
};

Result<OpenStore> open_store(const SqliteOptions& options);

}  // namespace deltamesh::sqlite
