// tests/support/temp_dir.h - a folder of one's own that is removed at the end.
#pragma once

#include <filesystem>

namespace deltamesh::testing {

class TempDir {
 public:
  TempDir();  // Throws if none can be made: a test cannot go on without.
  explicit TempDir(const std::filesystem::path& parent);
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace deltamesh::testing
