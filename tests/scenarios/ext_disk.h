// tests/scenarios/ext_disk.h - a small ext4 disk that can become read-only under open files, as the kernel
// makes it when the medium fails.
#pragma once

#include <filesystem>
#include <fstream>

#include "tests/support/child_process.h"
#include "tests/support/temp_dir.h"

namespace deltamesh::testing {

class ExtDisk {
 public:
  ExtDisk() {
    std::filesystem::create_directory(mount_point());
    std::ofstream(image()).close();
    std::filesystem::resize_file(image(), 32 << 20);
    usable_ = run({"/sbin/mkfs.ext4", "-q", "-F", image()}).status == 0 && mount();
    if (usable_) std::filesystem::create_directory(folder());
  }
  ~ExtDisk() {
    if (usable_) run({"umount", "--lazy", mount_point()});
  }
  ExtDisk(const ExtDisk&) = delete;
  ExtDisk& operator=(const ExtDisk&) = delete;

  [[nodiscard]] bool usable() const { return usable_; }  // Where we may mount, and the kernel has the means.
  // On the disk: it is not there while the disk is not.
  [[nodiscard]] std::filesystem::path folder() const { return mount_point() + "/stores"; }

  // Whatever is open stays so, and every write fails.
  [[nodiscard]] bool fail() const { return run({"mount", "-o", "remount,abort", mount_point()}).status == 0; }
  // False as long as anybody has a file open there.
  [[nodiscard]] bool unmount() const { return run({"umount", mount_point()}).status == 0; }
  [[nodiscard]] bool mount() const {
    return run({"mount", "-t", "ext4", "-o", "loop", image(), mount_point()}).status == 0;
  }

 private:
  [[nodiscard]] std::string image() const { return (files_.path() / "image").string(); }
  [[nodiscard]] std::string mount_point() const { return (files_.path() / "disk").string(); }

  TempDir files_;
  bool usable_ = false;
};

}  // namespace deltamesh::testing
