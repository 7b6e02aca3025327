// tests/tools/dump_fixture.h - real stores, the real crdt-dump, and hands that change a store behind its
// back.
#pragma once

#include <string>
#include <vector>

#include "engine/sqlite/rows.h"
#include "tests/engine/diff_fixture.h"
#include "tests/sqlite/raw_database.h"
#include "tests/sqlite/sqlite_fixture.h"
#include "tests/support/child_process.h"

namespace deltamesh::testing {

inline Output dump(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), DELTAMESH_BIN_DIR "/crdt-dump");
  return run(std::move(arguments));
}

// A closed store with these contents.
inline std::string make_store(const TempFolder& folder, const std::string& name, Batch contents) {
  const std::string path = folder.file(name);
  const auto store = open_store_at(path);
  REQUIRE(commit_to(*store, std::move(contents)));
  return path;
}

// The database file alone, without its fence.
inline std::string copy_store(const TempFolder& folder, const std::string& from, const std::string& name) {
  const std::string path = folder.file(name);
  std::filesystem::copy_file(from, path);
  return path;
}

inline std::string sql_blob(ByteView bytes) {
  std::string out = "x'";
  for (const std::byte byte : bytes) {
    for (const unsigned shift : {4u, 0u})
      out += "0123456789abcdef"[std::to_integer<unsigned>(byte) >> shift & 15u];
  }
  return out + "'";
}

// Puts `block` in the place of the one that begins with the same dot, with a checksum as good as any.
inline void overwrite_block(const std::string& path, const StoredBlock& block) {
  const auto number = [](auto value) { return std::to_string(static_cast<std::int64_t>(value)); };
  run_raw(path, "UPDATE blocks SET last = " + number(block.interval().last) +
                    ", time_min = " + number(block.time_min) + ", time_max = " + number(block.time_max) +
                    ", checksum = " + number(sqlite::checksum_of(block)) +
                    ", bytes = " + sql_blob(*block.bytes) + " WHERE first = " + number(block.first));
}

inline void overwrite_entry(const std::string& path, const MapWrite& write) {
  const std::string_view value = write.entry.value, key = write.entry.key;
  const auto blob = [](std::string_view text) {
    return sql_blob(std::as_bytes(std::span(text.data(), text.size())));
  };
  run_raw(path, "UPDATE map_entries SET value = " + blob(value) + ", checksum = " +
                    std::to_string(static_cast<std::int64_t>(sqlite::checksum_of(write, 0))) +
                    " WHERE key = " + blob(key));
}

}  // namespace deltamesh::testing
