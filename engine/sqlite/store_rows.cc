// engine/sqlite/store_rows.cc - table by table, each in the order of its keys.
#include "engine/sqlite/store_rows.h"

#include <algorithm>
#include <set>
#include <utility>

#include "engine/batch_rules.h"
#include "engine/limits.h"
#include "engine/sqlite/files.h"
#include "engine/sqlite/prune_rows.h"
#include "engine/sqlite/sqlite_reader.h"

namespace deltamesh::sqlite {
namespace {

template <class... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};
template <class... Functions>
Overloaded(Functions...) -> Overloaded<Functions...>;

// That a machine can have been up for. More: with times since 1970 it passes 64 bits.
constexpr std::chrono::hours kUpMax{24 * 365 * 1'000};

Error invalid(std::string text) {
  return {ErrorCode::kInvalid, std::move(text)};
}

// --- What a row may say ----------------------------------------------------------------------------------

Status check_last(Seq last) {
  return last <= limits::kSeqMax ? Status(Done{}) : Status(invalid("a dot beyond the largest number"));
}

Status check_runs(const IntervalSet& dots) {
  if (dots.intervals().size() <= limits::kIntervalsMax) return check_last(dots.last());
  return Error{ErrorCode::kLimit, "more than " + std::to_string(limits::kIntervalsMax) + " runs of dots"};
}

Status check_stream(const StreamId& stream) {
  if (stream.cls <= StreamClass::kLog) return Done{};
  return Error{ErrorCode::kUnsupported, "a stream of an unknown class"};
}

// What peers would refuse to take of it is no entry either.
Status check_write(const MapWrite& write) {
  Batch batch;
  batch.entries = {write};
  if (Status status = check_batch(batch); !status) return status;
  Bytes bytes;
  encode_map_entry(bytes, write.entry, std::nullopt);
  ByteView in = bytes;
  std::optional<std::uint32_t> rank = 0;
  const Result<MapEntry> entry = decode_map_entry(in, rank, limits::kMapEntry);
  return entry ? Status(Done{}) : Status(entry.error());
}

Status check_knowledge(const Knowledge::Entry& entry) {
  Batch batch;
  batch.knowledge = {entry};
  const Result<KnowledgeChange> after = knowledge_after({}, batch);
  return after ? check_last(entry.known.head()) : Status(after.error());
}

Status check_series(const StreamSeries& series) {
  if (series.decl.name.empty())
    return series == unnamed_series({series.stream, series.decl.number})
               ? Status(Done{})
               : Status(invalid("a series without a name that has more than its number"));
  Batch batch;
  batch.declarations = {series};
  return check_batch(batch);
}

Status check_entry(const PlacedEntry& entry) {
  if (entry.place <= limits::kMapConflictsMax) return check_write(entry.write);
  return Error{ErrorCode::kLimit, "more than " + std::to_string(limits::kMapConflictsMax) +
                                      " conflicts of key " + entry.write.entry.key};
}

Status check_floor(const StoredFloor& stored) {
  Batch batch;
  batch.pruning.floors = {stored};
  if (Status status = check_batch(batch); !status) return status;
  std::size_t runs = 0;
  for (const auto& [stream, known] : stored.floor.collected.entries()) {
    if (Status status = check_stream(stream); !status) return status;
    if (Status status = check_last(known.head()); !status) return status;
    runs += known.held().intervals().size();
  }
  if (runs <= kFloorRunsMax) return Done{};
  return Error{ErrorCode::kLimit,
               "more than " + std::to_string(kFloorRunsMax) + " runs of dots in the floor of a map"};
}

Status check_offset(const BootOffset& offset) {
  Batch batch;
  batch.offsets = {offset};
  if (Status status = check_batch(batch); !status) return status;
  if (offset.record.seq == 0) return invalid("a record of a boot without a dot");
  return check_last(offset.record.seq);
}

// A boot whose number no record can name would never be placed.
Status check_own_boot(const OwnBoot& boot) {
  Batch batch;
  batch.own_boots = {boot};
  if (Status status = check_batch(batch); !status) return status;
  if (boot.place == limits::kSeqMax) return invalid("a boot after which there can be none");
  if (boot.number > limits::kBootsPerStreamMax) return invalid("more boots than can have an offset");
  const bool is_sound = boot.up_max.count() >= 0 && boot.up_max <= kUpMax;
  return is_sound ? Status(Done{})
                  : Status(invalid("a machine that was up for less than no time, or for ever"));
}

Status check_number(std::uint64_t number) {
  return number > 0 && number <= limits::kSeqMax ? Status(Done{})
                                                 : Status(invalid("an arrival out of bounds"));
}

Status check_mark(const ArrivalRow& row) {
  if (row.mark.alive.count() < 0) return invalid("a store that was alive for less than no time");
  return check_number(row.first);
}

Status check_block_row(const NumberedBlock& row) {
  Batch batch;
  batch.blocks = {row.block};
  if (Status status = check_batch(batch); !status) return status;
  return check_number(row.number);
}

// --- Reading -----------------------------------------------------------------------------------------------

class Visit {
 public:
  Visit(Database& database, const std::function<Status(StoreRow)>& visit)
      : database_(database), visit_(visit) {}

  Status run() && {
    const std::pair<const char*, Status (Visit::*)()> steps[] = {
        {"meta", &Visit::meta},           {"incarnations", &Visit::incarnations},
        {"streams", &Visit::streams},     {"knowledge", &Visit::knowledge},
        {"series", &Visit::series},       {"map_entries", &Visit::entries},
        {"map_floors", &Visit::floors},   {"surfaced", &Visit::surfaced},
        {"tier_acks", &Visit::acks},      {"boots", &Visit::offsets},
        {"own_boots", &Visit::own_boots}, {"blocks", &Visit::blocks}};
    for (const auto& [table, step] : steps) {
      Status status = (this->*step)();
      if (!status) return Error{status.error().code, std::string(table) + ": " + status.error().text};
    }
    return Done{};
  }

 private:
  Status give(StoreRow row) {
    if (Status status = check_row(row); !status) return status;
    return visit_(std::move(row));
  }

  // Every row that `query` has from here on, as `read` returns it.
  template <class Read>
  Status give_rows(Result<Statement>& query, Read read) {
    for (;;) {
      const Result<bool> row = query->step();
      if (!row) return row.error();
      if (!*row) return Done{};
      auto value = read(*query);
      if (!value) return value.error();
      if (Status status = give(*std::move(value)); !status) return status;
    }
  }

  // `sql` for each stream, in their order.
  template <class Read>
  Status each_stream(const std::string& sql, Read read) {
    Result<Statement> query = database_.prepare(sql);
    if (!query) return query.error();
    for (const auto& [stream, key] : streams_) {
      query->bind(key);
      if (Status status = give_rows(query, read); !status) return status;
    }
    return Done{};
  }

  // `sql` for each dataset that `table` has rows of; SQLite would order their numbers with a sign.
  template <class Read>
  Status each_dataset(const char* table, const std::string& sql, Read read) {
    const auto number = [](const Statement& row) -> Result<std::uint64_t> { return row.bits(0); };
    auto found = collect<std::uint64_t>(
        database_.prepare(std::string("SELECT DISTINCT dataset FROM ") + table), number);
    if (!found) return found.error();
    std::sort(found->begin(), found->end());
    Result<Statement> query = database_.prepare(sql);
    if (!query) return query.error();
    for (const std::uint64_t dataset : *found) {
      query->bind(dataset);
      if (Status status = give_rows(query, read); !status) return status;
    }
    return Done{};
  }

  template <class Value>
  Status give_sorted(Result<std::vector<Value>> values) {
    if (!values) return values.error();
    std::sort(values->begin(), values->end(),
              [](const Value& a, const Value& b) { return place_of(a) < place_of(b); });
    for (Value& value : *values) {
      if (Status status = give(std::move(value)); !status) return status;
    }
    return Done{};
  }

  Status meta();
  Status incarnations();
  Status streams();
  Status knowledge();
  Status series();
  Status entries();
  Status floors();
  Status surfaced();
  Status acks();
  Status offsets();
  Status own_boots();
  Status blocks();
  Status marks_up_to(std::uint64_t number);
  Result<StreamId> stream_of(StreamKey key) const;

  Database& database_;
  const std::function<Status(StoreRow)>& visit_;
  std::map<StreamId, StreamKey> streams_;
  std::map<StreamKey, StreamId> names_;
  std::vector<ArrivalRow> marks_;  // In order,
  std::size_t next_mark_ = 0;      // those before this were given.
};

Status Visit::meta() {
  const Result<Meta> meta = read_meta(database_);
  return meta ? give(*meta) : Status(meta.error());
}

Status Visit::incarnations() {
  Result<Statement> query = database_.prepare(select_incarnations() + " ORDER BY number");
  if (!query) return query.error();
  return give_rows(query, [](const Statement& row) -> Result<NotedIncarnation> {
    const Result<Incarnation> one = read_incarnation(row);
    if (!one) return one.error();
    return NotedIncarnation{*one, row.text(1)};
  });
}

Status Visit::streams() {
  auto streams = load_streams(database_);
  if (!streams) return streams.error();
  streams_ = std::move(*streams);
  for (const auto& [stream, key] : streams_) {
    names_.emplace(key, stream);
    if (Status status = give(stream); !status) return status;
  }
  return Done{};
}

Status Visit::knowledge() {
  return each_stream(select_knowledge() + " WHERE k.stream = ?", read_knowledge);
}

Status Visit::series() {
  return each_stream(select_series("WHERE r.stream = ? ORDER BY r.number"), read_series);
}

Status Visit::entries() {
  return each_dataset("map_entries", select_entries("WHERE e.dataset = ? ORDER BY e.key, e.place"),
                      [](const Statement& row) -> Result<PlacedEntry> {
                        Result<MapWrite> write = read_entry(row);
                        if (!write) return write.error();
                        return PlacedEntry{std::move(*write), static_cast<std::uint32_t>(row.integer(12))};
                      });
}

Status Visit::floors() {
  return give_sorted(load_floors(database_));
}

Status Visit::surfaced() {
  return each_dataset(
      "surfaced",
      select_surfaced("WHERE u.dataset = ? ORDER BY u.key, s.class, s.node, s.incarnation, u.seq"),
      [](const Statement& row) -> Result<SurfacedWrite> {
        Result<MapWrite> write = read_surfaced(row);
        if (!write) return write.error();
        return SurfacedWrite{std::move(*write)};
      });
}

Status Visit::acks() {
  return give_sorted(collect<TierAck>(database_.prepare(select_acks()), read_ack));
}

Status Visit::offsets() {
  return each_stream(select_offsets("WHERE b.stream = ? ORDER BY b.boot"), read_offset);
}

Status Visit::own_boots() {
  Result<Statement> query = database_.prepare(select_own_boots());
  if (!query) return query.error();
  return give_rows(query, read_own_boot);
}

Result<StreamId> Visit::stream_of(StreamKey key) const {
  const auto at = names_.find(key);
  if (at == names_.end()) return Error{ErrorCode::kCorrupt, "a block of a stream that is not there"};
  return at->second;
}

Status Visit::marks_up_to(std::uint64_t number) {
  for (; next_mark_ < marks_.size() && marks_[next_mark_].first <= number; ++next_mark_) {
    if (Status status = give(marks_[next_mark_]); !status) return status;
  }
  return Done{};
}

Status Visit::blocks() {
  auto marks = collect<ArrivalRow>(database_.prepare(select_arrivals("ORDER BY first")), read_arrival);
  if (!marks) return marks.error();
  marks_ = std::move(*marks);
  Result<Statement> query =
      database_.prepare(std::string("SELECT ") + kBlockColumns + ", stream, id FROM blocks ORDER BY id");
  if (!query) return query.error();
  const auto read = [this](const Statement& row) -> Result<NumberedBlock> {
    const Result<StreamId> stream = stream_of(row.integer(kBlockColumnCount));
    if (!stream) return stream.error();
    const std::uint64_t number = row.bits(kBlockColumnCount + 1);
    if (Status status = marks_up_to(number); !status) return status.error();
    Result<StoredBlock> block = read_block(row, *stream);
    if (!block) return block.error();
    return NumberedBlock{number, std::move(*block)};
  };
  if (Status status = give_rows(query, read); !status) return status;
  return marks_up_to(limits::kSeqMax);
}

}  // namespace

RowPlace place_of(const StoreRow& row) {
  RowPlace place;
  place.kind = row.index();
  std::visit(Overloaded{[](const Meta&) {}, [](const NotedIncarnation&) {},
                        [&](const StreamId& stream) { place.stream = stream; },
                        [&](const Knowledge::Entry& entry) { place.stream = entry.stream; },
                        [&](const StreamSeries& series) {
                          place.stream = series.stream;
                          place.number = series.decl.number;
                        },
                        [&](const PlacedEntry& entry) {
                          place.dataset = entry.write.dataset;
                          place.key = entry.write.entry.key;
                          place.number = entry.place;
                        },
                        [&](const StoredFloor& floor) { place.dataset = floor.dataset; },
                        [&](const SurfacedWrite& surfaced) {
                          place.dataset = surfaced.write.dataset;
                          place.key = surfaced.write.entry.key;
                          place.stream = surfaced.write.entry.version.dot.stream;
                          place.number = surfaced.write.entry.version.dot.seq;
                        },
                        [&](const TierAck& ack) {
                          place.acked = !ack.ended;
                          place.acker = ack.acker;
                          if (!ack.ended) place.stream = ack.stream;
                        },
                        [&](const BootOffset& offset) {
                          place.stream = offset.stream;
                          place.number = offset.boot;
                        },
                        [&](const OwnBoot& boot) { place.number = boot.place; },
                        [&](const ArrivalRow& mark) {
                          ++place.kind;  // Among the blocks.
                          place.number = mark.first;
                        },
                        [&](const NumberedBlock& block) {
                          place.number = block.number;
                          place.block = true;
                        }},
             row);
  return place;
}

Status check_row(const StoreRow& row) {
  return std::visit(Overloaded{[](const Meta&) { return Status(Done{}); },
                               [](const NotedIncarnation&) { return Status(Done{}); },
                               [](const StreamId& stream) { return check_stream(stream); },
                               [](const Knowledge::Entry& entry) { return check_knowledge(entry); },
                               [](const StreamSeries& series) { return check_series(series); },
                               [](const PlacedEntry& entry) { return check_entry(entry); },
                               [](const StoredFloor& floor) { return check_floor(floor); },
                               [](const SurfacedWrite& surfaced) { return check_write(surfaced.write); },
                               [](const TierAck& ack) { return check_runs(ack.dots); },
                               [](const BootOffset& offset) { return check_offset(offset); },
                               [](const OwnBoot& boot) { return check_own_boot(boot); },
                               [](const ArrivalRow& mark) { return check_mark(mark); },
                               [](const NumberedBlock& block) { return check_block_row(block); }},
                    row);
}

Status visit_rows(const std::string& path, const std::function<Status(StoreRow)>& visit) {
  const auto before = StandingStore::at(path);
  if (!before) return before.error();
  Result<Database> database = Database::open_found(path);
  if (!database) return database.error();
  database->busy_timeout(kReaderPatience);
  if (Status status = database->run("BEGIN"); !status) return status;
  if (Status status = check_store(*database, path, false); !status) return status;
  if (Status status = Visit(*database, visit).run(); !status) return status;
  return before->check(path);
}

}  // namespace deltamesh::sqlite
