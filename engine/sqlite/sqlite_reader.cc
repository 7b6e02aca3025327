// engine/sqlite/sqlite_reader.cc - queries.
#include "engine/sqlite/sqlite_reader.h"

#include <algorithm>
#include <limits>
#include <tuple>

#include "engine/batch_rules.h"
#include "engine/sqlite/files.h"
#include "engine/sqlite/image.h"
#include "engine/sqlite/prune_rows.h"
#include "engine/sqlite/schema.h"

namespace deltamesh {

using namespace sqlite;

namespace {

template <class... Values>
Result<Statement> prepare(Database& database, const std::string& sql, const Values&... values) {
  Result<Statement> query = database.prepare(sql);
  if (query) query->bind(values...);
  return query;
}

// What is asked meanwhile is asked of one moment: between two questions blocks may become one.
class OneMoment {
 public:
  explicit OneMoment(Database& database) : database_(database), was_held_(database.in_transaction()) {
    if (!was_held_) begun_ = database_.run("BEGIN");
  }
  ~OneMoment() {
    if (!was_held_ && begun_.ok()) static_cast<void>(database_.run("COMMIT"));
  }
  OneMoment(const OneMoment&) = delete;
  OneMoment& operator=(const OneMoment&) = delete;
  [[nodiscard]] const Status& begun() const { return begun_; }

