// engine/sqlite/file_system_probe.h - asks a file system, after a sync, whether it still takes changes.
//
// Where ext4 gives up while a sync is under way (the medium fails, or its own records are damaged), that sync
// can report success for what was thrown away: Linux 6.18 did so in 8 of 150 trials. A change that is asked
// for afterwards fails, and a commit that is followed by one that does not is on the disk.
#pragma once

#include <string>
#include <utility>

#include "crdt/result.h"

namespace deltamesh::sqlite {

class FileSystemProbe {
 public:
  // Of a file beside the store that nobody syncs: asked of the log, the question makes each sync of it write
  // 12 KB more. It may not be the database: closing any descriptor of a file ends SQLite's locks on it.
  static Result<FileSystemProbe> open(const std::string& path);
  FileSystemProbe(FileSystemProbe&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  FileSystemProbe& operator=(FileSystemProbe&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  FileSystemProbe(const FileSystemProbe&) = delete;
  FileSystemProbe& operator=(const FileSystemProbe&) = delete;
  ~FileSystemProbe();

  // kIo: it gave up. Asks for room for one byte, which the file has from the first time on; a file system
  // that does not know the question has no objection.
  [[nodiscard]] Status ask() const;

 private:
  explicit FileSystemProbe(int descriptor) : descriptor_(descriptor) {}
  int descriptor_ = -1;
};

}  // namespace deltamesh::sqlite
