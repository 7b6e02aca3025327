// tests/support/fault_disk_handle.cc - what may be done with an open file.
#include <algorithm>

#include "tests/support/fault_disk_file.h"

namespace deltamesh::testing {

using Verdict = DiskFaults::Verdict;

FaultDisk::Handle::Handle(FaultDisk& disk, FilePtr file, std::string path)
    : disk_(disk), file_(std::move(file)), path_(std::move(path)), life_(disk.life_) {}

FaultDisk::Handle::~Handle() {
  shared_leave();
  const std::lock_guard lock(disk_.mutex_);
  if (!dead()) file_->locks.leave(this);
}

bool FaultDisk::Handle::dead() const {
  return !disk_.powered_ || life_ != disk_.life_;
}

DiskStatus FaultDisk::Handle::read(std::uint64_t offset, char* to, std::size_t bytes, bool& missing) const {
  const std::lock_guard lock(disk_.mutex_);
  if (dead()) return DiskStatus::kIo;
  const std::string_view all = file_->image.bytes();
  const std::string_view there = all.substr(std::min<std::uint64_t>(offset, all.size()), bytes);
  std::fill(std::copy(there.begin(), there.end(), to), to + bytes, '\0');
  missing = there.size() < bytes;
  return DiskStatus::kOk;
}

DiskStatus FaultDisk::Handle::write(std::uint64_t offset, std::string_view bytes) {
  const std::lock_guard lock(disk_.mutex_);
  if (dead()) return DiskStatus::kIo;
  const DiskStatus status = write_what_fits(offset, bytes);
  file_->show_size();
  return status;
}

// A write that fails has got as far as its first sectors, or not even there; one in which the power fails is
// as any other that was not synced.
DiskStatus FaultDisk::Handle::write_what_fits(std::uint64_t offset, std::string_view bytes) {
  DiskImage& image = file_->image;
  const std::uint64_t size = image.bytes().size(), end = offset + bytes.size(), used = disk_.used();
  const std::uint64_t room = disk_.bytes_max_ ? *disk_.bytes_max_ - std::min(*disk_.bytes_max_, used) : end;
  if (end > size && end - size > room) {
    if (offset < size + room) image.write(offset, bytes.substr(0, size + room - offset));
    return DiskStatus::kFull;
  }
  const Verdict verdict = disk_.faults_.verdict(DiskOp::kWrite, disk_.rng_);
  if (verdict != Verdict::kFail)
    image.write(offset, bytes);
  else if (disk_.rng_.chance(500))
    image.write(offset, bytes.substr(0, sector_end(offset, end) - offset));
  if (verdict == Verdict::kCut) disk_.cut(disk_.rng_);
  return verdict == Verdict::kPass ? DiskStatus::kOk : DiskStatus::kIo;
}

DiskStatus FaultDisk::Handle::truncate(std::uint64_t size) {
  const std::lock_guard lock(disk_.mutex_);
  if (dead() || disk_.verdict(DiskOp::kTruncate) != Verdict::kPass) return DiskStatus::kIo;
  file_->image.truncate(size);
  file_->show_size();
  return DiskStatus::kOk;
}

// A new file's sync counts as one of its folder too, as SQLite's own VFS does it.
DiskStatus FaultDisk::Handle::sync() {
  SyncHook hook;
  {
    const std::lock_guard lock(disk_.mutex_);
    hook = disk_.sync_hook_;
  }
  if (hook) hook(path_);
  const std::lock_guard lock(disk_.mutex_);
  if (dead()) return DiskStatus::kIo;
  switch (disk_.verdict(DiskOp::kSync)) {
    case Verdict::kPass: break;
    case Verdict::kLie: return DiskStatus::kOk;
    case Verdict::kFail: return file_->image.forget_unsynced(), DiskStatus::kIo;
    case Verdict::kCut: return DiskStatus::kIo;
  }
  file_->image.sync();
  if (!file_->name_synced) disk_.settle_names();
  return DiskStatus::kOk;
}

DiskStatus FaultDisk::Handle::size(std::uint64_t& bytes) const {
  const std::lock_guard lock(disk_.mutex_);
  if (dead()) return DiskStatus::kIo;
  bytes = file_->image.bytes().size();
  return DiskStatus::kOk;
}

DiskStatus FaultDisk::Handle::raise_lock(int level) {
  const std::lock_guard lock(disk_.mutex_);
  if (dead()) return DiskStatus::kIo;
  return file_->locks.raise(this, level) ? DiskStatus::kOk : DiskStatus::kBusy;
}

DiskStatus FaultDisk::Handle::lower_lock(int level) {
  const std::lock_guard lock(disk_.mutex_);
  if (dead()) return DiskStatus::kIo;
  file_->locks.lower(this, level);
  return DiskStatus::kOk;
}

DiskStatus FaultDisk::Handle::reserved_elsewhere(bool& reserved) const {
  const std::lock_guard lock(disk_.mutex_);
  if (dead()) return DiskStatus::kIo;
  reserved = file_->locks.others(this) > 1;
  return DiskStatus::kOk;
}

DiskStatus FaultDisk::Handle::shared_region(std::size_t index, std::size_t bytes, bool make, char*& region) {
  const std::lock_guard lock(disk_.mutex_);
  if (dead()) return DiskStatus::kIo;
  if (!shared_) shared_ = file_->shared.lock();
  if (!shared_) file_->shared = shared_ = std::make_shared<SharedMemory>();
  region = shared_->region(index, bytes, make);
  return DiskStatus::kOk;
}

DiskStatus FaultDisk::Handle::shared_lock(std::size_t first, std::size_t count, bool alone) {
  const std::lock_guard lock(disk_.mutex_);
  if (dead() || !shared_) return DiskStatus::kIo;
  return shared_->lock(this, first, count, alone) ? DiskStatus::kOk : DiskStatus::kBusy;
}

DiskStatus FaultDisk::Handle::shared_unlock(std::size_t first, std::size_t count) {
  const std::lock_guard lock(disk_.mutex_);
  if (dead() || !shared_) return DiskStatus::kIo;
  shared_->unlock(this, first, count);
  return DiskStatus::kOk;
}

void FaultDisk::Handle::shared_leave() {
  const std::lock_guard lock(disk_.mutex_);
  if (shared_) shared_->leave(this);
  shared_.reset();
}

}  // namespace deltamesh::testing
