// tests/support/bytes_on_disk.h - what a store takes on its disk: database and log.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace deltamesh::testing {

inline std::uint64_t bytes_on_disk(const std::string& store) {
  std::uint64_t bytes = 0;
  std::error_code none;
  for (const char* const end : {"", "-wal"}) {
    const auto size = std::filesystem::file_size(store + end, none);
    if (!none) bytes += size;
  }
  return bytes;
}

}  // namespace deltamesh::testing
