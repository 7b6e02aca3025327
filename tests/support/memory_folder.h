// tests/support/memory_folder.h - where files cost no disk, if the machine has such a place.
#pragma once

#include <unistd.h>

#include <filesystem>

namespace deltamesh::testing {

inline std::filesystem::path memory_folder() {
  const std::filesystem::path memory = "/dev/shm";
  return ::access(memory.c_str(), W_OK) == 0 ? memory : std::filesystem::temp_directory_path();
}

}  // namespace deltamesh::testing
