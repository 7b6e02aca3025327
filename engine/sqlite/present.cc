// engine/sqlite/present.cc - what an opening must be able to read, read.
#include "engine/sqlite/present.h"

#include "engine/sqlite/batch_writer.h"
#include "engine/sqlite/files.h"
#include "engine/sqlite/image.h"
#include "engine/sqlite/schema.h"

namespace deltamesh::sqlite {
namespace {

Result<PageUse> page_use(Database& database) {
  const Result<std::int64_t> bytes =
      database.integer("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size");
  const Result<std::int64_t> free =
      database.integer("SELECT freelist_count * page_size FROM pragma_freelist_count, pragma_page_size");
  if (!bytes || !free) return bytes ? free.error() : bytes.error();
  return PageUse{static_cast<std::uint64_t>(*bytes), static_cast<std::uint64_t>(*free)};
}

}  // namespace

Result<PageUse> check_present(const std::string& path, const std::string& vfs) {
  const Result<FileFacts> log = file_facts(path + "-wal");
  if (!log) return log.error();
  const bool logged = log->exists && log->size > 0;
  Result<Database> database =
      Database::open(path, logged ? Database::Access::kReadOnly : Database::Access::kImmutable, vfs);
  if (!database) return database.error();
  if (Status status = check_store(*database, path, true); !status) return status.error();
  const Result<BatchWriter> writer = BatchWriter::open(*database);  // Reads and verifies what a writer needs,
  if (!writer) return writer.error();
  const Result<StoreImage> image = read_image(*database);  // and what a node will ask for next.
  if (!image) return image.error();
  return page_use(*database);
}

}  // namespace deltamesh::sqlite
