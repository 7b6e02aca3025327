// tests/support/file_locks.cc - who may hold what beside whom.
#include "tests/support/file_locks.h"

#include <sqlite3.h>

#include <algorithm>

namespace deltamesh::testing {

int FileLocks::others(LockOwner owner) const {
  int highest = SQLITE_LOCK_NONE;
  for (const auto& [other, level] : levels_) {
    if (other != owner) highest = std::max(highest, level);
  }
  return highest;
}

// Who waits for readers to leave keeps new ones out: that is what SQLITE_LOCK_PENDING is for.
bool FileLocks::raise(LockOwner owner, int level) {
  int& mine = levels_[owner];
  if (mine >= level) return true;
  const int theirs = others(owner);
  const bool writes = level >= SQLITE_LOCK_RESERVED;
  if (theirs >= (writes ? SQLITE_LOCK_RESERVED : SQLITE_LOCK_PENDING)) return false;
  if (level == SQLITE_LOCK_EXCLUSIVE && theirs >= SQLITE_LOCK_SHARED)
    return mine = SQLITE_LOCK_PENDING, false;
  mine = level;
  return true;
}

char* SharedMemory::region(std::size_t index, std::size_t bytes, bool make) {
  while (make && regions_.size() <= index) regions_.push_back(std::make_unique<char[]>(bytes));
  return index < regions_.size() ? regions_[index].get() : nullptr;
}

bool SharedMemory::free(LockOwner owner, std::size_t slot, bool alone) const {
  return std::all_of(holds_.begin(), holds_.end(), [&](const auto& hold) {
    const Hold theirs = hold.second[slot];
    return hold.first == owner || theirs == Hold::kNone || (theirs == Hold::kShared && !alone);
  });
}

bool SharedMemory::lock(LockOwner owner, std::size_t first, std::size_t count, bool alone) {
  for (std::size_t slot = first; slot < first + count; ++slot) {
    if (!free(owner, slot, alone)) return false;
  }
  auto& mine = holds_[owner];
  std::fill_n(mine.begin() + static_cast<std::ptrdiff_t>(first), count, alone ? Hold::kAlone : Hold::kShared);
  return true;
}

void SharedMemory::unlock(LockOwner owner, std::size_t first, std::size_t count) {
  auto& mine = holds_[owner];
  std::fill_n(mine.begin() + static_cast<std::ptrdiff_t>(first), count, Hold::kNone);
}

}  // namespace deltamesh::testing
