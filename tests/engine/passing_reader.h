// tests/engine/passing_reader.h - a store reader that passes every question on; tests override some.
#pragma once

#include "engine/store.h"

namespace deltamesh::testing {

class PassingReader : public StoreReader {
 public:
  explicit PassingReader(const StoreReader& store) : store_(store) {}

  Result<StoreImage> image() const override { return store_.image(); }
  Result<Knowledge> knowledge() const override { return store_.knowledge(); }
  Result<std::optional<StreamKnowledge>> known(const StreamId& stream) const override {
    return store_.known(stream);
  }
  Result<Knowledge> knowledge_of(DatasetId dataset, const NodeId& writer) const override {
    return store_.knowledge_of(dataset, writer);
  }
  Result<std::vector<TierAck>> acks(const StreamId& stream) const override { return store_.acks(stream); }
  Result<std::vector<StoredBlock>> blocks(const StreamId& stream, Interval dots,
                                          std::size_t bytes_max) const override {
    return store_.blocks(stream, dots, bytes_max);
  }
  Status visit_blocks(const StreamId& stream, Ticks from, Ticks to, Order order,
                      const std::function<bool(const StoredBlock&)>& visit) const override {
    return store_.visit_blocks(stream, from, to, order, visit);
  }
  Result<std::vector<StoredBlock>> blocks_between(const StreamId& stream, Seq first, Ticks from, Ticks to,
                                                  std::size_t bytes_max) const override {
    return store_.blocks_between(stream, first, from, to, bytes_max);
  }
  Result<BootOffsets> offsets(const StreamId& stream) const override { return store_.offsets(stream); }
  Status visit_unplaced(const StreamId& stream,
                        const std::function<bool(const StoredBlock&)>& visit) const override {
    return store_.visit_unplaced(stream, visit);
  }
  Result<std::vector<HeldBlock>> held_blocks(const StreamId& stream, Seq from,
                                             std::size_t blocks_max) const override {
    return store_.held_blocks(stream, from, blocks_max);
  }
  Result<std::uint64_t> block_bytes(const StreamId& stream) const override {
    return store_.block_bytes(stream);
  }
  Result<std::uint64_t> arrivals_before(std::chrono::seconds alive) const override {
    return store_.arrivals_before(alive);
  }
  Result<std::uint64_t> bytes_used() const override { return store_.bytes_used(); }
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
};

}  // namespace deltamesh::testing
