// engine/sqlite/batch_writer.cc - one batch, all of it or nothing.
#include "engine/sqlite/batch_writer.h"

#include <algorithm>
#include <utility>

#include "crdt/map_conflict.h"
#include "engine/limits.h"
#include "engine/past.h"

namespace deltamesh::sqlite {
namespace {

template <class Items, class Write>
Status write_each(const Items& items, Write write) {
  for (const auto& item : items) {
    if (Status status = write(item); !status) return status;
  }
  return Done{};
}

// The columns of a block behind its place.
template <class... Place>
void bind_block(Statement& statement, const StoredBlock& block, const Place&... place) {
  using Column = std::optional<std::int64_t>;
  const auto utc = [&](Ticks time) { return block.has_utc ? Column(time) : Column(); };
  const auto& boots = block.boots;
  const std::uint32_t codec = block.codec;
  statement.bind(place..., codec, utc(block.time_min), utc(block.time_max),
                 boots ? Column(boots->boot_min) : Column(), boots ? Column(boots->boot_max) : Column(),
                 boots ? Column(boots->ticks_min) : Column(), boots ? Column(boots->ticks_max) : Column(),
                 checksum_of(block), ByteView(*block.bytes));
}

Status prepare_into(std::optional<Statement>& statement, Database& database, const std::string& sql) {
  Result<Statement> prepared = database.prepare(sql);
  if (!prepared) return prepared.error();
  statement.emplace(std::move(*prepared));
  return Done{};
}

}  // namespace

Result<BatchWriter> BatchWriter::open(Database& database) {
  BatchWriter writer(database);
  if (Status status = writer.prepare(); !status) return status.error();
  if (Status status = writer.reload(); !status) return status.error();
  return writer;
}

Status BatchWriter::prepare() {
  const std::pair<std::optional<Statement>*, std::string> statements[] = {
      {&delete_blocks_, "DELETE FROM blocks WHERE stream = ? AND first >= ? AND first <= ?"},
      {&find_block_, "SELECT last FROM blocks WHERE stream = ? AND first <= ? ORDER BY first DESC LIMIT 1"},
      {&find_parts_,
       "SELECT sum(last - first + 1), max(last), max(id) FROM blocks WHERE stream = ? AND first >= ? AND "
       "first <= ?"},
      {&insert_block_,
       "INSERT INTO blocks (id, stream, first, last, codec, quality, time_min, time_max, boot_min, boot_max, "
       "ticks_min, ticks_max, checksum, bytes) VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?)"},
      {&rewrite_block_,
       "UPDATE blocks SET codec = ?4, time_min = ?5, time_max = ?6, boot_min = ?7, boot_max = ?8, ticks_min "
       "= ?9, ticks_max = ?10, checksum = ?11, bytes = ?12 WHERE stream = ?1 AND first = ?2 AND last = ?3"},
      {&insert_series_,
       "INSERT INTO series (stream, number, dataset, name, unit, type, checksum) "
       "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (stream, number) DO UPDATE SET name = excluded.name, "
       "unit = excluded.unit, type = excluded.type, checksum = excluded.checksum WHERE name = ''"},
      {&find_entries_, select_entries("WHERE e.dataset = ? AND e.key = ? ORDER BY e.place")},
      {&insert_entry_,
       "INSERT INTO map_entries (dataset, key, place, epoch, stamp, stream, seq, tombstone, untrusted, past, "
       "checksum, value) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
       "ON CONFLICT (dataset, key, place) DO UPDATE SET "
       "epoch = excluded.epoch, stamp = excluded.stamp, stream = excluded.stream, seq = excluded.seq, "
       "tombstone = excluded.tombstone, untrusted = excluded.untrusted, past = excluded.past, "
       "checksum = excluded.checksum, value = excluded.value"},
      {&delete_entries_, "DELETE FROM map_entries WHERE dataset = ? AND key = ? AND place >= ?"},
      {&insert_knowledge_,
       "INSERT OR REPLACE INTO knowledge (stream, head, settled, held, dropped, voided, lost, checksum) "
       "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"},
  };
  for (const auto& [statement, sql] : statements) {
    if (Status status = prepare_into(*statement, *database_, sql); !status) return status;
  }
  return prune_.prepare(*database_);
}

Status BatchWriter::reload() {
  Result<Meta> meta = read_meta(*database_);
  if (!meta) return meta.error();
  Result<std::map<StreamId, StreamKey>> streams = load_streams(*database_);
  if (!streams) return streams.error();
  Result<Knowledge> knowledge = load_knowledge(*database_);
  if (!knowledge) return knowledge.error();
  const Result<std::int64_t> next = database_->integer(
      "SELECT max(coalesce((SELECT max(id) FROM blocks), 0) + 1, coalesce((SELECT max(first) FROM arrivals), "
      "1))");
  if (!next) return next.error();
  next_block_ = static_cast<std::uint64_t>(*next);
  meta_ = *meta;
  streams_ = std::move(*streams);
  knowledge_ = std::move(*knowledge);
  std::vector<StreamId> gone;
  for (const auto& [stream, known] : knowledge_.entries()) {
    if (is_gone(known)) gone.push_back(stream);
  }
  put_out_of_mind(gone);
  return Done{};
}

// There are many streams that are over and of which nothing is held, and batches are seldom about them.
void BatchWriter::put_out_of_mind(const std::vector<StreamId>& gone) {
  if (gone.empty()) return;
  knowledge_.erase(gone);
  for (const StreamId& stream : gone) streams_.erase(stream);
}

Status BatchWriter::recall(const StreamId& stream) {
  if (streams_.contains(stream)) return Done{};
  const Result<std::optional<StreamKey>> key = find_stream(*database_, stream);
  if (!key || !*key) return key ? Status(Done{}) : Status(key.error());
  auto known = find_knowledge(*database_, **key);
  if (!known) return known.error();
  streams_.emplace(stream, **key);
  if (*known) knowledge_.at(stream) = std::move(**known);
  return Done{};
}

// What the batch may change is known here.
Status BatchWriter::recall(const Batch& batch) {
  Status status = write_each(batch.given_up, [this](const auto& one) { return recall(one.stream); });
  if (status) status = write_each(batch.blocks, [this](const auto& one) { return recall(one.stream); });
  if (status) status = write_each(batch.knowledge, [this](const auto& one) { return recall(one.stream); });
  return status;
}

Status BatchWriter::apply(const Batch& batch) {
  if (Status status = check_batch(batch); !status) return status;
  if (Status status = recall(batch); !status) return status;
  Result<KnowledgeChange> change = knowledge_after(knowledge_, batch);
  if (!change) return change.error();

  if (Status status = database_->run("SAVEPOINT batch"); !status) return status;
  if (Status status = write(batch, *change); !status) return undo(status.error());
  if (Status status = database_->run("RELEASE batch"); !status) return status;

  std::vector<StreamId> gone;
  for (auto& [stream, after] : *change) {
    if (is_gone(after)) gone.push_back(stream);
    knowledge_.at(stream) = std::move(after);
  }
  put_out_of_mind(gone);
  return Done{};
}

Error BatchWriter::undo(Error why) {
  const bool lost = database_->damaged() || why.code == ErrorCode::kFull || why.code == ErrorCode::kIo;
  // Where the transaction is gone, so is the savepoint.
  const bool undone = !lost && database_->run("ROLLBACK TO batch").ok() &&
                      database_->run("RELEASE batch").ok() && reload().ok();
  if (!undone && why.code != ErrorCode::kFull) why.code = ErrorCode::kIo;
  return why;
}

Status BatchWriter::write(const Batch& batch, const KnowledgeChange& change) {
  Status status = write_each(batch.given_up, [this](const auto& dots) { return give_up(dots); });
  if (status) status = write_each(batch.rewritten, [this](const auto& block) { return rewrite(block); });
  if (status) status = write_each(batch.merged, [this](const auto& block) { return merge(block); });
  if (status)
    status = write_each(batch.declarations, [this](const auto& series) { return write_series(series); });
  if (status)
    status = write_each(batch.unnamed, [this](const auto& key) { return write_series(unnamed_series(key)); });
  if (status) status = write_each(batch.blocks, [this](const auto& block) { return write_block(block); });
  if (status) status = write_each(batch.entries, [this](const auto& entry) { return write_entry(entry); });
  if (status) status = write_pruning(batch.pruning);
  if (status)
    status = write_each(change, [this](const auto& one) { return write_knowledge({one.first, one.second}); });
  if (status) status = write_meta_of(batch);
  if (status) status = write_each(batch.acks, [this](const auto& ack) { return write_ack(ack); });
  if (status && batch.mark) status = write_mark(*batch.mark);
  if (status) status = write_boots(batch);
  if (status) status = write_each(batch.put_aside, [this](const auto& stream) { return put_aside(stream); });
  return status;
}

Status BatchWriter::put_aside(const StreamId& stream) {
  const Result<std::optional<StreamKey>> key = find_stream(*database_, stream);
  if (!key || !*key) return key ? Status(Done{}) : Status(key.error());
  const auto known = find_knowledge(*database_, **key);
  if (!known) return known.error();
  if (!*known || !is_gone(**known)) return Done{};
  for (const char* const sql :
       {"DELETE FROM series WHERE stream = ?", "DELETE FROM boots WHERE stream = ?"}) {
    Result<Statement> erase = database_->prepare(sql);
    if (!erase) return erase.error();
    if (Status status = erase->bind(**key).run(); !status) return status;
  }
  return Done{};
}

Status BatchWriter::write_boots(const Batch& batch) {
  Status status = write_each(batch.offsets, [this](const auto& offset) { return write_offset(offset); });
  if (status) status = write_each(batch.own_boots, [this](const auto& boot) { return write_own_boot(boot); });
  if (!status || batch.own_boots_from == 0) return status;
  Result<Statement> erase = database_->prepare("DELETE FROM own_boots WHERE place < ?");
  if (!erase) return erase.error();
  return erase->bind(batch.own_boots_from).run();
}

Status BatchWriter::write_offset(const BootOffset& offset) {
  const Result<StreamKey> stream = key_of(offset.stream), writer = key_of(offset.record.stream);
  if (!stream) return stream.error();
  if (!writer) return writer.error();
  Result<Statement> found = database_->prepare(select_offsets("WHERE b.stream = ? AND b.boot = ?"));
  if (!found) return found.error();
  found->bind(*stream, offset.boot);
  const Result<bool> row = found->step();
  if (!row) return row.error();
  if (*row) {
    const Result<BootOffset> before = read_offset(*found);
    found->reset();
    // A damaged one is as good as none.
    if (before && !goes_before(offset, *before)) return Done{};
  }
  Result<Statement> insert = database_->prepare(
      "INSERT OR REPLACE INTO boots (stream, boot, ticks, quality, writer, seq, checksum) "
      "VALUES (?, ?, ?, ?, ?, ?, ?)");
  if (!insert) return insert.error();
  return insert
      ->bind(*stream, offset.boot, offset.ticks, static_cast<std::uint32_t>(offset.quality), *writer,
             offset.record.seq, checksum_of(offset))
      .run();
}

Status BatchWriter::write_own_boot(const OwnBoot& boot) {
  const Result<StreamKey> stream = key_of(boot.stream);
  if (!stream) return stream.error();
  Result<Statement> insert = database_->prepare(
      "INSERT OR REPLACE INTO own_boots (place, stream, number, boot, up, checksum) "
      "VALUES (?, ?, ?, ?, ?, ?)");
  if (!insert) return insert.error();
  return insert
      ->bind(boot.place, *stream, boot.number, boot.id, static_cast<std::int64_t>(boot.up_max.count()),
             checksum_of(boot))
      .run();
}

Status BatchWriter::give_up(const GivenUp& given_up) {
  const Result<StreamKey> stream = key_of(given_up.stream);
  if (!stream) return stream.error();
  for (const Seq end : {given_up.dots.first - 1, given_up.dots.last}) {
    const Result<bool> cut = cuts_block(*stream, end);
    if (!cut) return cut.error();
    if (*cut) return across_block(given_up);
  }
  return delete_blocks_->bind(*stream, given_up.dots.first, given_up.dots.last).run();
}

// Whether `dot` is in a block and not its last.
Result<bool> BatchWriter::cuts_block(StreamKey stream, Seq dot) {
  find_block_->bind(stream, dot);
  const Result<bool> row = find_block_->step();
  if (!row) return row.error();
  const bool cut = *row && find_block_->bits(0) > dot;
  find_block_->reset();
  return cut;
}

Status BatchWriter::restore(const ArrivalRow& row) {
  Result<Statement> insert = database_->prepare(
      "INSERT OR REPLACE INTO arrivals (first, alive, wall, checksum) VALUES (?, ?, ?, ?)");
  if (!insert) return insert.error();
  const auto alive = static_cast<std::int64_t>(row.mark.alive.count());
  if (row.mark.wall) {
    insert->bind(row.first, alive, static_cast<std::int64_t>(row.mark.wall->count()), checksum_of(row));
  } else {
    insert->bind(row.first, alive, nullptr, checksum_of(row));
  }
  return insert->run();
}

Status BatchWriter::restore(const StoredBlock& block, std::uint64_t number) {
  next_block_ = number;
  return write_block(block);
}

// Marks that are about no block any more go; but the last, which the next goes on from, stays.
Status BatchWriter::write_mark(const ArrivalMark& mark) {
  if (Status status = restore(ArrivalRow{next_block_, mark}); !status) return status;
  return database_->run(
      "DELETE FROM arrivals WHERE first <= coalesce((SELECT min(id) FROM blocks), 0) AND first < (SELECT "
      "max(first) FROM arrivals)");
}

Status BatchWriter::write_ack(const TierAck& ack) {
  const auto run = [&](const char* sql, const auto&... values) -> Status {
    Result<Statement> statement = database_->prepare(sql);
    if (!statement) return statement.error();
    return statement->bind(ack.acker.node, ack.acker.incarnation, values...).run();
  };
  if (ack.ended) {
    Status status = run("DELETE FROM tier_acks WHERE acker = ? AND acker_incarnation = ?");
    if (!status) return status;
    return run("INSERT OR REPLACE INTO ended_ackers (acker, acker_incarnation, checksum) VALUES (?, ?, ?)",
               checksum_of(ack));
  }
  const Result<StreamKey> stream = key_of(ack.stream);
  if (!stream) return stream.error();
  Bytes dots;
  ack.dots.encode(dots);
  return run(
      "INSERT OR REPLACE INTO tier_acks (acker, acker_incarnation, stream, dots, checksum) VALUES (?, ?, ?, "
      "?, ?)",
      *stream, ByteView(dots), checksum_of(ack));
}

Status BatchWriter::write_block(const StoredBlock& block) {
  const Result<StreamKey> stream = key_of(block.stream);
  if (!stream) return stream.error();
  bind_block(*insert_block_, block, next_block_, *stream, block.first, block.interval().last);
  Status status = insert_block_->run();
  if (status) ++next_block_;
  return status;
}

Status BatchWriter::rewrite(const StoredBlock& block) {
  const Result<StreamKey> stream = key_of(block.stream);
  if (!stream) return stream.error();
  bind_block(*rewrite_block_, block, *stream, block.first, block.interval().last);
  return rewrite_block_->run();
}

// The order of arrival is that of row ids, so it takes the last one of those that it replaces.
Status BatchWriter::merge(const StoredBlock& block) {
  const Result<StreamKey> stream = key_of(block.stream);
  if (!stream) return stream.error();
  const Interval dots = block.interval();
  find_parts_->bind(*stream, dots.first, dots.last);
  const Result<bool> row = find_parts_->step();
  if (!row) return row.error();
  const bool are_all = find_parts_->bits(0) == dots.size() && find_parts_->bits(1) == dots.last;
  const std::uint64_t id = find_parts_->bits(2);
  find_parts_->reset();
  if (!are_all) return Done{};
  if (Status status = delete_blocks_->bind(*stream, dots.first, dots.last).run(); !status) return status;
  bind_block(*insert_block_, block, id, *stream, dots.first, dots.last);
  return insert_block_->run();
}

Status BatchWriter::write_series(const StreamSeries& series) {
  const Result<StreamKey> stream = key_of(series.stream);
  if (!stream) return stream.error();
  const auto dataset = static_cast<std::uint64_t>(series.stream.dataset);
  return insert_series_
      ->bind(*stream, series.decl.number, dataset, std::string_view(series.decl.name),
             std::string_view(series.decl.unit), static_cast<std::uint32_t>(series.decl.type),
             checksum_of(series))
      .run();
}

// The latest first.
Result<std::vector<MapEntry>> BatchWriter::stored_writes(const MapWrite& write) {
  std::vector<MapEntry> found;
  find_entries_->bind(static_cast<std::uint64_t>(write.dataset), bytes_of(write.entry.key));
  for (;;) {
    const Result<bool> row = find_entries_->step();
    if (!row || !*row) return row ? Result<std::vector<MapEntry>>(std::move(found)) : row.error();
    Result<MapWrite> stored = read_entry(*find_entries_);
    if (!stored) find_entries_->reset();
    if (!stored) return stored.error();
    found.push_back(std::move(stored->entry));
  }
}

Status BatchWriter::write_entry(const MapWrite& write) {
  Result<std::vector<MapEntry>> stored = stored_writes(write);
  if (!stored) return stored.error();
  if (stored->empty()) return write_at(write, 0);
  MapEntry latest = stored->front();
  std::vector<MapEntry> left(stored->begin() + 1, stored->end());
  if (!join_write(latest, left, write.entry, limits::kMapConflictsMax).kept) return Done{};
  left.insert(left.begin(), std::move(latest));
  return replace_writes(write, *stored, std::move(left));
}

// Both the latest first.
Status BatchWriter::replace_writes(const MapWrite& key, const std::vector<MapEntry>& stored,
                                   std::vector<MapEntry> left) {
  for (std::size_t place = 0; place < left.size(); ++place) {
    if (place < stored.size() && left[place] == stored[place]) continue;
    if (Status status = write_at({key.dataset, std::move(left[place])}, place); !status) return status;
  }
  if (left.size() >= stored.size()) return Done{};
  return delete_entries_
      ->bind(static_cast<std::uint64_t>(key.dataset), bytes_of(key.entry.key),
             static_cast<std::uint64_t>(left.size()))
      .run();
}

Status BatchWriter::write_pruning(const MapPruning& pruning) {
  return prune_.write(
      pruning, [this](const MapWrite& key) { return stored_writes(key); },
      [this](const MapWrite& key, const std::vector<MapEntry>& stored, std::vector<MapEntry> left) {
        return replace_writes(key, stored, std::move(left));
      },
      [this](const StreamId& stream) { return key_of(stream); });
}

Status BatchWriter::write_at(const MapWrite& write, std::size_t place) {
  const MapEntry& entry = write.entry;
  const Result<StreamKey> stream = key_of(entry.version.dot.stream);
  if (!stream) return stream.error();
  Bytes past;
  encode_past(past, entry.past);
  const auto at = static_cast<std::int64_t>(place);
  return insert_entry_
      ->bind(static_cast<std::uint64_t>(write.dataset), bytes_of(entry.key), at, entry.version.epoch,
             entry.version.stamp.bits, *stream, entry.version.dot.seq, entry.tombstone, entry.untrusted,
             ByteView(past), checksum_of(write, at), bytes_of(entry.value))
      .run();
}

Status BatchWriter::write_knowledge(const Knowledge::Entry& entry) {
  const Result<StreamKey> stream = key_of(entry.stream);
  if (!stream) return stream.error();
  const KnowledgeRow row(entry);
  return insert_knowledge_
      ->bind(*stream, row.head, row.settled, ByteView(row.held), ByteView(row.dropped), ByteView(row.voided),
             ByteView(row.lost), row.checksum(entry.stream))
      .run();
}

Status BatchWriter::write_meta_of(const Batch& batch) {
  Meta meta = meta_;
  if (batch.clock != HlcStamp()) meta.clock = batch.clock;
  if (batch.obeyed) meta.obeyed = *batch.obeyed;
  if (meta.clock == meta_.clock && meta.obeyed == meta_.obeyed) return Done{};
  Status status = write_meta(*database_, meta);
  if (status) meta_ = meta;
  return status;
}

Status BatchWriter::note_opening(const std::optional<Incarnation>& next) {
  if (Status status = next ? end_streams() : Done{}; !status) return status;
  Meta meta = meta_;
  ++meta.opens;
  if (next) meta.identity.incarnation = *next;
  Status status = write_meta(*database_, meta);
  if (status) meta_ = meta;
  return status;
}

Status BatchWriter::end_streams() {
  const Knowledge after = ended_streams(knowledge_, meta_.identity);
  knowledge_.join(after);
  return write_each(after.entries(), [this](const auto& entry) { return write_knowledge(entry); });
}

Result<StreamKey> BatchWriter::key_of(const StreamId& stream) {
  if (const auto at = streams_.find(stream); at != streams_.end()) return at->second;
  if (Status recalled = recall(stream); !recalled) return recalled.error();
  if (const auto at = streams_.find(stream); at != streams_.end()) return at->second;
  Result<StreamKey> key = insert_stream(*database_, stream);
  if (key) streams_.emplace(stream, *key);
  return key;
}

LastNumbers BatchWriter::issued() const {
  LastNumbers last;
  for (const auto& [stream, known] : knowledge_.entries()) {
    if (writes(meta_.identity, stream)) last[{stream.dataset, stream.cls}] = known.head();
  }
  return last;
}

void BatchWriter::add_issued(const Batch& batch, LastNumbers& last) const {
  const auto raise = [&](const StreamId& stream, Seq seq) {
    if (!writes(meta_.identity, stream)) return;
    Seq& known = last[{stream.dataset, stream.cls}];
    known = std::max(known, seq);
  };
  for (const StoredBlock& block : batch.blocks) raise(block.stream, block.interval().last);
  for (const MapWrite& write : batch.entries)
    raise(write.entry.version.dot.stream, write.entry.version.dot.seq);
  for (const Knowledge::Entry& entry : batch.knowledge) raise(entry.stream, entry.known.head());
}

}  // namespace deltamesh::sqlite
