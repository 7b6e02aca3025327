// tests/support/recorded_data.h - finds a file of recorded telemetry, or says that the test goes without it.
//
// The folder is named by DELTAMESH_DATA. Catch2 2 knows no skipped test; scripts/lib/count_tests.py counts
// the line printed here instead, so that a test without its data is never taken for one that passed.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <optional>
#include <string>

namespace deltamesh::testing {

inline std::optional<std::filesystem::path> recorded_data(const std::string& file) {
  const char* folder = std::getenv("DELTAMESH_DATA");
  if (folder == nullptr || *folder == '\0') {
    std::cout << "SKIPPED: DELTAMESH_DATA is not set; it names the folder of " << file << "\n";
    return std::nullopt;
  }
  const auto path = std::filesystem::path(folder) / file;
  if (std::filesystem::exists(path)) return path;
  std::cout << "SKIPPED: no such file: " << path.string() << "\n";
  return std::nullopt;
}

}  // namespace deltamesh::testing
