// tests/engine/forged_reader.h - a store reader with blocks that no store would give.
#pragma once

#include <utility>
#include <vector>

#include "engine/store.h"

namespace deltamesh::testing {

// A reader that shows blocks which the store itself would refuse.
class Forged final : public StoreReader {
 public:
  Forged(const StoreReader& store, std::vector<StoredBlock> blocks)
      : store_(store), blocks_(std::move(blocks)) {}
  Result<StoreImage> image() const override { return store_.image(); }
  Result<Knowledge> knowledge() const override { return store_.knowledge(); }
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
  Result<std::vector<StreamSeries>> series(DatasetId dataset,
                                           std::optional<std::string_view> name) const override {
    return store_.series(dataset, name);
  }
  Result<std::vector<MapEntry>> entries(DatasetId dataset, const EntryPage& page) const override {
    return store_.entries(dataset, page);
  }
  Result<std::optional<MapEntry>> entry(DatasetId dataset, std::string_view key) const override {
    return store_.entry(dataset, key);
  }
  Result<std::vector<MapEntry>> conflicts(DatasetId dataset, const EntryPage& page) const override {
    return store_.conflicts(dataset, page);
  }
  Result<std::vector<MapEntry>> surfaced(DatasetId dataset, const EntryPage& page) const override {
    return store_.surfaced(dataset, page);
  }

 private:
  const StoreReader& store_;
  std::vector<StoredBlock> blocks_;
};

}  // namespace deltamesh::testing
