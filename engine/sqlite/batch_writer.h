// engine/sqlite/batch_writer.h - puts batches into the open transaction of the write connection.
//
// It keeps what the store knows in memory, as the transaction will leave it; after a rollback the owner calls
// reload(). A batch that fails has changed neither the transaction nor this.
#pragma once

#include <map>
#include <optional>

#include "engine/batch_rules.h"
#include "engine/sqlite/prune_writer.h"
#include "engine/sqlite/rows.h"
#include "engine/sqlite/schema.h"
#include "engine/sqlite/witness.h"

namespace deltamesh::sqlite {

class BatchWriter {
 public:
  // `database` outlives the writer.
  static Result<BatchWriter> open(Database& database);

  // kFull and kIo: the whole transaction is lost and the owner must roll back. Otherwise the batch alone has
  // failed.
  Status apply(const Batch& batch);
  Status reload();

  // Rows of another store as they are there, for one that is made anew (store_maker.h): nothing is joined,
  // and nothing is known of them here until reload().
  Status restore(const Knowledge::Entry& entry) { return write_knowledge(entry); }
  Status restore(const MapWrite& write, std::uint32_t place) { return write_at(write, place); }
  Status restore(const ArrivalRow& row);
  Status restore(const StoredBlock& block, std::uint64_t number);

  [[nodiscard]] const Meta& meta() const { return meta_; }
  // Without streams that are over and of which nothing is held.
  [[nodiscard]] const Knowledge& knowledge() const { return knowledge_; }
  // One more opening; and if `next` is given, the incarnation is over and that one begins.
  Status note_opening(const std::optional<Incarnation>& next);
  // The largest numbers of our own streams that are stored, and that `batch` would use.
  [[nodiscard]] LastNumbers issued() const;
  void add_issued(const Batch& batch, LastNumbers& last) const;

 private:
  explicit BatchWriter(Database& database) : database_(&database) {}

  Status prepare();
  Status recall(const Batch& batch);
  Status recall(const StreamId& stream);
  void put_out_of_mind(const std::vector<StreamId>& gone);
  Status put_aside(const StreamId& stream);
  Error undo(Error why);
  Status write(const Batch& batch, const KnowledgeChange& change);
  Status give_up(const GivenUp& given_up);
  Result<bool> cuts_block(StreamKey stream, Seq dot);
  Status write_mark(const ArrivalMark& mark);
  Status write_ack(const TierAck& ack);
  Status write_offset(const BootOffset& offset);
  Status write_own_boot(const OwnBoot& boot);
  Status write_boots(const Batch& batch);
  Status write_block(const StoredBlock& block);
  Status rewrite(const StoredBlock& block);
  Status merge(const StoredBlock& block);
  Status write_series(const StreamSeries& series);
  Status write_entry(const MapWrite& write);
  Status write_pruning(const MapPruning& pruning);
  Status replace_writes(const MapWrite& key, const std::vector<MapEntry>& stored, std::vector<MapEntry> left);
  Status write_knowledge(const Knowledge::Entry& entry);
  Status write_meta_of(const Batch& batch);
  Result<std::vector<MapEntry>> stored_writes(const MapWrite& write);
  Status write_at(const MapWrite& write, std::size_t place);
  Result<StreamKey> key_of(const StreamId& stream);
  Status end_streams();

  Database* database_;
  std::optional<Statement> delete_blocks_, find_block_, find_parts_, insert_block_, rewrite_block_,
      insert_series_, find_entries_, insert_entry_, delete_entries_, insert_knowledge_;
  PruneWriter prune_;
  std::map<StreamId, StreamKey> streams_;
  Knowledge knowledge_;
  std::uint64_t next_block_ = 1;  // Its id: no mark of arrivals is about a block that came after it.
  Meta meta_;
};

}  // namespace deltamesh::sqlite