 private:
  Database& database_;
  bool was_held_;
  Status begun_ = Done{};
};

std::uint64_t bits(DatasetId dataset) {
  return static_cast<std::uint64_t>(dataset);
}

bool by_name(const StreamSeries& a, const StreamSeries& b) {
  return std::tie(a.decl.name, a.stream, a.decl.number) < std::tie(b.decl.name, b.stream, b.decl.number);
}

Result<MapEntry> entry_of(Result<MapWrite> write) {
  if (!write) return write.error();
  return std::move(write->entry);
}

Result<MapEntry> read_entry_alone(const Statement& row) {
  return entry_of(read_entry(row));
}

// All or none of a key, which its rows have in column `key`.
template <class Read>
Result<std::vector<MapEntry>> read_page(Result<Statement> query, const EntryPage& page, int key, Read read) {
  if (!query) return query.error();
  std::vector<MapEntry> found;
  for (std::size_t bytes = 0;;) {
    const Result<bool> row = query->step();
    if (!row) return row.error();
    if (!*row) return found;
    const bool full = found.size() >= page.entries_max || bytes > page.bytes_max;
    if (full && (found.empty() || found.back().key != query->text(key))) return found;
    Result<MapEntry> entry = entry_of(read(*query));
    if (!entry) return entry.error();
    bytes += entry->key.size() + entry->value.size();
    found.push_back(std::move(*entry));
  }
}

// The rows of kBlockColumns that overlap `dots`, until `bytes_max` is passed. One that cannot be read ends
// the answer; if it is the first, the answer is why.
Result<std::vector<StoredBlock>> take_blocks(Statement& query, const StreamId& stream, Interval dots,
                                             std::size_t bytes_max) {
  std::vector<StoredBlock> found;
  for (std::size_t bytes = 0; bytes <= bytes_max;) {
    const Result<bool> row = query.step();
    if (!row && found.empty()) return row.error();
    if (!row || !*row || query.bits(0) > dots.last) break;
    if (query.bits(1) < dots.first) continue;
    Result<StoredBlock> block = read_block(query, stream);
    if (!block && found.empty()) return block.error();
    if (!block) break;
    bytes += block->bytes->size();
    found.push_back(std::move(*block));
  }
  return found;
}

}  // namespace

Result<std::unique_ptr<SqliteReader>> SqliteReader::open_read_only(const std::string& path) {
  return prepared(Database::open_found(path), path, kToolCacheKib);
}

Result<std::unique_ptr<SqliteReader>> SqliteReader::open_beside_writer(const std::string& path,
                                                                       std::uint32_t cache_kib,
                                                                       const std::string& vfs) {
  return prepared(Database::open(path, Database::Access::kReadOnly, vfs), path, cache_kib);
}

Result<std::unique_ptr<SqliteReader>> SqliteReader::prepared(Result<Database> database,
                                                             const std::string& path,
                                                             std::uint32_t cache_kib) {
  if (!database) return database.error();
  database->busy_timeout(kReaderPatience);
  const std::string cache = "PRAGMA cache_size = -" + std::to_string(cache_kib);
  if (Status status = database->run(cache.c_str()); !status) return status.error();
  if (Status status = check_store(*database, path, false); !status) return status.error();
  return std::unique_ptr<SqliteReader>(new SqliteReader(std::move(*database)));
}

// The first question is what fixes the state.
Status SqliteReader::hold_still() {
  if (Status status = database_.run("BEGIN"); !status) return status;
  const Result<std::int64_t> asked = database_.integer("SELECT count(*) FROM meta");
  return asked ? Status(Done{}) : Status(asked.error());
}

Result<StoreImage> SqliteReader::image() const {
  if (database_.in_transaction()) return read_image(database_);
  if (Status status = database_.run("BEGIN"); !status) return status.error();
  Result<StoreImage> image = read_image(database_);
  if (Status status = database_.run("COMMIT"); !status && image) return status.error();
  return image;
}

Result<Knowledge> SqliteReader::knowledge() const {
  return load_knowledge(database_);
}

Result<std::optional<StreamKnowledge>> SqliteReader::known(const StreamId& stream) const {
  const Result<std::optional<StreamKey>> key = find_stream(database_, stream);
  if (!key) return key.error();
  if (!*key) return std::optional<StreamKnowledge>();
  return find_knowledge(database_, **key);
}

Result<Knowledge> SqliteReader::knowledge_of(DatasetId dataset, const NodeId& writer) const {
  return take_knowledge(prepare(database_,
                                select_knowledge() +
                                    " WHERE k.stream IN (SELECT id FROM streams WHERE dataset = ? AND class "
                                    "IN (0, 1, 2) AND node = ?)",
                                bits(dataset), writer));
}

Result<std::vector<TierAck>> SqliteReader::acks(const StreamId& stream) const {
  const Result<std::optional<StreamKey>> key = find_stream(database_, stream);
  if (!key) return key.error();
  if (!*key) return std::vector<TierAck>();
  return collect<TierAck>(prepare(database_, select_stream_acks("WHERE a.stream = ?"), **key), read_ack);
}

Result<std::vector<StoredBlock>> SqliteReader::blocks(const StreamId& stream, Interval dots,
                                                      std::size_t bytes_max) const {
  const Result<std::optional<StreamKey>> key = find_stream(database_, stream);
  if (!key) return key.error();
  if (!*key || dots.first > limits::kSeqMax) return std::vector<StoredBlock>();
  // From the last block that starts at or before the first dot: it may reach into the range.
  Result<Statement> query =
      prepare(database_,
              std::string("SELECT ") + kBlockColumns +
                  " FROM blocks WHERE stream = ?1 AND first >= coalesce((SELECT max(first) FROM blocks "
                  "WHERE stream = ?1 AND first <= ?2), ?2) ORDER BY first",
              **key, dots.first);
  if (!query) return query.error();
  return take_blocks(*query, stream, dots, bytes_max);
}

Status SqliteReader::visit_blocks(const StreamId& stream, Ticks from, Ticks to, Order order,
                                  const std::function<bool(const StoredBlock&)>& visit) const {
  const OneMoment moment(database_);
  if (!moment.begun()) return moment.begun();
  const Result<std::optional<StreamKey>> key = find_stream(database_, stream);
  if (!key) return key.error();
  if (!*key) return Done{};
  const Result<BootOffsets> offsets = this->offsets(stream);
  if (!offsets) return offsets.error();
  auto counted = boot_blocks(stream, **key,
                             [&](const StoredBlock& block) { return may_hold(block, *offsets, from, to); });
  if (!counted) return counted.error();
  if (order == Order::kOldestFirst) std::reverse(counted->begin(), counted->end());
  Result<Statement> query =
      prepare(database_,
              std::string("SELECT ") + kBlockColumns +
                  " FROM blocks WHERE stream = ? AND (time_min IS NULL OR (time_min <= ? AND "
                  "time_max >= ?)) AND boot_min IS NULL ORDER BY first" +
                  (order == Order::kNewestFirst ? " DESC" : ""),
              **key, to, from);
  if (!query) return query.error();
  const auto is_before = [order](Seq a, Seq b) { return order == Order::kOldestFirst ? a < b : a > b; };
  for (;;) {
    const Result<bool> row = query->step();
    if (!row) return row.error();
    for (; !counted->empty() && (!*row || is_before(counted->back(), query->bits(0))); counted->pop_back()) {
      const Result<bool> more = visit_one(stream, **key, counted->back(), visit);
      if (!more) return more.error();
      if (!*more) return Done{};
    }
    if (!*row) return Done{};
    const Result<StoredBlock> block = read_block(*query, stream);
    if (!block) return block.error();
    if (!visit(*block)) return Done{};
  }
}

Result<std::vector<StoredBlock>> SqliteReader::blocks_between(const StreamId& stream, Seq first, Ticks from,
                                                              Ticks to, std::size_t bytes_max) const {
  const Result<std::optional<StreamKey>> key = find_stream(database_, stream);
  if (!key) return key.error();
  if (!*key || first > limits::kSeqMax) return std::vector<StoredBlock>();
  constexpr Ticks kFirst = std::numeric_limits<Ticks>::min(), kLast = std::numeric_limits<Ticks>::max();
  const bool is_all = from == kFirst && to == kLast;
  Result<Statement> query =
      prepare(database_,
              std::string("SELECT ") + kBlockColumns + " FROM blocks WHERE stream = ? AND first >= ?" +
                  (is_all ? "" : " AND time_min <= ? AND time_max >= ?") + " ORDER BY first",
              **key, first);
  if (!query) return query.error();
  if (!is_all) query->bind(**key, first, to, from);
  return take_blocks(*query, stream, {first, limits::kSeqMax}, bytes_max);
}

// The first dots of the blocks that have events counted from boots and that `wanted` picks by their columns.
template <class Wanted>
Result<std::vector<Seq>> SqliteReader::boot_blocks(const StreamId& stream, StreamKey key,
                                                   const Wanted& wanted) const {
  std::vector<Seq> found;
  Result<Statement> query =
      prepare(database_,
              "SELECT first, time_min, time_max, boot_min, boot_max, ticks_min, "
              "ticks_max FROM blocks WHERE stream = ? AND boot_min IS NOT NULL ORDER BY first",
              key);
  if (!query) return query.error();
  for (;;) {
    const Result<bool> row = query->step();
    if (!row) return row.error();
    if (!*row) return found;
    StoredBlock block;
    block.stream = stream;
    block.first = query->bits(0);
    block.has_utc = !query->is_null(1);
    block.time_min = query->integer(1);
    block.time_max = query->integer(2);
    block.boots = read_boots(*query, 3);
    if (wanted(block)) found.push_back(block.first);
  }
}

// Whether to go on; a block that is gone meanwhile is passed over.
Result<bool> SqliteReader::visit_one(const StreamId& stream, StreamKey key, Seq first,
                                     const std::function<bool(const StoredBlock&)>& visit) const {
  Result<Statement> query = prepare(
      database_, std::string("SELECT ") + kBlockColumns + " FROM blocks WHERE stream = ? AND first = ?", key,
      first);
  if (!query) return query.error();
  const Result<bool> row = query->step();
  if (!row) return row.error();
  if (!*row) return true;
  const Result<StoredBlock> block = read_block(*query, stream);
  if (!block) return block.error();
  return visit(*block);
}

Status SqliteReader::visit_unplaced(const StreamId& stream,
                                    const std::function<bool(const StoredBlock&)>& visit) const {
  const OneMoment moment(database_);
  if (!moment.begun()) return moment.begun();
  const Result<std::optional<StreamKey>> key = find_stream(database_, stream);
  if (!key) return key.error();
  if (!*key) return Done{};
  const Result<BootOffsets> offsets = this->offsets(stream);
  if (!offsets) return offsets.error();
  const auto counted = boot_blocks(
      stream, **key, [&](const StoredBlock& block) { return may_hold_unplaced(block, *offsets); });
  if (!counted) return counted.error();
  for (const Seq first : *counted) {
    const Result<bool> more = visit_one(stream, **key, first, visit);
    if (!more) return more.error();
    if (!*more) return Done{};
  }
  return Done{};
}

Result<BootOffsets> SqliteReader::offsets(const StreamId& stream) const {
  const Result<std::optional<StreamKey>> key = find_stream(database_, stream);
  if (!key) return key.error();
  if (!*key) return BootOffsets();
  auto found = collect<BootOffset>(
      prepare(database_, select_offsets("WHERE b.stream = ? ORDER BY b.boot"), **key), read_offset);
  if (!found) return found.error();
  return BootOffsets(*std::move(found));
}

Result<std::vector<HeldBlock>> SqliteReader::held_blocks(const StreamId& stream, Seq from,
                                                         std::size_t blocks_max) const {
  const Result<std::optional<StreamKey>> key = find_stream(database_, stream);
  if (!key) return key.error();
  if (!*key || from > limits::kSeqMax) return std::vector<HeldBlock>();
  const auto read = [](const Statement& row) -> Result<HeldBlock> {
    return HeldBlock{{row.bits(0), row.bits(1)}, row.bits(3), row.bits(2)};
  };
  return collect<HeldBlock>(
      prepare(database_,
              "SELECT first, last, id, length(bytes) FROM blocks WHERE stream = ? AND first >= ? ORDER BY "
              "first LIMIT ?",
              **key, from, static_cast<std::uint64_t>(blocks_max)),
      read);
}

Result<std::uint64_t> SqliteReader::block_bytes(const StreamId& stream) const {
  const Result<std::optional<StreamKey>> key = find_stream(database_, stream);
  if (!key) return key.error();
  if (!*key) return std::uint64_t{0};
  Result<Statement> query =
      prepare(database_, "SELECT coalesce(sum(length(bytes)), 0) FROM blocks WHERE stream = ?", **key);
  if (!query) return query.error();
  const Result<bool> row = query->step();
  if (!row) return row.error();
  return query->bits(0);
}

Result<std::uint64_t> SqliteReader::arrivals_before(std::chrono::seconds alive) const {
  const auto marks =
      collect<ArrivalRow>(prepare(database_, select_arrivals("WHERE alive <= ? ORDER BY first DESC LIMIT 1"),
                                  static_cast<std::int64_t>(alive.count())),
                          read_arrival);
  if (!marks) return marks.error();
  return marks->empty() ? std::uint64_t{0} : marks->front().first;
}

// As of one moment.
Result<std::uint64_t> SqliteReader::bytes_used() const {
  const Result<std::int64_t> bytes = database_.integer(
      "SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count, "
      "pragma_page_size");
  if (!bytes) return bytes.error();
  return static_cast<std::uint64_t>(*bytes);
}

Result<std::vector<StreamSeries>> SqliteReader::series(DatasetId dataset,
                                                       std::optional<std::string_view> name) const {
  auto found =
      name ? collect<StreamSeries>(prepare(database_, select_series("WHERE r.dataset = ? AND r.name = ?"),
                                           bits(dataset), *name),
                                   read_series)
           : collect<StreamSeries>(
                 prepare(database_, select_series("WHERE r.dataset = ? AND r.name <> ''"), bits(dataset)),
                 read_series);
  if (found) std::sort(found->begin(), found->end(), by_name);
  return found;
}

Result<std::vector<MapEntry>> SqliteReader::entries(DatasetId dataset, const EntryPage& page) const {
  return read_page(
      prepare(database_, select_entries("WHERE e.dataset = ? AND e.key >= ? AND e.place = 0 ORDER BY e.key"),
              bits(dataset), bytes_of(page.from)),
      page, 5, read_entry);
}

Result<std::optional<MapEntry>> SqliteReader::entry(DatasetId dataset, std::string_view key) const {
  auto found = collect<MapEntry>(
      prepare(database_, select_entries("WHERE e.dataset = ? AND e.key = ? AND e.place = 0"), bits(dataset),
              bytes_of(key)),
      read_entry_alone);
  if (!found) return found.error();
  return found->empty() ? std::optional<MapEntry>() : std::optional<MapEntry>(std::move(found->front()));
}

Result<std::vector<MapEntry>> SqliteReader::conflicts(DatasetId dataset, const EntryPage& page) const {
  return read_page(
      prepare(database_,
              select_entries("WHERE e.dataset = ? AND e.key >= ? AND e.place > 0 ORDER BY e.key, e.place"),
              bits(dataset), bytes_of(page.from)),
      page, 5, read_entry);
}

Result<std::vector<MapEntry>> SqliteReader::surfaced(DatasetId dataset, const EntryPage& page) const {
  auto found =
      read_page(prepare(database_, select_surfaced("WHERE u.dataset = ? AND u.key >= ? ORDER BY u.key"),
                        bits(dataset), bytes_of(page.from)),
                page, 6, read_surfaced);
  if (!found) return found;
  // Streams have other names in the file than in the order of dots.
  std::sort(found->begin(), found->end(), [](const MapEntry& a, const MapEntry& b) {
    return std::tie(a.key, a.version.dot) < std::tie(b.key, b.version.dot);
  });
  return found;
}

}  // namespace deltamesh
