// benchmarks/peers/copy_rows.cc - readings as rows of a table, and the copy of one such file to another.
//
// copy-rows fill FILE MESSAGES           makes the file from lines `SERIES,TIME,VALUE,...`
// copy-rows copy FROM TO full|off        copies 1,000 rows a transaction into a file that is made; says what
//                                        that took: seconds, CPU seconds, peak bytes of memory, bytes written
// copy-rows version                      says which SQLite this is
//
// A program of its own, so that what a copy uses is what its process uses.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>

#include "benchmarks/process_use.h"
#include "engine/sqlite/statement.h"

namespace {

using deltamesh::sqlite::Database;
using deltamesh::sqlite::Statement;
using Clock = std::chrono::steady_clock;

constexpr std::int64_t kRowsATransaction = 1'000;
constexpr const char* kTable =
    "PRAGMA journal_mode = WAL;"
    "CREATE TABLE readings(series INTEGER NOT NULL, time INTEGER NOT NULL, value REAL NOT NULL);"
    "CREATE INDEX readings_by_series ON readings(series, time);";

template <class T>
T got(deltamesh::Result<T> result) {
  if (!result) throw std::runtime_error(result.error().text);
  return std::move(*result);
}
void done(const deltamesh::Status& status) {
  if (!status) throw std::runtime_error(status.error().text);
}

// The next piece of `text` up to a comma, which is taken from it.
std::string_view piece(std::string_view& text) {
  const auto found = text.substr(0, text.find(','));
  text.remove_prefix(std::min(text.size(), found.size() + 1));
  return found;
}

void insert_message(Statement& insert, std::string_view line) {
  std::int64_t series = std::stoll(std::string(piece(line)));
  const std::int64_t time = std::stoll(std::string(piece(line)));
  for (; !line.empty(); ++series) {
    const std::string_view value = piece(line);
    if (!value.empty()) done(insert.bind(series, time, value).run());
  }
}

void fill(const std::string& file, const std::string& messages) {
  Database database = got(Database::create(file));
  done(database.run(kTable));
  done(database.run("PRAGMA synchronous = OFF; BEGIN"));
  Statement insert = got(database.prepare("INSERT INTO readings VALUES(?, ?, ?)"));
  std::ifstream lines(messages);
  for (std::string line; std::getline(lines, line);) insert_message(insert, line);
  done(database.run("COMMIT"));
  database.tidy_on_close();
}

void copy_all(Database& database, std::int64_t rows) {
  Statement copy = got(database.prepare(
      "INSERT INTO main.readings SELECT * FROM source.readings WHERE rowid > ? AND rowid <= ?"));
  for (std::int64_t copied = 0; copied < rows; copied += kRowsATransaction)
    done(copy.bind(copied, copied + kRowsATransaction).run());
}

void copy(const std::string& from, const std::string& to, const std::string& synchronous) {
  const auto begun = Clock::now();
  Database database = got(Database::create(to));
  done(database.run(kTable));
  done(database.run(("PRAGMA main.synchronous = " + synchronous).c_str()));
  done(got(database.prepare("ATTACH ? AS source")).bind(std::string_view(from)).run());
  const std::int64_t rows = got(database.integer("SELECT max(rowid) FROM source.readings"));
  copy_all(database, rows);
  const double seconds = std::chrono::duration<double>(Clock::now() - begun).count();
  const auto use = deltamesh::bench::process_use(getpid());
  if (got(database.integer("SELECT count(*) FROM main.readings")) != rows)
    throw std::runtime_error("not all rows were copied");
  database.tidy_on_close();
  std::cout << seconds << ' ' << use.cpu_seconds << ' ' << use.memory_peak_bytes << ' ' << use.disk_bytes
            << '\n';
}

void tell_version() {
  Database database = got(Database::create(":memory:"));
  std::cout << "SQLite " << got(database.text("SELECT sqlite_version()")) << '\n';
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  try {
    if (words.size() == 1 && words[0] == "version") return tell_version(), 0;
    if (words.size() == 3 && words[0] == "fill") return fill(words[1], words[2]), 0;
    if (words.size() == 4 && words[0] == "copy") return copy(words[1], words[2], words[3]), 0;
    std::cerr << "usage: copy-rows fill FILE MESSAGES | copy FROM TO full|off | version\n";
  } catch (const std::exception& error) {
    std::cerr << "copy-rows: " << error.what() << "\n";
  }
  return 1;
}
