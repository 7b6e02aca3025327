// engine/sqlite/salvage.cc - raw rows through the readers that every row of a store goes through.
#include "engine/sqlite/salvage.h"

#include <algorithm>
#include <cstring>
#include <initializer_list>

#include "engine/limits.h"
#include "engine/sqlite/prune_rows.h"
#include "engine/sqlite/raw_rows.h"

namespace deltamesh::sqlite {
namespace {

// Values as the current row of a statement, which is what readers of rows read.
class RowMaker {
 public:
  static Result<RowMaker> make() {
    Result<Database> database = Database::create(":memory:");
    if (!database) return database.error();
    return RowMaker(std::move(*database));
  }

  // nullptr when memory is short. Lasts until the next call.
  const Statement* row(const std::vector<AnyValue>& values) {
    auto found = by_width_.find(values.size());
    if (found == by_width_.end()) {
      std::string sql = "SELECT ?";
      for (std::size_t i = 1; i < values.size(); ++i) sql += ", ?";
      Result<Statement> statement = database_.prepare(sql);
      if (!statement) return nullptr;
      found = by_width_.emplace(values.size(), std::move(*statement)).first;
    }
    const Result<bool> row = found->second.bind_all(values).step();
    return row && *row ? &found->second : nullptr;
  }

 private:
  explicit RowMaker(Database database) : database_(std::move(database)) {}

  Database database_;
  std::map<std::size_t, Statement> by_width_;
};

std::int64_t integer(const AnyValue& value) {
  const auto* const number = std::get_if<std::int64_t>(&value);
  return number != nullptr ? *number : 0;
}

std::string text(const AnyValue& value) {
  const auto* const view = std::get_if<ByteView>(&value);
  return view == nullptr ? std::string()
                         : std::string(reinterpret_cast<const char*>(view->data()), view->size());
}

// Of a column of 16 bytes.
template <class Id>
Id id(const AnyValue& value) {
  Id out;
  const auto* const view = std::get_if<ByteView>(&value);
  if (view != nullptr && view->size() == out.bytes.size())
    std::memcpy(out.bytes.data(), view->data(), out.bytes.size());
  return out;
}

DatasetId dataset(const AnyValue& value) {
  return DatasetId{static_cast<std::uint64_t>(integer(value))};
}

// The row's values in the order in which their reader wants them.
void append(std::vector<AnyValue>& out, const RawRow& row, std::initializer_list<std::size_t> order) {
  for (const std::size_t column : order) out.push_back(row.values[column]);
}

std::vector<AnyValue> named(const StreamId& stream, const RawRow& row,
                            std::initializer_list<std::size_t> order) {
  std::vector<AnyValue> out{static_cast<std::int64_t>(stream.dataset), static_cast<std::int64_t>(stream.cls),
                            std::as_bytes(std::span(stream.node.bytes)),
                            std::as_bytes(std::span(stream.incarnation.bytes))};
  append(out, row, order);
  return out;
}

using Names = std::multimap<StreamKey, StreamId>;
// For one key, one of them damaged. More: a made-up store takes long.
constexpr std::ptrdiff_t kNamesMax = 8;

// What `read` makes of the row under the first name of its stream that it accepts. `is_named`: there is one.
template <class Value, class Columns, class Read>
std::optional<Value> first_sound(RowMaker& maker, const Names& names, StreamKey key, bool& is_named,
                                 Columns columns, Read read) {
  const auto [begin, end] = names.equal_range(key);
  is_named = begin != end;
  for (auto at = begin; at != end; ++at) {
    const Statement* const row = maker.row(columns(at->second));
    if (row == nullptr) continue;
    Result<Value> value = read(*row, at->second);
    if (value) return std::move(*value);
  }
  return std::nullopt;
}

class Collector {
 public:
  Collector(RowMaker& maker, Salvaged& out) : maker_(maker), out_(out) {}

  void take_name(const RawRow& row) {
    if (row.kind == RawKind::kStreamName)
      return add_name(integer(row.values[4]),
                      {dataset(row.values[0]), static_cast<StreamClass>(integer(row.values[1])),
                       id<NodeId>(row.values[2]), id<Incarnation>(row.values[3])});
    std::vector<AnyValue> values;
    append(values, row, {1, 2, 3, 4});
    values.emplace_back(row.id);
    append(values, row, {5});
    const Statement* const made = maker_.row(values);
    const Result<StreamRow> stream = made ? read_stream_row(*made) : Result<StreamRow>(kNoMemory);
    if (stream) add_name(stream->key, stream->stream);
  }

