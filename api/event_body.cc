// api/event_body.cc - JSON events to the engine's, with every rule that one event must keep.
#include "api/event_body.h"

#include <charconv>
#include <map>

#include "api/json_value.h"
#include "engine/iso_time.h"
#include "engine/limits.h"
#include "engine/validate.h"

namespace deltamesh {
namespace {

using Kind = JsonValue::Kind;
using Units = std::map<std::string, std::string>;

Error invalid(std::string text) {
  return {ErrorCode::kInvalid, std::move(text)};
}

// The whole of `text` as a number; from_chars is exact for doubles.
template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Result<Ticks> parse_time(const JsonValue& json, Resolution resolution) {
  if (json.kind == Kind::kString) return parse_iso_time(json.text, resolution);
  const auto ticks = json.kind == Kind::kNumber ? parse_number<Ticks>(json.text) : std::nullopt;
  if (ticks && in_calendar(*ticks, resolution)) return *ticks;
  if (ticks)
    return invalid("\"time\" is out of the years 1 to 9999; is it in " + std::string(to_string(resolution)) +
                   "?");
  return invalid(std::string("\"time\" is a whole number of ") + to_string(resolution) +
                 " since 1970 or a text such as 2020-07-13T00:00:24.502Z");
}

Result<Quality> parse_quality(const JsonValue* json) {
  if (json == nullptr) return Quality::kGood;
  for (const Quality quality : {Quality::kGood, Quality::kEstimated, Quality::kUncertain, Quality::kBad}) {
    if (json->kind == Kind::kString && json->text == quality_word(quality)) return quality;
  }
  return invalid("\"quality\" is good, estimated, uncertain or bad");
}

Result<Value> parse_value(const std::string& series, const JsonValue& json) {
  if (json.kind == Kind::kString) {
    if (json.text.size() <= limits::kBlock.value_bytes_max) return Value(json.text);
    return invalid("the value of " + series + " is larger than " +
                   std::to_string(limits::kBlock.value_bytes_max) + " bytes");
  }
  if (json.kind == Kind::kBool) return Value(json.text == "true");
  if (json.kind != Kind::kNumber) {
    return invalid("the value of " + series + " is a number, a string, true or false");
  }
  if (const auto number = parse_number<double>(json.text)) return Value(*number);
  return invalid("the value of " + series + " is beyond the range of doubles");
}

Result<Units> parse_units(const JsonValue* json, const JsonValue& readings) {
  Units units;
  if (json == nullptr) return units;
  if (json->kind != Kind::kObject) return invalid("\"units\" is an object");
  for (std::size_t i = 0; i < json->items.size(); ++i) {
    const std::string& series = json->keys[i];
    const JsonValue& unit = json->items[i];
    if (unit.kind != Kind::kString) return invalid("the unit of " + series + " is a string");
    units.emplace(series, unit.text);
  }
  std::size_t used = 0;
  for (const auto& series : readings.keys) used += units.count(series);
  if (used < units.size()) return invalid("\"units\" names a series that has no reading");
  return units;
}

// What the engine counts against limits::kOpenBlockBytesMax.
std::size_t event_bytes(const NamedEvent& event) {
  std::size_t bytes = 2 * sizeof(std::uint64_t);
  for (const auto& reading : event.readings) {
    const auto* const text = std::get_if<std::string>(&reading.value);
    bytes += text == nullptr ? sizeof(double) : text->size();
  }
  return bytes;
}

class EventParser {
 public:
  EventParser(Resolution resolution, const KnownUnit& known_unit, std::chrono::microseconds taken)
      : resolution_(resolution), known_unit_(known_unit), taken_(taken) {}

