// tests/sim/archive_store.h - stores of many nodes that keep one copy of each block between them.
//
// A block is the same wherever it is, so a thousand nodes need not hold it a thousand times. What a node has
// is in its knowledge, which each keeps for itself; its engine asks for nothing else.
#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "engine/memory_store.h"

namespace deltamesh::sim {

// Any thread. A node asks for what it has heard of, and that its writer has kept before.
class Archive {
 public:
  void keep(StoredBlock block);
  // Blocks as their writer made them; the first and the last may reach beyond `dots`.
  [[nodiscard]] std::vector<StoredBlock> find(const StreamId& stream, Interval dots,
                                              std::size_t bytes_max) const;

 private:
  mutable std::mutex mutex_;
  std::map<StreamId, std::map<Seq, StoredBlock>> streams_;
};

class ArchiveStore final : public MemoryStore {
 public:
  ArchiveStore(Identity identity, std::shared_ptr<Archive> archive)
      : MemoryStore(identity), archive_(std::move(archive)) {}

  Result<std::vector<StoredBlock>> blocks(const StreamId& stream, Interval dots,
                                          std::size_t bytes_max) const override {
    return archive_->find(stream, dots, bytes_max);
  }

 protected:
  // What others wrote is there already.
  void keep(StoredBlock block) override {
    if (block.stream.node == this->identity().node) archive_->keep(std::move(block));
  }

 private:
  std::shared_ptr<Archive> archive_;
};

}  // namespace deltamesh::sim
