// tests/support/fault_disk.h - a disk in memory that loses power, fails, fills up and is slow when it is told
// to.
//
// What is not synced is lost, kept or torn at a power cut, each operation for itself (disk_image.h); so are
// names that were given or taken and not synced. After a power cut every call fails until power_on(), and
// whatever was opened before stays dead. All that it decides follows from its seed and the order of
// operations. Any thread.
//
// A program under test may look at its files by other ways than this: so in the real folder lies, for each
// file, one of that name and size without contents (a sparse one), and a file here is found by the inode
// number of that. It may be renamed and removed there too; that counts as durable at once.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/disk_faults.h"
#include "tests/support/disk_image.h"
#include "tests/support/file_locks.h"

namespace deltamesh::testing {

enum class DiskStatus : std::uint8_t { kOk, kIo, kFull, kNotFound, kBusy };

class FaultDisk {
 public:
  explicit FaultDisk(std::uint64_t seed);
  ~FaultDisk();
  FaultDisk(const FaultDisk&) = delete;
  FaultDisk& operator=(const FaultDisk&) = delete;

  // ---- for tests ----

  void power_cut(sim::Rng& rng);
  void power_on();
  [[nodiscard]] bool powered() const;
  // A step outside this disk (the sync of a file elsewhere): false if the power is gone, or goes now.
  // `of_folder`: the sync of the folder in which the files lie, which makes their names durable.
  bool outside_step(bool of_folder = false);
  // Calls `change` with the faults to come.
  void plan(const std::function<void(DiskFaults&)>& change);
  [[nodiscard]] DiskFaults faults() const;  // As they are now.
  // Files may not grow beyond this together; nullopt: any size.
  void limit_bytes(std::optional<std::uint64_t> bytes);
  [[nodiscard]] std::uint64_t used_bytes() const;
  // After a failed sync reads see what was written until this.
  void drop_caches();
  // Called at each sync, before it begins and from the thread that syncs, with the file's path: it may wait,
  // which is a slow disk, or look, or cut the power.
  using SyncHook = std::function<void(const std::string& path)>;
  void at_sync(SyncHook hook);

  // ---- for the VFS ----

  struct File;
  // A file that is open; at a fixed address, by which it owns locks.
  class Handle;
  std::unique_ptr<Handle> open(const std::string& path, bool create, DiskStatus& status);
  DiskStatus remove(const std::string& path, bool durable);
  // Has anything in it. An empty one counts as none, as it does with SQLite's own VFS.
  DiskStatus exists(const std::string& path, bool& found) const;

 private:
  using FilePtr = std::shared_ptr<File>;
  struct Removed {
    std::string path;
    FilePtr file;
  };

  [[nodiscard]] FilePtr find(const std::string& path) const;
  [[nodiscard]] std::uint64_t used() const;
  DiskFaults::Verdict verdict(DiskOp op);
  void cut(sim::Rng& rng);
  void bring_back(const Removed& removed);
  void settle_names();

  mutable std::mutex mutex_;  // Of all below.
  sim::Rng rng_;
  DiskFaults faults_;
  SyncHook sync_hook_;
  std::optional<std::uint64_t> bytes_max_;
  bool powered_ = true;
  std::uint64_t life_ = 0;  // Counts power cuts; handles of former lives are dead.
  std::vector<FilePtr> files_;
  std::vector<Removed> removed_;  // And not synced.
};

class FaultDisk::Handle {
 public:
  Handle(FaultDisk& disk, FilePtr file, std::string path);
  ~Handle();
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  // What is missing at the end is filled with zeros, and `missing` says so.
  DiskStatus read(std::uint64_t offset, char* to, std::size_t bytes, bool& missing) const;
  DiskStatus write(std::uint64_t offset, std::string_view bytes);
  DiskStatus truncate(std::uint64_t size);
  DiskStatus sync();
  DiskStatus size(std::uint64_t& bytes) const;

  DiskStatus raise_lock(int level);
  DiskStatus lower_lock(int level);
  DiskStatus reserved_elsewhere(bool& reserved) const;

  DiskStatus shared_region(std::size_t index, std::size_t bytes, bool make, char*& region);
  DiskStatus shared_lock(std::size_t first, std::size_t count, bool alone);
  DiskStatus shared_unlock(std::size_t first, std::size_t count);
  void shared_leave();

 private:
  [[nodiscard]] bool dead() const;
  DiskStatus write_what_fits(std::uint64_t offset, std::string_view bytes);

  FaultDisk& disk_;
  FilePtr file_;
  std::string path_;  // As it was opened.
  std::uint64_t life_;
  std::shared_ptr<SharedMemory> shared_;  // Ours even when dead: SQLite keeps pointers into it.
};

}  // namespace deltamesh::testing
