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
  // Of a file that is written to anyway, such as a log; kNotFound if it does not exist. It may not be one on
  // which SQLite holds locks: closing any descriptor of a file ends the locks of the process.
  static Result<FileSystemProbe> open(const std::string& path);
  FileSystemProbe(FileSystemProbe&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  FileSystemProbe& operator=(FileSystemProbe&&) = delete;
  FileSystemProbe(const FileSystemProbe&) = delete;
  FileSystemProbe& operator=(const FileSystemProbe&) = delete;
  ~FileSystemProbe();

  // kIo: it gave up. Asks for room that the file has, so nothing is written; a file system that does not know
  // the question has no objection.
  [[nodiscard]] Status ask() const;

 private:
  explicit FileSystemProbe(int descriptor) : descriptor_(descriptor) {}
  int descriptor_ = -1;
};

}  // namespace deltamesh::sqlite
