// tests/support/fault_disk.cc - names, power, and what a cut leaves.
#include "tests/support/fault_disk.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <system_error>
#include <utility>

#include "tests/support/fault_disk_file.h"

namespace deltamesh::testing {

FaultDisk::FaultDisk(std::uint64_t seed) : rng_(seed) {}
FaultDisk::~FaultDisk() = default;

void FaultDisk::power_cut(sim::Rng& rng) {
  const std::lock_guard lock(mutex_);
  if (powered_) cut(rng);
}

void FaultDisk::power_on() {
  const std::lock_guard lock(mutex_);
  powered_ = true;
}

bool FaultDisk::powered() const {
  const std::lock_guard lock(mutex_);
  return powered_;
}

bool FaultDisk::outside_step(bool of_folder) {
  const std::lock_guard lock(mutex_);
  if (!powered_ || verdict(DiskOp::kOutside) != DiskFaults::Verdict::kPass) return false;
  if (of_folder) settle_names();
  return true;
}

void FaultDisk::plan(const std::function<void(DiskFaults&)>& change) {
  const std::lock_guard lock(mutex_);
  change(faults_);
}

DiskFaults FaultDisk::faults() const {
  const std::lock_guard lock(mutex_);
  return faults_;
}

void FaultDisk::limit_bytes(std::optional<std::uint64_t> bytes) {
  const std::lock_guard lock(mutex_);
  bytes_max_ = bytes;
}

std::uint64_t FaultDisk::used_bytes() const {
  const std::lock_guard lock(mutex_);
  return used();
}

std::uint64_t FaultDisk::used() const {
  std::uint64_t bytes = 0;
  for (const FilePtr& file : files_) bytes += file->image.bytes().size();
  return bytes;
}

void FaultDisk::drop_caches() {
  const std::lock_guard lock(mutex_);
  for (const FilePtr& file : files_) {
    file->image.evict();
    file->show_size();
  }
}

void FaultDisk::at_sync(SyncHook hook) {
  const std::lock_guard lock(mutex_);
  sync_hook_ = std::move(hook);
}

FaultDisk::FilePtr FaultDisk::find(const std::string& path) const {
  const auto at = std::find_if(files_.begin(), files_.end(),
                               [&path](const FilePtr& file) { return file->place->lies_at(path); });
  return at == files_.end() ? nullptr : *at;
}

std::unique_ptr<FaultDisk::Handle> FaultDisk::open(const std::string& path, bool create, DiskStatus& status) {
  const std::lock_guard lock(mutex_);
  status = DiskStatus::kIo;
  if (!powered_) return nullptr;
  std::erase_if(files_, [](const FilePtr& file) { return !file->place->named(); });
  FilePtr file = find(path);
  if (!file) {
    if (!create) return status = DiskStatus::kNotFound, nullptr;
    if (verdict(DiskOp::kName) != DiskFaults::Verdict::kPass) return nullptr;
    try {
      file = files_.emplace_back(std::make_shared<File>(path));
    } catch (const std::system_error&) {
      return nullptr;
    }
  }
  status = DiskStatus::kOk;
  return std::make_unique<Handle>(*this, std::move(file), path);
}

DiskStatus FaultDisk::remove(const std::string& path, bool durable) {
  const std::lock_guard lock(mutex_);
  if (!powered_) return DiskStatus::kIo;
  FilePtr file = find(path);
  if (!file) return DiskStatus::kNotFound;
  if (verdict(DiskOp::kName) != DiskFaults::Verdict::kPass) return DiskStatus::kIo;
  std::remove(path.c_str());
  std::erase(files_, file);
  removed_.push_back({path, std::move(file)});
  if (durable) settle_names();
  return DiskStatus::kOk;
}

DiskStatus FaultDisk::exists(const std::string& path, bool& found) const {
  const std::lock_guard lock(mutex_);
  if (!powered_) return DiskStatus::kIo;
  const FilePtr file = find(path);
  found = file && !file->image.bytes().empty();
  return DiskStatus::kOk;
}

// The power fails in the midst of an operation: what that did so far may be lost with the rest.
DiskFaults::Verdict FaultDisk::verdict(DiskOp op) {
  const DiskFaults::Verdict verdict = faults_.verdict(op, rng_);
  if (verdict == DiskFaults::Verdict::kCut) cut(rng_);
  return verdict;
}

// One share for the whole cut: with one for each operation it would hardly ever be all or nothing.
void FaultDisk::cut(sim::Rng& rng) {
  powered_ = false;
  ++life_;
  const std::uint64_t kept_per_mille = 250 * rng.below(5);
  for (const Removed& removed : std::exchange(removed_, {})) {
    if (!rng.chance(kept_per_mille)) bring_back(removed);
  }
  std::erase_if(files_, [](const FilePtr& file) { return !file->place->named(); });
  for (const FilePtr& file : files_) {
    const bool here = file->place->lies_at(file->path);  // Else it was renamed, which counts as a sync.
    if (here && !file->name_synced && !rng.chance(kept_per_mille)) std::remove(file->path.c_str());
    file->image.lose_power(rng, kept_per_mille);
    file->name_synced = true;
    file->locks = {};
    file->shared.reset();
    file->show_size();
  }
  std::erase_if(files_, [](const FilePtr& file) { return !file->place->named(); });
}

// Unless another file has taken the name since, here or in the real folder.
void FaultDisk::bring_back(const Removed& removed) {
  struct stat facts {};
  if (::stat(removed.path.c_str(), &facts) == 0) return;
  removed.file->place = std::make_unique<StandIn>(removed.path);
  files_.push_back(removed.file);
}

// The folder is synced.
void FaultDisk::settle_names() {
  removed_.clear();
  for (const FilePtr& file : files_) file->name_synced = true;
}

}  // namespace deltamesh::testing
