// tests/sim/archive_store.cc - blocks by stream and first event.
#include "tests/sim/archive_store.h"

namespace deltamesh::sim {

void Archive::keep(StoredBlock block) {
  const std::scoped_lock lock(mutex_);
  auto& blocks = streams_[block.stream];
  blocks.emplace(block.first, std::move(block));
}

std::vector<StoredBlock> Archive::find(const StreamId& stream, Interval dots, std::size_t bytes_max) const {
  const std::scoped_lock lock(mutex_);
  std::vector<StoredBlock> found;
  const auto blocks = streams_.find(stream);
  if (blocks == streams_.end()) return found;
  auto at = blocks->second.upper_bound(dots.first);
  if (at != blocks->second.begin()) --at;
  std::size_t bytes = 0;
  for (; at != blocks->second.end() && at->first <= dots.last && bytes <= bytes_max; ++at) {
    if (at->second.interval().last < dots.first) continue;
    found.push_back(at->second);
    bytes += at->second.bytes->size();
  }
  return found;
}

}  // namespace deltamesh::sim
