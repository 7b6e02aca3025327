// crdt/block_gather.cc - events into columns: checked, shapes and directory found, values put by series.
#include <algorithm>
#include <bit>
#include <map>
#include <string>
#include <utility>

#include "crdt/block_columns.h"

namespace deltamesh {
namespace {

ByteView text_of(const Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return std::as_bytes(std::span(*text));
  return std::get<Bytes>(value);
}

bool is_text(const Value& value) {
  return type_of(value) >= ValueType::kString;
}

bool is_nan(const Value& value) {
  const auto* number = std::get_if<double>(&value);
  return number != nullptr && (std::bit_cast<std::uint64_t>(*number) << 1) > 0xffe0000000000000u;
}

Status check_event(const Event& event, const BlockLimits& limits, std::uint64_t& text_bytes) {
  if (event.readings.empty()) return block_error(ErrorCode::kInvalid, "an event has no reading");
  if (event.quality > Quality::kBad)
    return block_error(ErrorCode::kInvalid, "an event has an unknown quality");
  for (std::size_t i = 0; i < event.readings.size(); ++i) {
    const Reading& reading = event.readings[i];
    const auto series = [&] { return "series " + std::to_string(reading.series); };
    if (i > 0 && reading.series <= event.readings[i - 1].series)
      return block_error(ErrorCode::kInvalid, series() + " is out of order within its event");
    if (is_nan(reading.value)) return block_error(ErrorCode::kInvalid, series() + " has the value NaN");
    if (!is_text(reading.value)) continue;
    const std::size_t size = text_of(reading.value).size();
    text_bytes += size;
    if (size > limits.value_bytes_max) return block_over("bytes of one value", size, limits.value_bytes_max);
  }
  return Done{};
}

Status check_events(std::span<const Event> events, const BlockLimits& limits) {
  if (events.empty()) return block_error(ErrorCode::kInvalid, "there is no event");
  if (events.size() > limits.events_max) return block_over("events", events.size(), limits.events_max);
  std::uint64_t readings = 0, text_bytes = 0;
  for (const Event& event : events) {
    readings += event.readings.size();
    if (Status done = check_event(event, limits, text_bytes); !done) return done;
  }
  if (readings > limits.readings_max) return block_over("readings", readings, limits.readings_max);
  const std::uint64_t text_bytes_max = decoded_text_max(limits);
  if (text_bytes > text_bytes_max) return block_over("bytes of text", text_bytes, text_bytes_max);
  return Done{};
}

// Gathers checked events into columns.
class Gathering {
 public:
  explicit Gathering(std::span<const Event> events) : events_(events) {}

  Result<BlockColumns> run() {
    gather_event_columns();
    gather_shapes();
    gather_directory();
    place_shapes();
    columns_.lay_out_values();
    if (Status done = gather_values(); !done) return done.error();
    return std::move(columns_);
  }

 private:
  using Readings = std::span<const Reading>;
  struct BySeries {
    bool operator()(Readings a, Readings b) const {
      return std::lexicographical_compare(
          a.begin(), a.end(), b.begin(), b.end(),
          [](const Reading& x, const Reading& y) { return x.series < y.series; });
    }
  };

  void gather_event_columns();
  void gather_shapes();
  void gather_directory();
  void place_shapes();
  Status gather_values();
  Status store(SeriesEntry& entry, std::uint32_t at, const Value& value);

  std::span<const Event> events_;
  std::vector<Readings> samples_of_shapes_;  // The first event of each shape.
  BlockColumns columns_;
};

void Gathering::gather_event_columns() {
  const auto column = [this](auto field) {
    std::vector<std::int64_t> values(events_.size());
    std::transform(events_.begin(), events_.end(), values.begin(), field);
    return values;
  };
  const auto any = [this](auto test) { return std::any_of(events_.begin(), events_.end(), test); };
  columns_.times = column([](const Event& e) { return e.time; });
  if (any([](const Event& e) { return e.boot != 0; }))
    columns_.boots = column([](const Event& e) { return std::int64_t{e.boot}; });
  if (any([](const Event& e) { return e.quality != Quality::kGood; }))
    columns_.qualities = column([](const Event& e) { return static_cast<std::int64_t>(e.quality); });
  if (!any([](const Event& e) { return e.source.has_value(); })) return;
  columns_.has_source = column([](const Event& e) { return std::int64_t{e.source.has_value()}; });
  const auto source = [](const Event& e) { return e.source.value_or(Source{}); };
  columns_.sessions = column([=](const Event& e) { return static_cast<std::int64_t>(source(e).session); });
  columns_.counters = column([=](const Event& e) { return static_cast<std::int64_t>(source(e).counter); });
}

void Gathering::gather_shapes() {
  std::map<Readings, std::int64_t, BySeries> known;
  for (const Event& event : events_) {
    const auto [at, is_new] = known.try_emplace(event.readings, static_cast<std::int64_t>(known.size()));
    if (is_new) samples_of_shapes_.push_back(event.readings);
    columns_.shape_ids.push_back(at->second);
    columns_.readings += static_cast<std::uint32_t>(event.readings.size());
  }
}

void Gathering::gather_directory() {
  std::map<SeriesNo, ValueType> types;
  for (const Readings shape : samples_of_shapes_)
    for (const Reading& reading : shape) types.try_emplace(reading.series, type_of(reading.value));
  for (const auto& [number, type] : types) columns_.directory.push_back({number, type, 0, 0, 0});
}

void Gathering::place_shapes() {
  const auto& directory = columns_.directory;
  for (const Readings shape : samples_of_shapes_) {
    for (const Reading& reading : shape) {
      const auto at =
          std::lower_bound(directory.begin(), directory.end(), reading.series,
                           [](const SeriesEntry& e, SeriesNo number) { return e.number < number; });
      columns_.shapes.positions.push_back(static_cast<std::uint32_t>(at - directory.begin()));
    }
    columns_.shapes.ends.push_back(static_cast<std::uint32_t>(columns_.shapes.positions.size()));
  }
}

Status Gathering::gather_values() {
  std::vector<std::uint32_t> next;
  for (const SeriesEntry& entry : columns_.directory) next.push_back(entry.start);
  for (std::size_t e = 0; e < events_.size(); ++e) {
    const auto shape = columns_.shapes[static_cast<std::size_t>(columns_.shape_ids[e])];
    for (std::size_t i = 0; i < shape.size(); ++i) {
      const std::uint32_t position = shape[i];
      Status done = store(columns_.directory[position], next[position]++, events_[e].readings[i].value);
      if (!done) return done;
    }
  }
  return Done{};
}

Status Gathering::store(SeriesEntry& entry, std::uint32_t at, const Value& value) {
  if (type_of(value) != entry.type)
    return block_error(ErrorCode::kInvalid, "series " + std::to_string(entry.number) +
                                                " changes its type from " + to_string(entry.type) + " to " +
                                                to_string(type_of(value)));
  switch (entry.type) {
    case ValueType::kBool: columns_.ints[at] = std::int64_t{std::get<bool>(value)}; break;
    case ValueType::kInt: columns_.ints[at] = std::get<std::int64_t>(value); break;
    case ValueType::kDouble: columns_.doubles[at] = std::get<double>(value); break;
    case ValueType::kString:
    case ValueType::kBytes: columns_.texts[at] = text_of(value); break;
  }
  return Done{};
}

}  // namespace

Result<BlockColumns> gather_block(std::span<const Event> events, const BlockLimits& limits) {
  if (Status done = check_events(events, limits); !done) return done.error();
  return Gathering(events).run();
}

}  // namespace deltamesh
