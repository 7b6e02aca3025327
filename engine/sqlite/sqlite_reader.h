// engine/sqlite/sqlite_reader.h - questions to a store on disk, through a connection that cannot write.
//
// One thread at a time; each thread that asks has its own. Reading never blocks the writer, nor is blocked by
// it: a call sees one state of the store, as of its start.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "engine/sqlite/statement.h"
#include "engine/store.h"

namespace deltamesh {

// How long a reader waits for a writer that recovers the log or closes. Longer: a question hangs. Shorter:
// one that comes at a bad moment fails.
inline constexpr std::chrono::milliseconds kReaderPatience{2000};
// The page cache of a reader without options of its own, as tools have. Larger: memory. Smaller: more reads.
inline constexpr std::uint32_t kToolCacheKib = 8192;

class SqliteReader final : public StoreReader {
 public:
  // For tools. Works while a node runs on the store, and on a copy of the database file alone; in the latter
  // case nothing may start to write it meanwhile. Never writes to the database or its log.
  static Result<std::unique_ptr<SqliteReader>> open_read_only(const std::string& path);
  // For SqliteStore::make_reader(): the store is open for writing in this process.
  static Result<std::unique_ptr<SqliteReader>> open_beside_writer(const std::string& path,
                                                                  std::uint32_t cache_kib,
                                                                  const std::string& vfs = {});

  // From here on all calls see one state of the store, as of now. Meanwhile a writer's log can only grow: for
  // readers that are soon done.
  Status hold_still();

  Result<StoreImage> image() const override;
  Result<Knowledge> knowledge() const override;
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
  Result<std::uint64_t> bytes_used() const override;
  Result<std::vector<StreamSeries>> series(DatasetId dataset,
                                           std::optional<std::string_view> name) const override;
  Result<std::vector<MapEntry>> entries(DatasetId dataset, const EntryPage& page) const override;
  Result<std::optional<MapEntry>> entry(DatasetId dataset, std::string_view key) const override;
  Result<std::vector<MapEntry>> conflicts(DatasetId dataset, const EntryPage& page) const override;
  Result<std::vector<MapEntry>> surfaced(DatasetId dataset, const EntryPage& page) const override;

 private:
  explicit SqliteReader(sqlite::Database database) : database_(std::move(database)) {}
  static Result<std::unique_ptr<SqliteReader>> prepared(Result<sqlite::Database> database,
                                                        const std::string& path, std::uint32_t cache_kib);

  template <class Wanted>
  Result<std::vector<Seq>> boot_blocks(const StreamId& stream, std::int64_t key, const Wanted& wanted) const;
  Result<bool> visit_one(const StreamId& stream, std::int64_t key, Seq first,
                         const std::function<bool(const StoredBlock&)>& visit) const;

  mutable sqlite::Database database_;  // Asking it changes nothing that a caller can see.
};

}  // namespace deltamesh