  Result<NamedEvent> parse(const JsonValue& json) {
    if (Status good = check_shape(json); !good) return good.error();
    NamedEvent event;
    if (Status timed = take_time(json.find("time"), event); !timed) return timed.error();
    const auto quality = parse_quality(json.find("quality"));
    if (!quality) return quality.error();
    event.quality = *quality;
    const JsonValue& readings = *json.find("readings");
    const auto units = parse_units(json.find("units"), readings);
    if (!units) return units.error();
    for (std::size_t i = 0; i < readings.items.size(); ++i) {
      auto reading = parse_reading(readings.keys[i], readings.items[i], *units);
      if (!reading) return reading.error();
      event.readings.push_back(*std::move(reading));
    }
    if (event_bytes(event) <= limits::kOpenBlockBytesMax) return event;
    return invalid("its values take more than " + std::to_string(limits::kOpenBlockBytesMax) + " bytes");
  }

 private:
  // Without one, the node gives it the time at which it came.
  Status take_time(const JsonValue* json, NamedEvent& event) const {
    if (json == nullptr) return event.taken = taken_, Done{};
    const auto time = parse_time(*json, resolution_);
    if (!time) return time.error();
    event.time = *time;
    return Done{};
  }

  static Status check_shape(const JsonValue& json) {
    if (json.kind != Kind::kObject) return invalid("it is not an object");
    for (const auto& key : json.keys) {
      if (key != "time" && key != "quality" && key != "readings" && key != "units") {
        return invalid("no key \"" + key + "\" is known here");
      }
    }
    const JsonValue* const readings = json.find("readings");
    if (readings == nullptr || readings->kind != Kind::kObject) return invalid("\"readings\" is an object");
    const std::size_t count = readings->items.size();
    if (count >= 1 && count <= limits::kEventReadingsMax) return Done{};
    return invalid("it has " + std::to_string(count) + " readings; 1 to " +
                   std::to_string(limits::kEventReadingsMax) + " are taken");
  }

  Result<NamedReading> parse_reading(const std::string& series, const JsonValue& json, const Units& units) {
    auto value = parse_value(series, json);
    if (!value) return value.error();
    const auto said = units.find(series);
    auto unit = said == units.end() ? recall_unit(series) : Result<std::string>(said->second);
    if (!unit) return unit.error();
    units_in_use_[series] = *unit;
    NamedReading reading{series, *std::move(unit), *std::move(value)};
    if (!valid_series_name(series)) {
      return invalid("a series name is 1 to 255 bytes of UTF-8 without control characters");
    }
    const Status good = check_text(reading.unit, limits::kUnitBytesMax, "the unit");
    return good ? Result(std::move(reading)) : invalid(good.error().text);
  }

  // An earlier event's, else the store's.
  Result<std::string> recall_unit(const std::string& series) {
    const auto in_use = units_in_use_.find(series);
    if (in_use != units_in_use_.end()) return in_use->second;
    auto known = known_unit_(series);
    if (!known) return known.error();
    return known->value_or("");
  }

  Resolution resolution_;
  const KnownUnit& known_unit_;
  std::chrono::microseconds taken_;
  Units units_in_use_;
};

}  // namespace

const char* quality_word(Quality quality) {
  switch (quality) {
    case Quality::kGood: return "good";
    case Quality::kEstimated: return "estimated";
    case Quality::kUncertain: return "uncertain";
    case Quality::kBad: return "bad";
  }
  return "unknown";
}

Result<std::vector<NamedEvent>> parse_events(std::string_view body, Resolution resolution,
                                             const KnownUnit& known_unit, std::chrono::microseconds taken) {
  const auto json = parse_json(body);
  if (!json) return json.error();
  const JsonValue* const list = json->find("events");
  const bool shaped = list != nullptr && list->kind == Kind::kArray && json->keys.size() == 1;
  if (!shaped || list->items.empty())
    return invalid("the body is {\"events\":[...]} with at least one event");
  EventParser parser(resolution, known_unit, taken);
  std::vector<NamedEvent> events;
  for (const JsonValue& item : list->items) {
    auto event = parser.parse(item);
    if (!event) {
      return Error{event.error().code, "event " + std::to_string(events.size()) + ": " + event.error().text};
    }
    events.push_back(*std::move(event));
  }
  return events;
}

}  // namespace deltamesh
