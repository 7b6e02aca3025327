// tests/sqlite/pages.h - the pages of a store's file, by kind, and bits on them to be flipped.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/crdt/random.h"
#include "tests/sqlite/raw_database.h"
#include "tests/sqlite/sqlite_fixture.h"

namespace deltamesh {

inline constexpr std::size_t kPage = 4096;

// By the first byte: overflow, interior of index and table, their leaves; and 1 for the first page.
inline constexpr std::array<int, 6> kPageKinds{0, 1, 2, 5, 10, 13};

// Without free space in pages: every byte behind the place where a page's cells begin means something.
inline void pack(const std::string& path) {
  run_raw(path, "PRAGMA journal_mode = DELETE; VACUUM");
}

// Where the tree of a table, or of an index, begins.
inline std::size_t root_page(const std::string& path, const std::string& name) {
  sqlite3* database = nullptr;
  sqlite3_stmt* query = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &database) == SQLITE_OK);
  const std::string sql = "SELECT rootpage - 1 FROM sqlite_schema WHERE name = '" + name + "'";
  REQUIRE(sqlite3_prepare_v2(database, sql.c_str(), -1, &query, nullptr) == SQLITE_OK);
  REQUIRE(sqlite3_step(query) == SQLITE_ROW);
  const auto page = static_cast<std::size_t>(sqlite3_column_int(query, 0));
  sqlite3_finalize(query);
  sqlite3_close(database);
  return page;
}

inline void overwrite_page(const std::string& path, std::size_t page, char byte) {
  std::string file = slurp(path);
  file.replace(page * kPage, kPage, kPage, byte);
  spill(path, file);
}

inline int kind_of(const std::string& file, std::size_t page) {
  return page == 0 ? 1 : static_cast<std::uint8_t>(file[page * kPage]);
}

// Where page `number` has contents: from, and how many bytes.
inline std::pair<std::size_t, std::size_t> contents_of(const std::string& file, std::size_t number) {
  const std::size_t page = number * kPage, head = page + (number == 0 ? 100 : 0);
  const auto byte = [&file](std::size_t at) { return static_cast<std::uint8_t>(file[at]); };
  if (byte(page) == 0) return {page + 4, 200};  // An overflow page; the last one of a row need not be full.
  const std::size_t cells = std::size_t{byte(head + 5)} << 8 | byte(head + 6);
  const bool interior = byte(head) == 2 || byte(head) == 5;
  if (interior && cells == kPage) return {head + 8, 4};  // It has no cells, but the number of a page below.
  return {page + cells, kPage - cells};
}

struct FlippedBit {
  std::size_t page = 0;
  int kind = 0;
  std::size_t at = 0;  // In the file.
  int bit = 0;
};

inline std::string flipped(std::string file, const FlippedBit& flip) {
  file[flip.at] = static_cast<char>(file[flip.at] ^ (1 << flip.bit));
  return file;
}

// So many pages of each kind, spread over the file, and so many bits on each.
inline std::vector<FlippedBit> flips_of_each_kind(const std::string& file, Random& random, std::size_t pages,
                                                  int bits) {
  std::map<int, std::vector<std::size_t>> by_kind;
  for (std::size_t page = 0; page < file.size() / kPage; ++page) {
    if (contents_of(file, page).second > 0) by_kind[kind_of(file, page)].push_back(page);
  }
  std::vector<FlippedBit> flips;
  for (const auto& [kind, all] : by_kind) {
    const std::size_t step = std::max<std::size_t>(1, all.size() / std::min(all.size(), pages));
    for (std::size_t i = 0; i < all.size(); i += step) {
      for (int bit = 0; bit < bits; ++bit) {
        const auto [from, bytes] = contents_of(file, all[i]);
        flips.push_back({all[i], kind, from + random.below(bytes), static_cast<int>(random.below(8))});
      }
    }
  }
  return flips;
}

}  // namespace deltamesh
