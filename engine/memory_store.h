// engine/memory_store.h - a store in memory, for tests and for the simulator: deterministic, one thread.
//
// It keeps apart what was handed in and what is durable: commit() queues, sync() makes all that is queued
// durable and reports it, crash() forgets what is queued as a power cut would. Readers see what is durable.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "engine/store.h"

namespace deltamesh {

class MemoryStore : public Store, public StoreReader {
 public:
  enum class Sync : std::uint8_t { kManual, kAuto };  // kAuto: each commit() is followed by a sync().
  explicit MemoryStore(Identity identity, Sync sync = Sync::kManual) : identity_(identity), auto_(sync) {}

  void commit(Batch batch, Committed committed) override;

  // Applies what is queued now, in order, and calls each callback. Callbacks may commit; those wait for the
  // next sync (kAuto: they follow at once). A callback may call crash().
  void sync();
  // Forgets what is queued; its callbacks are never called.
  void crash() { queue_.clear(); }
  // From now on the store's own streams are those of this incarnation; the former ones are over.
  void start_incarnation(const Incarnation& next);
  // The next batch that is applied fails with `error` and leaves no trace.
  void fail_next(Error error) { fail_next_ = std::move(error); }
  // From now on the block that holds this event reads as damaged; and each read fails while `error` is there.
  void damage(Dot dot) { damaged_.hold(dot); }
  // The block that holds this event is gone, and nothing else tells of it.
  void lose(const Dot& dot);
  void fail_reads(std::optional<Error> error) { fail_reads_ = std::move(error); }

  [[nodiscard]] const Identity& identity() const { return identity_; }
  [[nodiscard]] std::size_t queued() const { return queue_.size(); }

  Result<StoreImage> image() const override;
  Result<Knowledge> knowledge() const override { return knowledge_; }
  Result<std::optional<StreamKnowledge>> known(const StreamId& stream) const override;
  Result<Knowledge> knowledge_of(DatasetId dataset, const NodeId& writer) const override;
  Result<std::vector<TierAck>> acks(const StreamId& stream) const override;
  Result<std::vector<StoredBlock>> blocks(const StreamId& stream, Interval dots,
                                          std::size_t bytes_max) const override;
  Status visit_blocks(const StreamId& stream, Ticks from, Ticks to, Order order,
                      const std::function<bool(const StoredBlock&)>& visit) const override;
  Result<std::vector<StoredBlock>> blocks_between(const StreamId& stream, Seq first, Ticks from, Ticks to,
                                                  std::size_t bytes_max) const override;
  Result<BootOffsets> offsets(const StreamId& stream) const override;
  Status visit_unplaced(const StreamId& stream,
                        const std::function<bool(const StoredBlock&)>& visit) const override;
  Result<std::vector<HeldBlock>> held_blocks(const StreamId& stream, Seq from,
                                             std::size_t blocks_max) const override;
  Result<std::uint64_t> block_bytes(const StreamId& stream) const override;
  Result<std::uint64_t> arrivals_before(std::chrono::seconds alive) const override;
  Result<std::uint64_t> bytes_used() const override { return bytes_; }
  Result<std::vector<StreamSeries>> series(DatasetId dataset,
                                           std::optional<std::string_view> name) const override;
  Result<std::vector<MapEntry>> entries(DatasetId dataset, const EntryPage& page) const override;
  Result<std::optional<MapEntry>> entry(DatasetId dataset, std::string_view key) const override;
  Result<std::vector<MapEntry>> conflicts(DatasetId dataset, const EntryPage& page) const override;
  Result<std::vector<MapEntry>> surfaced(DatasetId dataset, const EntryPage& page) const override;

 protected:
  // Where blocks are kept; a simulation of many nodes has another place for them.
  virtual void keep(StoredBlock block);

 private:
  struct Queued {
    Batch batch;
    Committed committed;
  };
  using StreamBlocks = std::map<Seq, StoredBlock>;  // By first dot.
  using Arrivals = std::map<Seq, std::uint64_t>;    // The same.
  struct KeyWrites {
    MapEntry latest;
    std::vector<MapEntry> conflicts;
  };
  using Entries = std::map<std::string, KeyWrites, std::less<>>;
  using Surfaced = std::map<std::string, std::map<Dot, MapEntry>, std::less<>>;  // By key.

  [[nodiscard]] bool damaged(const StoredBlock& block) const;
  void sync_one();
  Status apply(Batch& batch);
  [[nodiscard]] bool cuts_block(const GivenUp& given_up) const;
  void give_up(const GivenUp& given_up);
  void rewrite(StoredBlock& block);
  void merge(StoredBlock& block);
  void take_ack(TierAck& ack);
  void take_offset(const BootOffset& offset);
  void join(MapWrite& write);
  void prune(MapPruning& pruning);
  void put_aside(const StreamId& stream);
  void erase(const MapErasure& erasure);

  Identity identity_;
  Sync auto_;
  bool syncing_ = false;
  std::deque<Queued> queue_;
  std::optional<Error> fail_next_;
  std::optional<Error> fail_reads_;
  Knowledge damaged_;

  Knowledge knowledge_;
  std::map<StreamId, StreamBlocks> blocks_;
  std::map<StreamId, Arrivals> arrivals_;
  std::uint64_t last_arrival_ = 0;
  std::uint64_t bytes_ = 0;                     // Of blocks.
  std::map<std::uint64_t, ArrivalMark> marks_;  // By the first arrival after it.
  std::map<SeriesKey, SeriesDecl> series_;
  std::set<SeriesKey> unnamed_;
  std::map<DatasetId, Entries> entries_;
  std::map<std::pair<Identity, StreamId>, IntervalSet> acks_;
  std::set<Identity> ended_ackers_;
  std::map<DatasetId, Surfaced> surfaced_;
  std::map<DatasetId, MapFloor> floors_;
  std::map<std::pair<StreamId, std::uint32_t>, BootOffset> offsets_;  // By boot.
  std::map<std::uint64_t, OwnBoot> own_boots_;                        // By place.
  HlcStamp clock_;
  Bytes obeyed_;
};

}  // namespace deltamesh
