// engine/sqlite/statement.h - SQLite's handles as owned values: a connection and its prepared statements.
//
// The only place (with statement.cc and save_log.cc) that calls SQLite. Types are bound and read as what they
// are, and every outcome is a Result whose text names the file. A Database and its statements belong to one
// thread at a time; statements must be gone before their Database.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "crdt/dot.h"
#include "crdt/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace deltamesh::sqlite {

// Of any type. Views last as long as what they show.
using AnyValue = std::variant<std::nullptr_t, std::int64_t, std::string_view, ByteView>;

// Text as a blob of the same bytes.
inline ByteView bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

class Statement {
 public:
  // Binds parameters 1, 2, ... and makes the statement ready to run again. Bytes and text are not copied:
  // they must stay until the last step.
  template <class... Values>
  Statement& bind(const Values&... values) {
    reset();
    int index = 0;
    (bind_one(++index, values), ...);
    return *this;
  }

  // The same for as many parameters as there are values, which are not copied either.
  Statement& bind_all(std::span<const AnyValue> values);

  // One more row? Errors of bind() come out here.
  Result<bool> step();
  // Steps to the end and resets; for statements that return nothing.
  Status run();
  void reset();

  // The columns of the current row. Views last until the next step.
  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] std::uint64_t bits(int column) const { return static_cast<std::uint64_t>(integer(column)); }
  [[nodiscard]] bool is_null(int column) const;
  [[nodiscard]] ByteView bytes(int column) const;
  [[nodiscard]] std::string text(int column) const;
  // False, leaving `id` as it is, unless the column holds 16 bytes.
  template <class Tag>
  [[nodiscard]] bool id(int column, Id128<Tag>& id) const {
    return copy_id(column, id.bytes);
  }

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}

  void bind_one(int index, std::int64_t value);
  void bind_one(int index, std::uint64_t value) { bind_one(index, static_cast<std::int64_t>(value)); }
  void bind_one(int index, std::uint32_t value) { bind_one(index, static_cast<std::int64_t>(value)); }
  void bind_one(int index, bool value) { bind_one(index, static_cast<std::int64_t>(value)); }
  void bind_one(int index, std::nullptr_t);
  void bind_one(int index, std::optional<std::int64_t> value) {
    value ? bind_one(index, *value) : bind_one(index, nullptr);
  }
  void bind_one(int index, ByteView value);
  void bind_one(int index, std::string_view value);
  template <class Tag>
  void bind_one(int index, const Id128<Tag>& id) {
    bind_one(index, std::as_bytes(std::span(id.bytes)));
  }
  [[nodiscard]] bool copy_id(int column, std::array<std::uint8_t, 16>& to) const;
  void note(int code) { bind_error_ = bind_error_ != 0 ? bind_error_ : code; }

  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  int bind_error_ = 0;
};

class Database {
 public:
  enum class Access {
    kReadWrite,
    kReadOnly,
    kImmutable,  // Read-only, and nobody writes: works without side files, in a folder that cannot be
                 // written.
  };
  // Opens a file that exists. Closing does not checkpoint, unless tidy_on_close() was called.
  // `vfs`: SqliteOptions::vfs.
  static Result<Database> open(const std::string& path, Access access, const std::string& vfs = {});
  // To read what is there: beside a log, with the locks that this needs; a file alone also where nothing can
  // be written. kNotFound if there is no file.
  static Result<Database> open_found(const std::string& path);
  static Result<Database> create(const std::string& path, const std::string& vfs = {});

  // Runs statements that return nothing of interest.
  Status run(const char* sql);
  Result<Statement> prepare(std::string_view sql);
  // The first column of the first row.
  Result<std::int64_t> integer(std::string_view sql);
  Result<std::string> text(std::string_view sql);

  [[nodiscard]] std::int64_t last_row() const;
  [[nodiscard]] bool in_transaction() const;
  // SQLite met damage in the file itself; nothing more should be written.
  [[nodiscard]] bool damaged() const;
  void busy_timeout(std::chrono::milliseconds patience);
  // If this is the last connection when it closes, SQLite writes the log back and removes the side files.
  void tidy_on_close();

  // Makes durable what the log holds, however it came there: before anything is committed on top of what
  // another run left. This connection has read, and nobody else writes.
  Status save_log();

  // Makes the database file durable as it is, with all that anybody has written to it.
  Status sync();

  // Writes the log back into the database file: kPassive as far as readers allow; kTruncate waits for them
  // (up to the busy timeout) and empties the log. Returns the pages that are in the log still.
  enum class Checkpoint { kPassive, kTruncate };
  Result<std::uint32_t> checkpoint(Checkpoint mode);
  // Of a database that is being made: commits, and keeps the log short.
  Status commit_and_write_back();
  // How many pages the log held after the latest commit of this connection.
  [[nodiscard]] std::uint32_t log_pages() const { return *log_pages_; }

 private:
  struct Close {
    void operator()(sqlite3* handle) const;
  };
  static Result<Database> open_flags(const std::string& path, const std::string& name, int flags,
                                     const std::string& vfs);
  explicit Database(sqlite3* handle);

  std::unique_ptr<std::uint32_t> log_pages_;  // At a fixed address: SQLite's hook writes there.
  std::unique_ptr<sqlite3, Close> handle_;
};

}  // namespace deltamesh::sqlite