  void take(const RawRow& row) {
    switch (row.kind) {
      case RawKind::kMeta: return take_meta(row);
      case RawKind::kIncarnation: return take_incarnation(row);
      case RawKind::kKnowledge: return take_knowledge(row);
      case RawKind::kSeries: return take_series(row);
      case RawKind::kEntry: return take_entry(row);
      case RawKind::kFloor: return take_floor(row);
      case RawKind::kSurfaced: return take_surfaced(row);
      case RawKind::kOffset: return take_offset(row);
      case RawKind::kOwnBoot: return take_own_boot(row);
      case RawKind::kSeriesName: return list_series(row);
      case RawKind::kEntryKey: out_.listed_keys.emplace(dataset(row.values[0]), text(row.values[1])); return;
      default: return;
    }
  }

 private:
  inline static const Error kNoMemory{ErrorCode::kFull, "no memory for a row"};

  void add_name(StreamKey key, const StreamId& stream) {
    const auto [begin, end] = out_.names.equal_range(key);
    const bool known = std::any_of(begin, end, [&](const auto& name) { return name.second == stream; });
    if (!known && std::distance(begin, end) < kNamesMax) out_.names.emplace(key, stream);
  }

  void take_meta(const RawRow& row) {
    std::vector<AnyValue> values;
    append(values, row, {1, 2, 3, 4, 5, 6});
    const Statement* const made = maker_.row(values);
    const Result<Meta> meta = made ? read_meta_row(*made) : Result<Meta>(kNoMemory);
    if (meta && (!out_.meta || out_.meta->opens < meta->opens)) out_.meta = *meta;
  }

  void take_incarnation(const RawRow& row) {
    std::vector<AnyValue> values;
    append(values, row, {1, 2, 3});
    values.emplace_back(row.id);
    const Statement* const made = maker_.row(values);
    const Result<Incarnation> one = made ? read_incarnation(*made) : Result<Incarnation>(kNoMemory);
    if (one) out_.incarnations.insert_or_assign(row.id, std::pair(*one, made->text(1)));
  }

  template <class Value, class Read>
  std::optional<Value> sound(const RawRow& row, StreamKey key, std::initializer_list<std::size_t> order,
                             Read read) {
    bool is_named = false;
    auto value = first_sound<Value>(
        maker_, out_.names, key, is_named, [&](const StreamId& stream) { return named(stream, row, order); },
        [&](const Statement& made, const StreamId&) { return read(made); });
    out_.nameless += is_named ? 0 : 1;
    return value;
  }

  void take_knowledge(const RawRow& row) {
    const auto entry = sound<Knowledge::Entry>(row, row.id, {1, 2, 3, 4, 5, 6, 7}, read_knowledge);
    if (entry) out_.knowledge.at(entry->stream).join(entry->known);
  }

  void take_series(const RawRow& row) {
    const auto series = sound<StreamSeries>(row, integer(row.values[0]), {1, 3, 4, 5, 6, 2}, read_series);
    if (!series) return;
    const SeriesKey key{series->stream, series->decl.number};
    if (series->decl.name.empty()) {
      out_.unnamed.insert(key);
    } else {
      out_.series.emplace(key, series->decl);
    }
  }

  void take_entry(const RawRow& row) {
    const auto write =
        sound<MapWrite>(row, integer(row.values[6]), {1, 2, 4, 5, 7, 8, 11, 12, 3, 9, 10}, read_entry);
    if (!write) return;
    LwwMap& map = out_.maps.try_emplace(write->dataset, 0, limits::kMapConflictsMax).first->second;
    map.join(write->entry);
  }

  // An older one may stand somewhere.
  void take_floor(const RawRow& row) {
    std::vector<AnyValue> values{row.id};
    append(values, row, {1, 2});
    const Statement* const made = maker_.row(values);
    const Result<StoredFloor> stored = made ? read_floor(*made) : Result<StoredFloor>(kNoMemory);
    if (!stored) return;
    MapFloor& floor = out_.floors[stored->dataset];
    if (floor.join(stored->floor)) floor.rejoining = stored->floor.rejoining;
  }

