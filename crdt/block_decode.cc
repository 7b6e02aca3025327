// crdt/block_decode.cc - columns back to events.
#include "crdt/block.h"
#include "crdt/block_reader.h"

namespace deltamesh {
namespace {

Status read_all(BlockReader& reader) {
  if (Status done = reader.read_events(); !done) return done;
  if (Status done = reader.read_directory(); !done) return done;
  if (Status done = reader.read_shapes(); !done) return done;
  if (Status done = reader.read_sources(); !done) return done;
  return reader.read_values();
}

Value value_at(const BlockColumns& columns, ValueType type, std::size_t at) {
  switch (type) {
    case ValueType::kBool: return columns.ints[at] != 0;
    case ValueType::kInt: return columns.ints[at];
    case ValueType::kDouble: return columns.doubles[at];
    case ValueType::kString: {
      const ByteView text = columns.texts[at];
      return std::string(reinterpret_cast<const char*>(text.data()), text.size());
    }
    case ValueType::kBytes: break;
  }
  return Bytes(columns.texts[at].begin(), columns.texts[at].end());
}

// Walks the columns event by event; `next_` holds where each series' next value stands.
class Scattering {
 public:
  explicit Scattering(const BlockColumns& columns) : columns_(columns) {
    for (const SeriesEntry& entry : columns.directory) next_.push_back(entry.start);
  }

  Event event(std::size_t i) {
    Event event;
    event.time = columns_.times[i];
    if (!columns_.boots.empty()) event.boot = static_cast<std::uint32_t>(columns_.boots[i]);
    if (!columns_.qualities.empty()) event.quality = static_cast<Quality>(columns_.qualities[i]);
    if (!columns_.has_source.empty()) event.source = columns_.source_of(i);
    const auto shape = columns_.shapes[static_cast<std::size_t>(columns_.shape_ids[i])];
    event.readings.reserve(shape.size());
    for (const std::uint32_t position : shape) event.readings.push_back(next_reading(position));
    return event;
  }

 private:
  Reading next_reading(std::uint32_t position) {
    const SeriesEntry& entry = columns_.directory[position];
    return {entry.number, value_at(columns_, entry.type, next_[position]++)};
  }

  const BlockColumns& columns_;
  std::vector<std::size_t> next_;
};

void add_to(std::optional<BootSpan>& boots, std::uint32_t boot, Ticks ticks) {
  if (!boots) boots = BootSpan{boot, boot, ticks, ticks};
  boots->boot_min = std::min(boots->boot_min, boot);
  boots->boot_max = std::max(boots->boot_max, boot);
  boots->ticks_min = std::min(boots->ticks_min, ticks);
  boots->ticks_max = std::max(boots->ticks_max, ticks);
}

BlockSummary summarize(const BlockColumns& columns) {
  BlockSummary summary;
  summary.events = static_cast<std::uint32_t>(columns.times.size());
  summary.readings = columns.readings;
  summary.series.reserve(columns.directory.size());
  for (const SeriesEntry& entry : columns.directory) summary.series.push_back(entry.number);
  for (std::size_t i = 0; i < columns.times.size(); ++i) {
    const Ticks time = columns.times[i];
    if (!columns.boots.empty() && columns.boots[i] != 0) {
      add_to(summary.boots, static_cast<std::uint32_t>(columns.boots[i]), time);
      continue;
    }
    if (!summary.has_utc || time < summary.time_min) summary.time_min = time;
    if (!summary.has_utc || time > summary.time_max) summary.time_max = time;
    summary.has_utc = true;
  }
  return summary;
}

}  // namespace

Result<std::vector<Event>> decode_block(ByteView block, const BlockLimits& limits) {
  BlockReader reader(block, limits);
  if (Status done = read_all(reader); !done) return done.error();
  Scattering scattering(reader.columns());
  std::vector<Event> events;
  const std::size_t count = reader.columns().times.size();
  events.reserve(count);
  for (std::size_t i = 0; i < count; ++i) events.push_back(scattering.event(i));
  return events;
}

Result<BlockSummary> validate_block(ByteView block, const BlockLimits& limits) {
  BlockReader reader(block, limits);
  if (Status done = read_all(reader); !done) return done.error();
  return summarize(reader.columns());
}

Result<BlockSummary> peek_block(ByteView block, const BlockLimits& limits) {
  BlockReader reader(block, limits);
  if (Status done = reader.read_events(); !done) return done.error();
  if (Status done = reader.read_directory(); !done) return done.error();
  return summarize(reader.columns());
}

}  // namespace deltamesh
