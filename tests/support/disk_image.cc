// tests/support/disk_image.cc - operations, kept, dropped and torn.
#include "tests/support/disk_image.h"

#include <algorithm>
#include <utility>

namespace deltamesh::testing {

std::uint64_t sector_end(std::uint64_t offset, std::uint64_t end) {
  return std::min(end, (offset / kSectorBytes + 1) * kSectorBytes);
}

void DiskImage::write(std::uint64_t offset, std::string_view bytes) {
  unsynced_.push_back({false, offset, std::string(bytes)});
  apply(visible_, unsynced_.back());
}

void DiskImage::truncate(std::uint64_t size) {
  unsynced_.push_back({true, size, {}});
  apply(visible_, unsynced_.back());
}

void DiskImage::sync() {
  for (const Operation& operation : unsynced_) apply(durable_, operation);
  unsynced_.clear();
}

void DiskImage::evict() {
  visible_ = durable_;
  for (const Operation& operation : unsynced_) apply(visible_, operation);
}

void DiskImage::lose_power(sim::Rng& rng, std::uint64_t kept_per_mille) {
  for (const Operation& operation : std::exchange(unsynced_, {})) {
    if (rng.chance(kept_per_mille))
      apply(durable_, operation);
    else if (!operation.truncates && rng.chance(500))
      tear(durable_, operation, rng);
  }
  visible_ = durable_;
}

void DiskImage::apply(std::string& image, const Operation& operation) {
  if (operation.truncates) return image.resize(operation.at);
  if (image.size() < operation.at + operation.bytes.size())
    image.resize(operation.at + operation.bytes.size());
  std::copy(operation.bytes.begin(), operation.bytes.end(),
            image.begin() + static_cast<std::ptrdiff_t>(operation.at));
}

// A prefix; or the file has its new size and any of the sectors, where zeros stand for what had never been
// there.
void DiskImage::tear(std::string& image, const Operation& operation, sim::Rng& rng) {
  const std::uint64_t end = operation.at + operation.bytes.size();
  const bool prefix = rng.chance(500);
  if (!prefix && image.size() < end) image.resize(end);
  for (std::uint64_t from = operation.at, to = 0; from < end; from = to) {
    to = sector_end(from, end);
    const bool arrived = rng.chance(500);
    if (prefix && !arrived && rng.chance(500)) return;
    if (prefix || arrived)
      apply(image, {false, from, operation.bytes.substr(from - operation.at, to - from)});
  }
}

}  // namespace deltamesh::testing
