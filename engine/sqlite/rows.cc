// engine/sqlite/rows.cc - checked rows.
#include "engine/sqlite/rows.h"

#include <algorithm>

#include "engine/batch_rules.h"
#include "engine/sqlite/checksum.h"

namespace deltamesh::sqlite {
namespace {

Error corrupt(const std::string& what) {
  return {ErrorCode::kCorrupt, what + " fails its checksum or does not decode"};
}

std::uint64_t bits(DatasetId dataset) {
  return static_cast<std::uint64_t>(dataset);
}
std::uint64_t bits(Ticks ticks) {
  return static_cast<std::uint64_t>(ticks);
}

std::uint64_t checksum_of(const StreamId& stream) {
  Checksum sum(RowKind::kStream);
  sum.add(stream);
  return sum.value();
}

// A block's place as the database has it, before its bytes are looked at.
Result<StoredBlock> read_place(const Statement& row, const StreamId& stream) {
  const std::int64_t first = row.integer(0), last = row.integer(1);
  if (first < 1 || last < first || last - first >= std::int64_t{UINT32_MAX})
    return corrupt("a block of " + describe(stream));
  StoredBlock block;
  block.stream = stream;
  block.first = static_cast<Seq>(first);
  block.events = static_cast<std::uint32_t>(last - first + 1);
  block.codec = static_cast<std::uint8_t>(row.integer(2));
  block.has_utc = !row.is_null(4);
  block.time_min = row.integer(4);
  block.time_max = row.integer(5);
  block.boots = read_boots(row, 8);
  return block;
}

bool read_past(ByteView bytes, MapPast& past) {
  if (bytes.empty()) return true;
  auto read = decode_past(bytes, limits::kMapPastMax);
  if (!read || !bytes.empty()) return false;
  past = *std::move(read);
  return true;
}

// A whole interval list and nothing behind it. The blob bounds the count, and its checksum has been verified.
std::optional<IntervalSet> decode_intervals(ByteView bytes) {
  ByteView in = bytes;
  Result<IntervalSet> set = IntervalSet::decode(in, bytes.size());
  if (!set || !in.empty()) return std::nullopt;
  return std::move(*set);
}

std::optional<StreamKnowledge> decode_knowledge(const KnowledgeRow& row) {
  const auto held = decode_intervals(row.held), dropped = decode_intervals(row.dropped),
             voided = decode_intervals(row.voided), lost = decode_intervals(row.lost);
  if (!held || !dropped || !voided || !lost) return std::nullopt;
  StreamKnowledge known;
  known.drop(*dropped);
  known.hold(*held);
  known.declare_void(*voided);
  known.declare_lost(*lost);
  known.declare_head(row.head, row.settled);
  return known;
}

}  // namespace

Result<std::optional<StreamKey>> find_stream(Database& database, const StreamId& stream) {
  Result<Statement> query = database.prepare(
      "SELECT id FROM streams WHERE dataset = ? AND class = ? AND node = ? AND incarnation = ?");
  if (!query) return query.error();
  query->bind(bits(stream.dataset), static_cast<std::uint32_t>(stream.cls), stream.node, stream.incarnation);
  const Result<bool> row = query->step();
  if (!row) return row.error();
  return *row ? std::optional<StreamKey>(query->integer(0)) : std::nullopt;
}

std::string select_streams() {
  return std::string("SELECT ") + kStreamColumns + ", s.id, s.checksum FROM streams s";
}

bool read_stream(const Statement& row, int column, StreamId& stream) {
  stream.dataset = DatasetId{row.bits(column)};
  stream.cls = static_cast<StreamClass>(row.integer(column + 1));
  return row.id(column + 2, stream.node) && row.id(column + 3, stream.incarnation);
}

Result<StreamRow> read_stream_row(const Statement& row) {
  StreamRow out;
  if (!read_stream(row, 0, out.stream) || row.bits(5) != checksum_of(out.stream))
    return corrupt("the name of a stream");
  out.key = row.integer(4);
  return out;
}

Result<std::map<StreamId, StreamKey>> load_streams(Database& database) {
  const auto rows = collect<StreamRow>(database.prepare(select_streams()), read_stream_row);
  if (!rows) return rows.error();
  std::map<StreamId, StreamKey> streams;
  for (const StreamRow& row : *rows) streams.emplace(row.stream, row.key);
  return streams;
}

Result<StreamKey> insert_stream(Database& database, const StreamId& stream) {
  Result<Statement> insert = database.prepare(
      "INSERT INTO streams (dataset, class, node, incarnation, checksum) VALUES (?, ?, ?, ?, ?)");
  if (!insert) return insert.error();
  insert->bind(bits(stream.dataset), static_cast<std::uint32_t>(stream.cls), stream.node, stream.incarnation,
               checksum_of(stream));
  if (Status status = insert->run(); !status) return status.error();
  return database.last_row();
}

std::uint64_t checksum_of(const StoredBlock& block) {
  Checksum sum(RowKind::kBlock);
  sum.add(block.stream);
  sum.add(block.first);
  sum.add(std::uint64_t{block.events});
  sum.add(std::uint64_t{block.codec});
  sum.add(std::uint64_t{0});  // Quality.
  sum.add(std::uint64_t{block.has_utc});
  sum.add(block.has_utc ? bits(block.time_min) : 0);
  sum.add(block.has_utc ? bits(block.time_max) : 0);
  if (block.boots) {
    sum.add(std::uint64_t{block.boots->boot_min});
    sum.add(std::uint64_t{block.boots->boot_max});
    sum.add(bits(block.boots->ticks_min));
    sum.add(bits(block.boots->ticks_max));
  }
  return sum.value_with(*block.bytes);
}

Result<StoredBlock> read_block(const Statement& row, const StreamId& stream) {
  Result<StoredBlock> block = read_place(row, stream);
  if (!block) return block;
  const ByteView bytes = row.bytes(7);
  block->bytes = std::make_shared<const Bytes>(bytes.begin(), bytes.end());
  const bool whole = row.integer(3) == 0 && !bytes.empty() && row.bits(6) == checksum_of(*block);
  if (!whole) return corrupt("a block of " + describe(stream, block->interval()));
  return block;
}

std::string select_series(const char* where) {
  return std::string("SELECT ") + kStreamColumns +
         ", r.number, r.name, r.unit, r.type, r.checksum, r.dataset "
         "FROM series r LEFT JOIN streams s ON s.id = r.stream " +
         where;
}

Result<StreamSeries> read_series(const Statement& row) {
  StreamSeries series;
  const bool named = read_stream(row, 0, series.stream);
  series.decl.number = static_cast<SeriesNo>(row.integer(4));
  series.decl.name = row.text(5);
  series.decl.unit = row.text(6);
  series.decl.type = static_cast<ValueType>(row.integer(7));
  const bool listed = row.bits(9) == bits(series.stream.dataset);
  if (!named || !listed || row.bits(8) != checksum_of(series))
    return corrupt("series " + std::to_string(series.decl.number) + " of " + describe(series.stream));
  return series;
}

StreamSeries unnamed_series(const SeriesKey& key) {
  return {key.stream, {key.number, {}, {}, ValueType::kBool}};
}

std::uint64_t checksum_of(const StreamSeries& series) {
  Checksum sum(RowKind::kSeries);
  sum.add(series.stream);
  sum.add(std::uint64_t{series.decl.number});
  sum.add(std::string_view(series.decl.name));
  sum.add(std::string_view(series.decl.unit));
  sum.add(static_cast<std::uint64_t>(series.decl.type));
  return sum.value();
}

std::string select_entries(const char* where) {
  return std::string("SELECT ") + kStreamColumns +
         ", e.dataset, e.key, e.epoch, e.stamp, e.seq, e.tombstone, e.checksum, e.value, e.place, "
         "e.untrusted, e.past "
         "FROM map_entries e LEFT JOIN streams s ON s.id = e.stream " +
         where;
}

Result<MapWrite> read_entry(const Statement& row) {
  MapWrite write;
  MapEntry& entry = write.entry;
  const bool named = read_stream(row, 0, entry.version.dot.stream);
  write.dataset = DatasetId{row.bits(4)};
  entry.key = row.text(5);
  entry.version.epoch = static_cast<std::uint32_t>(row.integer(6));
  entry.version.stamp = {row.bits(7)};
  entry.version.dot.seq = row.bits(8);
  entry.tombstone = row.integer(9) != 0;
  entry.value = row.text(11);
  entry.untrusted = row.integer(13) != 0;
  const bool whole = read_past(row.bytes(14), entry.past);
  if (!named || !whole || row.bits(10) != checksum_of(write, row.integer(12)))
    return corrupt("the map entry under key " + entry.key);
  return write;
}

std::uint64_t checksum_of(const MapWrite& write, std::int64_t place) {
  Bytes past;
  encode_past(past, write.entry.past);
  const MapEntry& entry = write.entry;
  Checksum sum(RowKind::kEntry);
  sum.add(bits(write.dataset));
  sum.add(std::string_view(entry.key));
  sum.add(std::uint64_t{entry.version.epoch});
  sum.add(entry.version.stamp.bits);
  sum.add(entry.version.dot.stream);
  sum.add(entry.version.dot.seq);
  sum.add(std::uint64_t{entry.tombstone});
  sum.add(static_cast<std::uint64_t>(place));
  sum.add(std::uint64_t{entry.untrusted});
  sum.add(ByteView(past));
  return sum.value_with(bytes_of(entry.value));
}

std::string select_arrivals(const char* where) {
  return std::string("SELECT first, alive, wall, checksum FROM arrivals ") + where;
}

Result<ArrivalRow> read_arrival(const Statement& row) {
  ArrivalRow out;
  out.first = row.bits(0);
  out.mark.alive = std::chrono::seconds(row.integer(1));
  if (!row.is_null(2)) out.mark.wall = std::chrono::milliseconds(row.integer(2));
  if (row.bits(3) == checksum_of(out)) return out;
  return corrupt("the time of arrival " + std::to_string(out.first));
}

std::uint64_t checksum_of(const ArrivalRow& row) {
  Checksum sum(RowKind::kArrival);
  sum.add(row.first);
  sum.add(static_cast<std::uint64_t>(row.mark.alive.count()));
  sum.add(std::uint64_t{row.mark.wall.has_value()});
  sum.add(static_cast<std::uint64_t>(row.mark.wall.value_or(std::chrono::milliseconds(0)).count()));
  return sum.value();
}

std::string select_acks() {
  return select_stream_acks("") +
         "UNION ALL SELECT NULL, NULL, NULL, NULL, acker, acker_incarnation, NULL, checksum, 1 FROM "
         "ended_ackers";
}

std::string select_stream_acks(const std::string& where) {
  return std::string("SELECT ") + kStreamColumns +
         ", a.acker, a.acker_incarnation, a.dots, a.checksum, 0 "
         "FROM tier_acks a LEFT JOIN streams s ON s.id = a.stream " +
         where;
}

Result<TierAck> read_ack(const Statement& row) {
  TierAck ack;
  ack.ended = row.integer(8) != 0;
  bool whole = row.id(4, ack.acker.node) && row.id(5, ack.acker.incarnation);
  if (!ack.ended) {
    auto dots = decode_intervals(row.bytes(6));
    whole = whole && read_stream(row, 0, ack.stream) && dots;
    if (dots) ack.dots = std::move(*dots);
  }
  if (!whole || row.bits(7) != checksum_of(ack)) return corrupt("an acknowledgement of a tier");
  return ack;
}

std::uint64_t checksum_of(const TierAck& ack) {
  Checksum sum(RowKind::kTierAck);
  sum.add(ack.acker.node);
  sum.add(ack.acker.incarnation);
  sum.add(std::uint64_t{ack.ended});
  if (ack.ended) return sum.value();
  Bytes dots;
  ack.dots.encode(dots);
  sum.add(ack.stream);
  sum.add(ByteView(dots));
  return sum.value();
}

std::optional<BootSpan> read_boots(const Statement& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return BootSpan{static_cast<std::uint32_t>(row.integer(column)),
                  static_cast<std::uint32_t>(row.integer(column + 1)), row.integer(column + 2),
                  row.integer(column + 3)};
}

std::string select_offsets(const char* where) {
  return std::string("SELECT ") + kStreamColumns +
         ", w.dataset, w.class, w.node, w.incarnation, b.boot, b.ticks, b.quality, b.seq, b.checksum "
         "FROM boots b LEFT JOIN streams s ON s.id = b.stream LEFT JOIN streams w ON w.id = b.writer " +
         where;
}

Result<BootOffset> read_offset(const Statement& row) {
  BootOffset offset;
  const bool named = read_stream(row, 0, offset.stream) && read_stream(row, 4, offset.record.stream);
  offset.boot = static_cast<std::uint32_t>(row.integer(8));
  offset.ticks = row.integer(9);
  offset.quality = static_cast<Quality>(row.integer(10));
  offset.record.seq = row.bits(11);
  if (named && row.bits(12) == checksum_of(offset)) return offset;
  return corrupt("the offset of boot " + std::to_string(offset.boot) + " of " + describe(offset.stream));
}

std::uint64_t checksum_of(const BootOffset& offset) {
  Checksum sum(RowKind::kBootOffset);
  sum.add(offset.stream);
  sum.add(std::uint64_t{offset.boot});
  sum.add(bits(offset.ticks));
  sum.add(static_cast<std::uint64_t>(offset.quality));
  sum.add(offset.record.stream);
  sum.add(offset.record.seq);
  return sum.value();
}

std::string select_own_boots() {
  return std::string("SELECT ") + kStreamColumns +
         ", o.place, o.number, o.boot, o.up, o.checksum "
         "FROM own_boots o LEFT JOIN streams s ON s.id = o.stream ORDER BY o.place";
}

Result<OwnBoot> read_own_boot(const Statement& row) {
  OwnBoot boot;
  const bool named = read_stream(row, 0, boot.stream) && row.id(6, boot.id);
  boot.place = row.bits(4);
  boot.number = static_cast<std::uint32_t>(row.integer(5));
  boot.up_max = std::chrono::microseconds(row.integer(7));
  if (named && row.bits(8) == checksum_of(boot)) return boot;
  return corrupt("boot " + std::to_string(boot.number) + " of this machine");
}

std::uint64_t checksum_of(const OwnBoot& boot) {
  Checksum sum(RowKind::kOwnBoot);
  sum.add(boot.place);
  sum.add(boot.stream);
  sum.add(std::uint64_t{boot.number});
  sum.add(boot.id);
  sum.add(static_cast<std::uint64_t>(boot.up_max.count()));
  return sum.value();
}

KnowledgeRow::KnowledgeRow(const Knowledge::Entry& entry)
    : head(entry.known.head()), settled(entry.known.declared()) {
  entry.known.held().encode(held);
  entry.known.dropped().encode(dropped);
  entry.known.voided().encode(voided);
  entry.known.lost().encode(lost);
}

std::uint64_t KnowledgeRow::checksum(const StreamId& stream) const {
  Checksum sum(RowKind::kKnowledge);
  sum.add(stream);
  sum.add(head);
  sum.add(settled);
  sum.add(ByteView(held));
  sum.add(ByteView(dropped));
  sum.add(ByteView(voided));
  sum.add(ByteView(lost));
  return sum.value();
}

std::string select_knowledge() {
  return std::string("SELECT ") + kStreamColumns +
         ", k.head, k.settled, k.held, k.dropped, k.voided, k.lost, k.checksum "
         "FROM knowledge k LEFT JOIN streams s ON s.id = k.stream";
}

Result<Knowledge::Entry> read_knowledge(const Statement& row) {
  Knowledge::Entry entry;
  if (!read_stream(row, 0, entry.stream)) return corrupt("a row of knowledge");
  const auto copy = [&row](int column) {
    const ByteView view = row.bytes(column);
    return Bytes(view.begin(), view.end());
  };
  KnowledgeRow columns;
  columns.head = row.bits(4);
  columns.settled = row.bits(5);
  columns.held = copy(6);
  columns.dropped = copy(7);
  columns.voided = copy(8);
  columns.lost = copy(9);
  auto known = row.bits(10) == columns.checksum(entry.stream) ? decode_knowledge(columns) : std::nullopt;
  if (!known) return corrupt("what is known of " + describe(entry.stream));
  entry.known = std::move(*known);
  return entry;
}

Result<Knowledge> take_knowledge(Result<Statement> query) {
  auto entries = collect<Knowledge::Entry>(std::move(query), read_knowledge);
  if (!entries) return entries.error();
  // In the order of Knowledge, so that each is appended.
  std::sort(entries->begin(), entries->end(),
            [](const auto& a, const auto& b) { return a.stream < b.stream; });
  Knowledge knowledge;
  for (Knowledge::Entry& entry : *entries) knowledge.at(entry.stream) = std::move(entry.known);
  return knowledge;
}

Result<Knowledge> load_knowledge(Database& database) {
  return take_knowledge(database.prepare(select_knowledge()));
}

Result<std::optional<StreamKnowledge>> find_knowledge(Database& database, StreamKey stream) {
  Result<Statement> query = database.prepare(select_knowledge() + " WHERE k.stream = ?");
  if (!query) return query.error();
  query->bind(stream);
  const Result<bool> row = query->step();
  if (!row) return row.error();
  if (!*row) return std::optional<StreamKnowledge>();
  Result<Knowledge::Entry> entry = read_knowledge(*query);
  if (!entry) return entry.error();
  return std::optional(std::move(entry->known));
}

}  // namespace deltamesh::sqlite
