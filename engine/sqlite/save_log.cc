// engine/sqlite/save_log.cc - the log of a former run, written once more.
//
// After a failed fsync Linux takes what it could not write for written: reads find it in the cache, no later
// sync writes it, and a power cut takes it away from under all that was committed behind it, which is then
// lost too although its own syncs succeeded. Pages that were written again are dirty again, and the sync that
// follows counts for them. (The database file needs none of this: its pages are written from the log again.)
#include <sqlite3.h>

#include <algorithm>
#include <vector>

#include "engine/sqlite/statement.h"

namespace deltamesh::sqlite {
namespace {

constexpr sqlite3_int64 kChunkBytes = 64 * 1024;

int write_again(sqlite3_file* file) {
  sqlite3_int64 size = 0;
  if (const int code = file->pMethods->xFileSize(file, &size); code != SQLITE_OK) return code;
  std::vector<char> chunk(static_cast<std::size_t>(std::min(size, kChunkBytes)));
  for (sqlite3_int64 at = 0; at < size; at += kChunkBytes) {
    const int bytes = static_cast<int>(std::min(size - at, kChunkBytes));
    if (const int code = file->pMethods->xRead(file, chunk.data(), bytes, at); code != SQLITE_OK) return code;
    if (const int code = file->pMethods->xWrite(file, chunk.data(), bytes, at); code != SQLITE_OK)
      return code;
  }
  return size > 0 ? file->pMethods->xSync(file, SQLITE_SYNC_NORMAL) : SQLITE_OK;
}

}  // namespace

Status Database::save_log() {
  sqlite3_file* log = nullptr;
  int code = sqlite3_file_control(handle_.get(), "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
  if (code == SQLITE_OK && log != nullptr && log->pMethods != nullptr) code = write_again(log);
  if (code == SQLITE_OK) return Done{};
  const bool full = (code & 0xff) == SQLITE_FULL;
  return Error{full ? ErrorCode::kFull : ErrorCode::kIo,
               std::string("the log of the last run cannot be made durable: ") + sqlite3_errstr(code)};
}

Status Database::sync() {
  sqlite3_file* file = nullptr;
  int code = sqlite3_file_control(handle_.get(), "main", SQLITE_FCNTL_FILE_POINTER, &file);
  if (code == SQLITE_OK && (file == nullptr || file->pMethods == nullptr)) code = SQLITE_IOERR_FSYNC;
  if (code == SQLITE_OK) code = file->pMethods->xSync(file, SQLITE_SYNC_NORMAL);
  if (code == SQLITE_OK) return Done{};
  return Error{ErrorCode::kIo, std::string("a database cannot be made durable: ") + sqlite3_errstr(code)};
}

}  // namespace deltamesh::sqlite
