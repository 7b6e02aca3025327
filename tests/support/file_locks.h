// tests/support/file_locks.h - the locks and the shared memory that connections of one process have on one
// file.
//
// In memory, so that a power cut forgets them. Not thread-safe by themselves.
#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <memory>
#include <vector>

namespace deltamesh::testing {

using LockOwner = const void*;

// SQLite's five levels, SQLITE_LOCK_NONE to SQLITE_LOCK_EXCLUSIVE.
class FileLocks {
 public:
  // False if another owner is in the way.
  bool raise(LockOwner owner, int level);
  void lower(LockOwner owner, int level) { levels_[owner] = level; }
  void leave(LockOwner owner) { levels_.erase(owner); }
  [[nodiscard]] int others(LockOwner owner) const;  // The highest level of anybody else.

 private:
  std::map<LockOwner, int> levels_;
};

// The index of a write-ahead log: regions, and slots that are held shared or alone.
class SharedMemory {
 public:
  static constexpr std::size_t kSlots = 8;

  // nullptr if it is not there and must not be made.
  char* region(std::size_t index, std::size_t bytes, bool make);
  bool lock(LockOwner owner, std::size_t first, std::size_t count, bool alone);
  void unlock(LockOwner owner, std::size_t first, std::size_t count);
  void leave(LockOwner owner) { holds_.erase(owner); }

 private:
  enum class Hold : unsigned char { kNone, kShared, kAlone };
  [[nodiscard]] bool free(LockOwner owner, std::size_t slot, bool alone) const;

  std::vector<std::unique_ptr<char[]>> regions_;
  std::map<LockOwner, std::array<Hold, kSlots>> holds_;
};

}  // namespace deltamesh::testing
