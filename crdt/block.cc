// crdt/block.cc - parts of blocks: the times, one series, a slice; and two neighbours as one.
#include "crdt/block.h"

#include <algorithm>
#include <cstdint>
#include <iterator>

#include "crdt/block_reader.h"
#include "crdt/series_columns.h"

namespace deltamesh {
namespace {

Status read_sources(BlockReader& reader) {
  if (Status done = reader.read_directory(); !done) return done;
  if (Status done = reader.read_shapes(); !done) return done;
  return reader.read_sources();
}

Status read_shapes(BlockReader& reader) {
  if (Status done = reader.read_events(); !done) return done;
  if (Status done = reader.read_directory(); !done) return done;
  return reader.read_shapes();
}

std::vector<std::optional<Source>> sources_of(const BlockColumns& columns) {
  std::vector<std::optional<Source>> sources;
  sources.reserve(columns.has_source.size());
  for (std::size_t i = 0; i < columns.has_source.size(); ++i) sources.push_back(columns.source_of(i));
  return sources;
}

constexpr std::size_t kNotWanted = SIZE_MAX;

// For each series of the directory, its place among the wanted ones.
std::vector<std::size_t> places_of(const BlockColumns& columns, std::span<const SeriesNo> wanted) {
  std::vector<std::size_t> places(columns.directory.size(), kNotWanted);
  for (std::size_t position = 0; position < places.size(); ++position) {
    const SeriesNo number = columns.directory[position].number;
    const auto found = std::lower_bound(wanted.begin(), wanted.end(), number);
    if (found != wanted.end() && *found == number)
      places[position] = static_cast<std::size_t>(found - wanted.begin());
  }
  return places;
}

std::vector<std::uint32_t> events_with(const BlockColumns& columns, std::uint32_t position) {
  std::vector<bool> has(columns.shapes.size());
  for (std::size_t id = 0; id < columns.shapes.size(); ++id) {
    const auto shape = columns.shapes[id];
    has[id] = std::binary_search(shape.begin(), shape.end(), position);
  }
  std::vector<std::uint32_t> events;
  for (std::size_t i = 0; i < columns.shape_ids.size(); ++i)
    if (has[static_cast<std::size_t>(columns.shape_ids[i])]) events.push_back(static_cast<std::uint32_t>(i));
  return events;
}

template <class Text>
std::vector<Text> copies(std::span<const ByteView> texts) {
  using Unit = typename Text::value_type;
  std::vector<Text> copied;
  copied.reserve(texts.size());
  for (const ByteView text : texts) {
    const auto* start = reinterpret_cast<const Unit*>(text.data());
    copied.emplace_back(start, start + text.size());
  }
  return copied;
}

ColumnValues values_of(const BlockColumns& columns, const SeriesEntry& entry) {
  const auto part = [&entry](const auto& all) { return std::span(all).subspan(entry.start, entry.count); };
  const auto ints = entry.type <= ValueType::kInt ? part(columns.ints) : std::span<const std::int64_t>();
  switch (entry.type) {
    case ValueType::kBool: return std::vector<bool>(ints.begin(), ints.end());
    case ValueType::kInt: return std::vector<std::int64_t>(ints.begin(), ints.end());
    case ValueType::kDouble: {
      const auto doubles = part(columns.doubles);
      return std::vector<double>(doubles.begin(), doubles.end());
    }
    case ValueType::kString: return copies<std::string>(part(columns.texts));
    case ValueType::kBytes: break;
  }
  return copies<Bytes>(part(columns.texts));
}

}  // namespace

Result<EventTimes> block_times(ByteView block, const BlockLimits& limits) {
  BlockReader reader(block, limits);
  if (Status done = reader.read_events(); !done) return done.error();
  if (reader.has_sources())
    if (Status done = read_sources(reader); !done) return done.error();
  BlockColumns columns = reader.take();
  EventTimes times;
  times.boots.resize(columns.times.size());
  times.qualities.resize(columns.times.size());
  std::transform(columns.boots.begin(), columns.boots.end(), times.boots.begin(),
                 [](std::int64_t boot) { return static_cast<std::uint32_t>(boot); });
  std::transform(columns.qualities.begin(), columns.qualities.end(), times.qualities.begin(),
                 [](std::int64_t quality) { return static_cast<Quality>(quality); });
  times.sources = sources_of(columns);
  times.times = std::move(columns.times);
  return times;
}

Result<SeriesColumn> block_column(ByteView block, SeriesNo series, const BlockLimits& limits) {
  BlockReader reader(block, limits);
  if (Status done = read_shapes(reader); !done) return done.error();
  const auto& directory = reader.columns().directory;
  const auto entry =
      std::find_if(directory.begin(), directory.end(), [=](const auto& e) { return e.number == series; });
  if (entry == directory.end())
    return block_error(ErrorCode::kNotFound, "no series " + std::to_string(series));
  if (Status done = reader.read_values_of({&series, 1}); !done) return done.error();
  SeriesColumn column;
  column.events = events_with(reader.columns(), static_cast<std::uint32_t>(entry - directory.begin()));
  column.values = values_of(reader.columns(), *entry);
  return column;
}

Result<std::vector<SeriesColumn>> series_columns(ByteView block, std::span<const SeriesNo> series,
                                                 const BlockLimits& limits) {
  BlockReader reader(block, limits);
  if (Status done = read_shapes(reader); !done) return done.error();
  if (Status done = reader.read_values_of(series); !done) return done.error();
  const BlockColumns& columns = reader.columns();
  const std::vector<std::size_t> places = places_of(columns, series);
  std::vector<SeriesColumn> out(series.size());
  for (std::size_t position = 0; position < places.size(); ++position) {
    if (places[position] == kNotWanted) continue;
    out[places[position]].events.reserve(columns.directory[position].count);
    out[places[position]].values = values_of(columns, columns.directory[position]);
  }
  for (std::size_t i = 0; i < columns.shape_ids.size(); ++i) {
    for (const std::uint32_t position : columns.shapes[static_cast<std::size_t>(columns.shape_ids[i])])
      if (places[position] != kNotWanted)
        out[places[position]].events.push_back(static_cast<std::uint32_t>(i));
  }
  return out;
}

Result<Bytes> slice_block(ByteView block, std::uint32_t from, std::uint32_t count,
                          const BlockLimits& limits) {
  Result<std::vector<Event>> events = decode_block(block, limits);
  if (!events) return events.error();
  if (count == 0 || from >= events->size() || count > events->size() - from)
    return block_error(ErrorCode::kInvalid, "no " + std::to_string(count) + " events from " +
                                                std::to_string(from) + " on among " +
                                                std::to_string(events->size()));
  return encode_block(std::span(*events).subspan(from, count), limits);
}

Result<Bytes> merge_blocks(ByteView a, ByteView b, const BlockLimits& limits) {
  Result<std::vector<Event>> events = decode_block(a, limits);
  if (!events) return events.error();
  Result<std::vector<Event>> more = decode_block(b, limits);
  if (!more) return more.error();
  events->insert(events->end(), std::make_move_iterator(more->begin()), std::make_move_iterator(more->end()));
  return encode_block(*events, limits);
}

}  // namespace deltamesh
