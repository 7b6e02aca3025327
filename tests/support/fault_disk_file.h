// tests/support/fault_disk_file.h - one file of a FaultDisk.
#pragma once

#include <memory>
#include <string>

#include "tests/support/disk_image.h"
#include "tests/support/fault_disk.h"
#include "tests/support/file_locks.h"
#include "tests/support/stand_in.h"

namespace deltamesh::testing {

struct FaultDisk::File {
  explicit File(std::string name) : path(std::move(name)), place(std::make_unique<StandIn>(path)) {}

  void show_size() const { place->resize(image.bytes().size()); }

  std::string path;  // Where it was made.
  std::unique_ptr<StandIn> place;
  DiskImage image;
  bool name_synced = false;
  FileLocks locks;
  std::weak_ptr<SharedMemory> shared;  // Owned by those who use it.
};

}  // namespace deltamesh::testing
