// tests/support/fault_vfs.h - SQLite on a FaultDisk.
//
// Registered under a name of its own as long as it lives; every connection through it must be closed before.
// It promises what SQLite's own VFS promises on Linux: a write leaves the bytes beside it alone, and nothing
// more. Time, sleep and chance are those of the default VFS.
#pragma once

#include <memory>
#include <string>

#include "tests/support/fault_disk.h"

struct sqlite3_vfs;

namespace deltamesh::testing {

class FaultVfs {
 public:
  explicit FaultVfs(std::uint64_t seed);  // Throws if SQLite does not take it.
  ~FaultVfs();
  FaultVfs(const FaultVfs&) = delete;
  FaultVfs& operator=(const FaultVfs&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] FaultDisk& disk() { return disk_; }

 private:
  std::string name_;
  FaultDisk disk_;
  std::unique_ptr<sqlite3_vfs> vfs_;
};

}  // namespace deltamesh::testing
