// engine/sqlite/store_maker.cc - row by row into a file beside the place, which is taken at the end.
#include "engine/sqlite/store_maker.h"

#include <utility>

#include "engine/batch_rules.h"
#include "engine/block_cursor.h"
#include "engine/limits.h"
#include "engine/sqlite/files.h"
#include "engine/sqlite/swap.h"
#include "engine/sqlite/witness.h"

namespace deltamesh::sqlite {
namespace {

// Bytes of rows a transaction. More: a longer log beside the new store. Fewer: more checkpoints.
constexpr std::size_t kTransactionBytes = 16u << 20;
// Streams of a store. A node has fewer (limits::kStreamsMax), besides what it has left of before; more, and
// made-up ones fill memory.
constexpr std::size_t kStoreStreamsMax = 4 * limits::kStreamsMax;
// Boots of the machine, which a node keeps in memory. It adds to no more than limits::kOwnBootsMax.
constexpr std::size_t kStoreOwnBootsMax = 4 * limits::kOwnBootsMax;
// What a row takes beyond its text, about.
constexpr std::size_t kRowBytes = 100;

Error invalid(std::string text) {
  return {ErrorCode::kInvalid, std::move(text)};
}

}  // namespace

Status StoreMaker::put(const StoreRow& row) {
  if (const Meta* const meta = std::get_if<Meta>(&row)) return begin(*meta);
  if (!database_) return invalid("the store's identity must come first");
  RowPlace place = place_of(row);
  const bool listed = std::holds_alternative<NotedIncarnation>(row) && place == last_;
  if (!listed && place <= last_) return invalid("it stands twice, or not in its order");
  if (Status status = check_row(row); !status) return status;
  last_ = std::move(place);
  if (Status status = put_behind(row); !status) return status;
  open_bytes_ += kRowBytes;
  if (open_bytes_ < kTransactionBytes) return Done{};
  if (Status status = commit(); !status) return status;
  return database_->run("BEGIN IMMEDIATE");
}

Status StoreMaker::begin(const Meta& meta) {
  if (database_) return invalid("the store's identity stands twice");
  if (Status status = create_store(path_, meta, false); !status) return status;
  Result<Database> database = Database::open(path_, Database::Access::kReadWrite);
  if (!database) return database.error();
  database_ = std::make_unique<Database>(std::move(*database));
  return database_->run("PRAGMA synchronous = OFF; BEGIN IMMEDIATE; DELETE FROM incarnations");
}

Status StoreMaker::put_behind(const StoreRow& row) {
  if (const auto* one = std::get_if<NotedIncarnation>(&row))
    return note_incarnation(*database_, one->incarnation, one->reason);
  if (const auto* stream = std::get_if<StreamId>(&row)) return put_stream(*stream);
  const Result<BatchWriter*> writer = this->writer();
  if (!writer) return writer.error();
  if (const auto* entry = std::get_if<Knowledge::Entry>(&row)) return put_knowledge(*entry);
  if (const auto* series = std::get_if<StreamSeries>(&row)) return put_series(*series);
  if (const auto* placed = std::get_if<PlacedEntry>(&row)) return put_entry(*placed);
  if (const auto* boot = std::get_if<OwnBoot>(&row)) return put_own_boot(*boot);
  if (const auto* mark = std::get_if<ArrivalRow>(&row)) return (*writer)->restore(*mark);
  if (const auto* block = std::get_if<NumberedBlock>(&row)) return put_block(*block);
  Batch batch;
  if (const auto* floor = std::get_if<StoredFloor>(&row)) batch.pruning.floors = {*floor};
  if (const auto* surfaced = std::get_if<SurfacedWrite>(&row)) batch.pruning.surfaced = {surfaced->write};
  if (const auto* ack = std::get_if<TierAck>(&row)) batch.acks = {*ack};
  if (const auto* offset = std::get_if<BootOffset>(&row)) batch.offsets = {*offset};
  return (*writer)->apply(batch);
}

Result<BatchWriter*> StoreMaker::writer() {
  if (writer_) return &*writer_;
  Result<BatchWriter> writer = BatchWriter::open(*database_);
  if (!writer) return writer.error();
  writer_.emplace(std::move(*writer));
  return &*writer_;
}

Status StoreMaker::put_stream(const StreamId& stream) {
  if (++streams_ > kStoreStreamsMax)
    return Error{ErrorCode::kLimit, "more than " + std::to_string(kStoreStreamsMax) + " streams"};
  const Result<StreamKey> key = insert_stream(*database_, stream);
  return key ? Status(Done{}) : Status(key.error());
}

Status StoreMaker::put_knowledge(const Knowledge::Entry& entry) {
  known_.at(entry.stream) = entry.known;
  return writer_->restore(entry);
}

Status StoreMaker::put_series(const StreamSeries& series) {
  Batch batch;
  if (series.decl.name.empty()) {
    batch.unnamed = {{series.stream, series.decl.number}};
  } else {
    batch.declarations = {series};
  }
  return writer_->apply(batch);
}

Status StoreMaker::put_entry(const PlacedEntry& placed) {
  const MapEntry& entry = placed.write.entry;
  const bool same_key = above_.key == entry.key && above_.version.dot.stream.dataset == placed.write.dataset;
  if (placed.place > 0 && !(same_key && wins(above_, entry)))
    return invalid("a conflict without a later write of key " + entry.key + " above it");
  if (placed.place > 0 && placed.place != place_above_ + 1)
    return invalid("a conflict of key " + entry.key + " is missing above it");
  above_ = entry;
  place_above_ = placed.place;
  open_bytes_ += entry.value.size();
  return writer_->restore(placed.write, placed.place);
}

Status StoreMaker::put_own_boot(const OwnBoot& boot) {
  if (++own_boots_ > kStoreOwnBootsMax)
    return Error{ErrorCode::kLimit,
                 "more than " + std::to_string(kStoreOwnBootsMax) + " boots of this machine"};
  Batch batch;
  batch.own_boots = {boot};
  return writer_->apply(batch);
}

Status StoreMaker::put_block(const NumberedBlock& numbered) {
  const StoredBlock& block = numbered.block;
  IntervalSet& there = there_[block.stream];
  if (there.intersects(block.interval()))
    return invalid("the block of " + describe(block.stream, block.interval()) + " overlaps another");
  const StreamKnowledge* const known = known_.find(block.stream);
  if (known == nullptr || !known->held().contains(block.interval()))
    return invalid("the block of " + describe(block.stream, block.interval()) + " is not known to be held");
  if (const auto sound = check_block(block); !sound) return sound.error();
  there.add(block.interval());
  open_bytes_ += block.bytes->size();
  return writer_->restore(block, numbered.number);
}

Status StoreMaker::commit() {
  open_bytes_ = 0;
  return database_->commit_and_write_back();
}

Status StoreMaker::finish() {
  if (!database_) return invalid("there is no store's identity");
  if (Status status = commit(); !status) return status;
  database_->tidy_on_close();
  writer_.reset();
  database_.reset();
  return Done{};
}

namespace {

// A store that waits would take the place of the new one.
Status require_no_store(const std::string& path) {
  if (Status status = require_no_database(path); !status) return status;
  return require_no_database(waiting_store(path));
}

Result<CheckReport> checked(const std::string& path) {
  Result<CheckReport> report = check_contents(path);
  if (!report || report->found == 0) return report;
  return invalid("what it makes is no sound store: " + report->findings[0]);
}

Result<CheckReport> make_at(const std::string& part, const std::function<Status(StoreMaker&)>& fill) {
  if (Status status = remove_database(part); !status) return status.error();
  StoreMaker maker(part);
  Status status = fill(maker);
  if (status) status = maker.finish();
  if (!status) return status.error();
  Result<CheckReport> report = checked(part);
  if (!report) return report;
  status = sync_file(part);
  return status ? report : Result<CheckReport>(status.error());
}

Result<CheckReport> make_locked(const std::string& path, const std::optional<std::string>& memory_folder,
                                const std::function<Status(StoreMaker&)>& fill) {
  if (Status status = require_no_store(path); !status) return status.error();
  const std::string part = path + ".part";
  Result<CheckReport> report = make_at(part, fill);
  Status status = report ? Status(Done{}) : Status(report.error());
  if (status) status = require_no_store(path);
  if (status) status = Witness::at(witness_path(path, memory_folder)).forget();
  if (status) status = rename_new(part, path);
  if (!status) static_cast<void>(remove_database(part));
  return status ? report : Result<CheckReport>(status.error());
}

}  // namespace

Result<CheckReport> make_store(const std::string& path, const std::optional<std::string>& memory_folder,
                               const std::function<Status(StoreMaker&)>& fill) {
  if (Status status = require_no_store(path); !status) return status.error();
  const std::string lock_path = path + ".lock";
  const Result<FileFacts> before = file_facts(lock_path);
  if (!before) return before.error();
  const Result<LockFile> lock = LockFile::take(lock_path);
  if (!lock) return lock.error();
  Result<CheckReport> report = make_locked(path, memory_folder, fill);
  if (!report && !before->exists) static_cast<void>(remove_file(lock_path));
  return report;
}

}  // namespace deltamesh::sqlite
