// engine/sqlite/page_file.h - the pages of a database as its last commit left them, read without SQLite.
//
// SQLite gives up where pages contradict each other, and opens nothing without a first page. Here a page is
// bytes; what on it can be believed, its reader finds out (raw_rows.h).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "crdt/result.h"
#include "engine/sqlite/files.h"

namespace deltamesh::sqlite {

class PageFile {
 public:
  // Of every store (schema.cc), whatever a damaged first page says.
  static constexpr std::size_t kPageBytes = 4096;
  using Page = std::array<std::byte, kPageBytes>;

  // The database at `path`, and what its log has committed. Nobody may write to either meanwhile.
  static Result<PageFile> open(const std::string& path);

  // Pages are counted from 1. False if there is no such page, or the disk does not give it.
  [[nodiscard]] bool read(std::uint32_t number, Page& page) const;
  [[nodiscard]] std::uint32_t count() const { return count_; }
  // False if the log goes on behind its last whole commit: then a later one may be lost, and what of it had
  // reached the database already stands beside older pages.
  [[nodiscard]] bool log_ends() const { return log_ends_; }

 private:
  explicit PageFile(SourceFile database) : database_(std::move(database)) {}
  void take_log(SourceFile log);

  SourceFile database_;
  std::optional<SourceFile> log_;
  std::map<std::uint32_t, std::uint64_t> logged_;  // Pages that the log has, and where in it.
  std::uint32_t count_ = 0;
  bool log_ends_ = true;
};

}  // namespace deltamesh::sqlite
