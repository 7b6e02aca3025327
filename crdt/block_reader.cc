// crdt/block_reader.cc - every rule of docs/formats/block.md that a reader checks.
#include "crdt/block_reader.h"

#include <algorithm>
#include <limits>
#include <string>

#include "crdt/block_sources.h"
#include "crdt/column.h"
#include "crdt/varint.h"

namespace deltamesh {
namespace {

Error invalid(std::string text) {
  return block_error(ErrorCode::kInvalid, std::move(text));
}

std::string series_name(const SeriesEntry& entry) {
  return "series " + std::to_string(entry.number);
}

}  // namespace

Status BlockReader::read_header() {
  if (rest_.size() > limits_.bytes_max) return block_over("bytes", rest_.size(), limits_.bytes_max);
  if (rest_.size() < 2) return invalid("the header is cut short");
  const auto version = std::to_integer<unsigned>(rest_[0]);
  flags_ = std::to_integer<std::uint8_t>(rest_[1]);
  if (version != kBlockCodec)
    return block_error(ErrorCode::kUnsupported, "version " + std::to_string(version) + " is unknown");
  if ((flags_ & ~(kFlagBoots | kFlagQualities | kFlagSources)) != 0)
    return block_error(ErrorCode::kUnsupported, "flags " + std::to_string(flags_) + " are unknown");
  rest_ = rest_.subspan(2);
  std::uint32_t events = 0;
  if (!get_varint32(rest_, events) || !get_varint32(rest_, columns_.readings)) return invalid("bad counts");
  if (events > limits_.events_max) return block_over("events", events, limits_.events_max);
  if (columns_.readings > limits_.readings_max)
    return block_over("readings", columns_.readings, limits_.readings_max);
  if (events == 0 || columns_.readings < events) return invalid("an event has no reading, or there is none");
  events_ = events;
  return Done{};
}

Status BlockReader::read_event_column(std::vector<std::int64_t>& column, const char* name,
                                      std::int64_t value_max) {
  column.resize(events_);
  if (Status done = decode_ints(rest_, column); !done) return done;
  const auto outside = [value_max](std::int64_t value) { return value < 0 || value > value_max; };
  if (std::any_of(column.begin(), column.end(), outside)) return invalid(std::string(name) + " out of range");
  return Done{};
}

Status BlockReader::read_events() {
  if (Status done = read_header(); !done) return done;
  columns_.times.resize(events_);
  if (Status done = decode_ints(rest_, columns_.times); !done) return done;
  if (flags_ & kFlagBoots) {
    constexpr std::int64_t kBootMax = std::numeric_limits<std::uint32_t>::max();
    if (Status done = read_event_column(columns_.boots, "boot", kBootMax); !done) return done;
  }
  if (flags_ & kFlagQualities) {
    constexpr auto kQualityMax = static_cast<std::int64_t>(Quality::kBad);
    if (Status done = read_event_column(columns_.qualities, "quality", kQualityMax); !done) return done;
  }
  return Done{};
}

Status BlockReader::read_directory() {
  std::uint64_t count = 0, lowest = 0;
  if (!get_varint(rest_, count) || count == 0 || count > columns_.readings || count > rest_.size() / 2)
    return invalid("bad number of series");
  columns_.directory.reserve(static_cast<std::size_t>(count));
  for (; count > 0; --count) {
    std::uint64_t number_type = 0, bytes = 0;
    if (!get_varint(rest_, number_type) || !get_varint(rest_, bytes))
      return invalid("the directory is cut short");
    const std::uint64_t number = (number_type >> 3) + lowest, type = number_type & 7;
    if (number > std::numeric_limits<SeriesNo>::max()) return invalid("a series number exceeds 32 bits");
    if (type > static_cast<std::uint64_t>(ValueType::kBytes))
      return block_error(ErrorCode::kUnsupported, "value type " + std::to_string(type) + " is unknown");
    if (bytes > rest_.size()) return invalid("a column is longer than the block");
    columns_.directory.push_back(
        {static_cast<SeriesNo>(number), static_cast<ValueType>(type), 0, 0, static_cast<std::size_t>(bytes)});
    lowest = number + 1;
  }
  return Done{};
}

// Gaps and lengths leave no way to name a position twice or out of order.
Status BlockReader::read_shape(std::uint64_t shape_count) {
  std::uint64_t runs = 0, lowest = 0;
  auto& positions = columns_.shapes.positions;
  const std::uint64_t size = columns_.directory.size();
  if (!get_varint(rest_, runs) || runs == 0) return invalid("a shape is empty or cut short");
  for (; runs > 0; --runs) {
    std::uint64_t gap = 0, more = 0;
    if (!get_varint(rest_, gap) || !get_varint(rest_, more)) return invalid("a shape is cut short");
    if (lowest >= size || gap >= size - lowest || more >= size - lowest - gap)
      return invalid("a shape names a series that the directory lacks");
    // Each shape is used, so that all of them together cannot have more members than there are readings.
    if (positions.size() + more + shape_count > columns_.readings)
      return invalid("shapes have too many members");
    for (std::uint64_t i = 0; i <= more; ++i)
      positions.push_back(static_cast<std::uint32_t>(lowest + gap + i));
    lowest += gap + more + 2;
  }
  columns_.shapes.ends.push_back(static_cast<std::uint32_t>(positions.size()));
  return Done{};
}

Status BlockReader::read_shape_table() {
  std::uint64_t count = 0;
  if (!get_varint(rest_, count) || count == 0 || count > events_ || count > rest_.size())
    return invalid("bad number of shapes");
  columns_.shapes.ends.reserve(static_cast<std::size_t>(count));
  for (; count > 0; --count)
    if (Status done = read_shape(count); !done) return done;
  return Done{};
}

// Shapes are numbered as they appear, so that each is used.
Status BlockReader::check_shape_ids() const {
  std::int64_t next = 0;
  std::uint64_t readings = 0;
  for (const std::int64_t id : columns_.shape_ids) {
    if (id < 0 || id > next) return invalid("shapes do not appear in their order");
    if (id == next && static_cast<std::size_t>(++next) > columns_.shapes.size())
      return invalid("an event has a shape that the table lacks");
    readings += columns_.shapes[static_cast<std::size_t>(id)].size();
  }
  if (static_cast<std::size_t>(next) != columns_.shapes.size()) return invalid("a shape is not used");
  if (readings != columns_.readings)
    return invalid("the header speaks of " + std::to_string(columns_.readings) + " readings, the shapes of " +
                   std::to_string(readings));
  return Done{};
}

Status BlockReader::read_shapes() {
  if (Status done = read_shape_table(); !done) return done;
  columns_.shape_ids.resize(events_);
  if (Status done = decode_ints(rest_, columns_.shape_ids); !done) return done;
  if (Status done = check_shape_ids(); !done) return done;
  columns_.lay_out_values();
  return find_values();
}

// The values of all series end with the block, and what stands between shapes and them are the sources.
Status BlockReader::find_values() {
  std::uint64_t bytes = 0;
  for (const SeriesEntry& entry : columns_.directory) {
    if (entry.count == 0) return invalid(series_name(entry) + " is in no event");
    bytes += entry.bytes;
  }
  if (has_sources() ? bytes > rest_.size() : bytes != rest_.size())
    return invalid("columns of " + std::to_string(bytes) + " bytes in " + std::to_string(rest_.size()));
  sources_ = rest_.first(rest_.size() - static_cast<std::size_t>(bytes));
  rest_ = rest_.subspan(sources_.size());
  return Done{};
}

Status BlockReader::read_sources() {
  return has_sources() ? get_sources(sources_, columns_) : Status(Done{});
}

Status BlockReader::check_booleans(const SeriesEntry& entry) const {
  const auto values = std::span(columns_.ints).subspan(entry.start, entry.count);
  if (std::all_of(values.begin(), values.end(), [](std::int64_t v) { return v == 0 || v == 1; }))
    return Done{};
  return invalid(series_name(entry) + " has a boolean that is neither 0 nor 1");
}

Status BlockReader::check_texts(const SeriesEntry& entry) {
  for (const ByteView text : std::span(columns_.texts).subspan(entry.start, entry.count))
    text_bytes_ += text.size();
  if (text_bytes_ <= decoded_text_max(limits_)) return Done{};
  return block_over("bytes of text", text_bytes_, decoded_text_max(limits_));
}

Status BlockReader::read_column(ByteView in, const SeriesEntry& entry) {
  Status done = Done{};
  switch (entry.type) {
    case ValueType::kBool:
    case ValueType::kInt:
      done = decode_ints(in, std::span(columns_.ints).subspan(entry.start, entry.count));
      break;
    case ValueType::kDouble:
      done = decode_doubles(in, std::span(columns_.doubles).subspan(entry.start, entry.count));
      break;
    case ValueType::kString:
    case ValueType::kBytes:
      done = decode_texts(in, std::span(columns_.texts).subspan(entry.start, entry.count),
                          limits_.value_bytes_max);
      break;
  }
  if (!done) return done;
  if (!in.empty()) return invalid(series_name(entry) + " has bytes after its column");
  if (entry.type == ValueType::kBool) return check_booleans(entry);
  return entry.type >= ValueType::kString ? check_texts(entry) : Status(Done{});
}

Status BlockReader::read_values() {
  for (const SeriesEntry& entry : columns_.directory) {
    if (Status done = read_column(rest_.first(entry.bytes), entry); !done) return done;
    rest_ = rest_.subspan(entry.bytes);
  }
  return Done{};
}

Status BlockReader::read_values_of(std::span<const SeriesNo> series) {
  std::size_t start = 0;
  for (const SeriesEntry& entry : columns_.directory) {
    if (std::binary_search(series.begin(), series.end(), entry.number)) {
      if (Status done = read_column(rest_.subspan(start, entry.bytes), entry); !done) return done;
    }
    start += entry.bytes;
  }
  return Done{};
}

}  // namespace deltamesh
