// engine/sqlite/statement.cc - calls into SQLite.
#include "engine/sqlite/statement.h"

#include <sqlite3.h>

#include <cerrno>
#include <cstring>

#include "engine/sqlite/files.h"

namespace deltamesh::sqlite {
namespace {

// The shared-memory index is extended by plain writes, so a full disk may come as an I/O error; a failed
// fsync is never harmless, whatever the system says about it.
bool is_lack_of_space(sqlite3* handle, int code) {
  if ((code & 0xff) == SQLITE_FULL) return true;
  if ((code & 0xff) != SQLITE_IOERR || code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC)
    return false;
  const int system = handle != nullptr ? sqlite3_system_errno(handle) : 0;
  return code == SQLITE_IOERR_SHMSIZE || system == ENOSPC || system == EDQUOT;
}

ErrorCode error_code(sqlite3* handle, int code) {
  if (is_lack_of_space(handle, code)) return ErrorCode::kFull;
  switch (code & 0xff) {
    case SQLITE_BUSY:    // Somebody else's tool is writing to the file.
    case SQLITE_LOCKED:  // Waiting helps with these as it does with space.
    case SQLITE_NOMEM: return ErrorCode::kFull;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return ErrorCode::kCorrupt;
    case SQLITE_TOOBIG: return ErrorCode::kLimit;
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_ERROR: return ErrorCode::kInvalid;
    default: return ErrorCode::kIo;
  }
}

Error error_of(sqlite3* handle, int code) {
  const char* path = handle != nullptr ? sqlite3_db_filename(handle, "main") : nullptr;
  std::string text = path != nullptr ? std::string(path) + ": " : std::string();
  text += sqlite3_errstr(code);
  if (handle != nullptr && sqlite3_extended_errcode(handle) == code)
    text += std::string(" (") + sqlite3_errmsg(handle) + ")";
  return {error_code(handle, code), text};
}

// `path` as a file: URI; '?', '#' and '%' would end it or start an escape.
std::string immutable_uri(const std::string& path) {
  std::string uri = "file:";
  for (const char c : path) {
    if (c == '?')
      uri += "%3f";
    else if (c == '#')
      uri += "%23";
    else if (c == '%')
      uri += "%25";
    else
      uri += c;
  }
  return uri + "?immutable=1";
}

int note_log_pages(void* pages, sqlite3*, const char*, int count) {
  *static_cast<std::uint32_t*>(pages) = static_cast<std::uint32_t>(count);
  return SQLITE_OK;
}

// A view that is never null, since SQLite would bind null for it.
const char* data_of(std::string_view text) {
  return text.data() != nullptr ? text.data() : "";
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

void Statement::reset() {
  sqlite3_reset(statement_.get());
  bind_error_ = SQLITE_OK;
}

void Statement::bind_one(int index, std::int64_t value) {
  note(sqlite3_bind_int64(statement_.get(), index, value));
}

void Statement::bind_one(int index, std::nullptr_t) {
  note(sqlite3_bind_null(statement_.get(), index));
}

void Statement::bind_one(int index, ByteView value) {
  const void* data = value.data() != nullptr ? static_cast<const void*>(value.data()) : "";
  note(sqlite3_bind_blob64(statement_.get(), index, data, value.size(), SQLITE_STATIC));
}

void Statement::bind_one(int index, std::string_view value) {
  note(
      sqlite3_bind_text64(statement_.get(), index, data_of(value), value.size(), SQLITE_STATIC, SQLITE_UTF8));
}

Statement& Statement::bind_all(std::span<const AnyValue> values) {
  reset();
  int index = 0;
  for (const AnyValue& value : values)
    std::visit([this, at = ++index](const auto& one) { bind_one(at, one); }, value);
  return *this;
}

Result<bool> Statement::step() {
  sqlite3* handle = sqlite3_db_handle(statement_.get());
  if (bind_error_ != SQLITE_OK) return error_of(handle, bind_error_);
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  Error error = error_of(handle, sqlite3_extended_errcode(handle));
  sqlite3_reset(statement_.get());
  return error;
}

Status Statement::run() {
  for (;;) {
    const Result<bool> row = step();
    if (!row) return row.error();
    if (!*row) break;
  }
  reset();
  return Done{};
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

ByteView Statement::bytes(int column) const {
  const void* data = sqlite3_column_blob(statement_.get(), column);  // Before the size, as SQLite asks.
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return data == nullptr ? ByteView()
                         : ByteView(static_cast<const std::byte*>(data), static_cast<std::size_t>(size));
}

std::string Statement::text(int column) const {
  const ByteView view = bytes(column);
  return {reinterpret_cast<const char*>(view.data()), view.size()};
}

bool Statement::copy_id(int column, std::array<std::uint8_t, 16>& to) const {
  const ByteView view = bytes(column);
  if (view.size() != to.size()) return false;
  std::memcpy(to.data(), view.data(), to.size());
  return true;
}

void Database::Close::operator()(sqlite3* handle) const {
  sqlite3_close_v2(handle);
}

Database::Database(sqlite3* handle) : log_pages_(std::make_unique<std::uint32_t>(0)), handle_(handle) {
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  sqlite3_wal_hook(handle, note_log_pages, log_pages_.get());  // Replaces automatic checkpoints.
}

Result<Database> Database::open_flags(const std::string& path, const std::string& name, int flags,
                                      const std::string& vfs) {
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(name.c_str(), &handle, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
                                   vfs.empty() ? nullptr : vfs.c_str());
  if (code == SQLITE_OK) return Database(handle);
  Error error = error_of(handle, code);
  sqlite3_close(handle);
  error.text = "cannot open " + path + ": " + error.text;
  return error;
}

Result<Database> Database::open(const std::string& path, Access access, const std::string& vfs) {
  switch (access) {
    case Access::kReadWrite: return open_flags(path, path, SQLITE_OPEN_READWRITE, vfs);
    case Access::kReadOnly: return open_flags(path, path, SQLITE_OPEN_READONLY, vfs);
    case Access::kImmutable:
      return open_flags(path, immutable_uri(path), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, vfs);
  }
  return Error{ErrorCode::kInvalid, "an unknown kind of access"};
}

Result<Database> Database::open_found(const std::string& path) {
  const Result<StandingStore> store = StandingStore::at(path);
  if (!store) return store.error();
  if (!store->exists()) return Error{ErrorCode::kNotFound, path + " does not exist"};
  return open(path, store->logged() ? Access::kReadOnly : Access::kImmutable);
}

Result<Database> Database::create(const std::string& path, const std::string& vfs) {
  return open_flags(path, path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, vfs);
}

Status Database::run(const char* sql) {
  const int code = sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return error_of(handle_.get(), code);
  return Done{};
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code =
      sqlite3_prepare_v2(handle_.get(), sql.data(), static_cast<int>(sql.size()), &statement, nullptr);
  if (code != SQLITE_OK) return error_of(handle_.get(), code);
  return Statement(statement);
}

Result<std::int64_t> Database::integer(std::string_view sql) {
  Result<Statement> statement = prepare(sql);
  if (!statement) return statement.error();
  const Result<bool> row = statement->step();
  if (!row) return row.error();
  return *row ? statement->integer(0) : 0;
}

Result<std::string> Database::text(std::string_view sql) {
  Result<Statement> statement = prepare(sql);
  if (!statement) return statement.error();
  const Result<bool> row = statement->step();
  if (!row) return row.error();
  return *row ? statement->text(0) : std::string();
}

std::int64_t Database::last_row() const {
  return sqlite3_last_insert_rowid(handle_.get());
}

bool Database::in_transaction() const {
  return sqlite3_get_autocommit(handle_.get()) == 0;
}

bool Database::damaged() const {
  const int code = sqlite3_errcode(handle_.get()) & 0xff;
  return code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
}

void Database::busy_timeout(std::chrono::milliseconds patience) {
  sqlite3_busy_timeout(handle_.get(), static_cast<int>(patience.count()));
}

void Database::tidy_on_close() {
  sqlite3_db_config(handle_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
}

Result<std::uint32_t> Database::checkpoint(Checkpoint mode) {
  int pages = 0, done = 0;
  const int how = mode == Checkpoint::kPassive ? SQLITE_CHECKPOINT_PASSIVE : SQLITE_CHECKPOINT_TRUNCATE;
  const int code = sqlite3_wal_checkpoint_v2(handle_.get(), nullptr, how, &pages, &done);
  // Busy: a reader still needs a part of the log; what could be written back has been.
  if (code != SQLITE_OK && (code & 0xff) != SQLITE_BUSY) return error_of(handle_.get(), code);
  return static_cast<std::uint32_t>(pages > done ? pages - done : 0);
}

Status Database::commit_and_write_back() {
  if (Status status = run("COMMIT"); !status) return status;
  const auto left = checkpoint(Checkpoint::kTruncate);
  return left ? Status(Done{}) : Status(left.error());
}

}  // namespace deltamesh::sqlite
