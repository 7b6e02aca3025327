// tests/engine/forged_reader.h - a store reader with blocks that no store would give.
#pragma once

#include <utility>
#include <vector>

#include "tests/engine/passing_reader.h"

namespace deltamesh::testing {

// A reader that shows blocks which the store itself would refuse.
class Forged final : public PassingReader {
 public:
  Forged(const StoreReader& store, std::vector<StoredBlock> blocks)
      : PassingReader(store), blocks_(std::move(blocks)) {}
  Result<std::vector<StoredBlock>> blocks(const StreamId& stream, Interval dots,
                                          std::size_t bytes_max) const override {
    std::vector<StoredBlock> found;
    std::size_t bytes = 0;
    for (const StoredBlock& block : blocks_) {
      const bool inside =
          block.stream == stream && block.interval().last >= dots.first && block.first <= dots.last;
      if (!inside || bytes > bytes_max) continue;
      bytes += block.bytes->size();
      found.push_back(block);
    }
    return found;
  }
  Status visit_blocks(const StreamId&, Ticks, Ticks, Order,
                      const std::function<bool(const StoredBlock&)>&) const override {
    return Done{};
  }

 private:
  std::vector<StoredBlock> blocks_;
};

}  // namespace deltamesh::testing