  void take_surfaced(const RawRow& row) {
    const auto write = sound<MapWrite>(row, integer(row.values[3]), {5, 6, 2, 4, 1}, read_surfaced);
    if (write) out_.surfaced.push_back(*write);
  }

  // Two streams have names in it; either may stand twice.
  void take_offset(const RawRow& row) {
    const auto [begin, end] = out_.names.equal_range(integer(row.values[0]));
    for (auto at = begin; at != end; ++at) {
      bool is_named = false;
      const auto columns = [&](const StreamId& writer) {
        std::vector<AnyValue> values = named(at->second, row, {});
        const std::vector<AnyValue> rest = named(writer, row, {1, 2, 3, 5, 6});
        values.insert(values.end(), rest.begin(), rest.end());
        return values;
      };
      const auto offset =
          first_sound<BootOffset>(maker_, out_.names, integer(row.values[4]), is_named, columns,
                                  [](const Statement& made, const StreamId&) { return read_offset(made); });
      if (offset) return out_.offsets.push_back(*offset);
    }
  }

  void take_own_boot(const RawRow& row) {
    bool is_named = false;
    const auto columns = [&](const StreamId& stream) {
      std::vector<AnyValue> values = named(stream, row, {});
      values.emplace_back(row.id);
      append(values, row, {2, 3, 4, 5});
      return values;
    };
    const auto boot =
        first_sound<OwnBoot>(maker_, out_.names, integer(row.values[1]), is_named, columns,
                             [](const Statement& made, const StreamId&) { return read_own_boot(made); });
    if (boot) out_.own_boots.push_back(*boot);
  }

  void list_series(const RawRow& row) {
    const auto [begin, end] = out_.names.equal_range(integer(row.values[2]));
    const std::string name = text(row.values[1]);
    if (name.empty()) return;
    for (auto at = begin; at != end; ++at)
      out_.listed_series.emplace(SeriesKey{at->second, static_cast<SeriesNo>(integer(row.values[3]))}, name);
  }

  RowMaker& maker_;
  Salvaged& out_;
};

}  // namespace

Result<Salvaged> salvage_rows(const PageFile& pages) {
  Result<RowMaker> maker = RowMaker::make();
  if (!maker) return maker.error();
  Salvaged out;
  Collector collector(*maker, out);
  visit_raw_rows(pages, {RawKind::kStream, RawKind::kStreamName},
                 [&](const RawRow& row) { collector.take_name(row); });
  visit_raw_rows(pages,
                 {RawKind::kMeta, RawKind::kIncarnation, RawKind::kKnowledge, RawKind::kSeries,
                  RawKind::kEntry, RawKind::kFloor, RawKind::kSurfaced, RawKind::kOffset, RawKind::kOwnBoot,
                  RawKind::kSeriesName, RawKind::kEntryKey},
                 [&](const RawRow& row) { collector.take(row); });
  for (const auto& [key, decl] : out.series) out.unnamed.erase(key);
  return out;
}

Result<std::uint64_t> salvage_blocks(const PageFile& pages, const Salvaged& rows,
                                     const std::function<Status(const StoredBlock&)>& take) {
  Result<RowMaker> maker = RowMaker::make();
  if (!maker) return maker.error();
  std::uint64_t nameless = 0;
  Status status = Done{};
  visit_raw_rows(pages, {RawKind::kBlock}, [&](const RawRow& row) {
    if (!status) return;
    std::vector<AnyValue> values;
    append(values, row, {2, 3, 4, 5, 6, 7, 12, 13, 8, 9, 10, 11});
    bool is_named = false;
    const auto block = first_sound<StoredBlock>(
        *maker, rows.names, integer(row.values[1]), is_named, [&](const StreamId&) { return values; },
        [](const Statement& made, const StreamId& stream) { return read_block(made, stream); });
    nameless += is_named ? 0 : 1;
    if (block) status = take(*block);
  });
  if (!status) return status.error();
  return nameless;
}

}  // namespace deltamesh::sqlite
