// crdt/sample.h - what telemetry is made of: values, readings, events, and the samples that people ask for.
//
// The unit of replication is the event: one reading group of one time, atomic. The unit of a question is the
// sample: one value of one named series. Equality of values is equality of bits: 0.0 and -0.0 differ, and
// NaN, which never equals itself, is refused before it gets here.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "crdt/dot.h"

namespace deltamesh {

// The order of the alternatives is part of the formats.
enum class ValueType : std::uint8_t { kBool = 0, kInt = 1, kDouble = 2, kString = 3, kBytes = 4 };
using Value = std::variant<bool, std::int64_t, double, std::string, Bytes>;

inline ValueType type_of(const Value& value) {
  return static_cast<ValueType>(value.index());
}
const char* to_string(ValueType type);

// Equality and a total order by (type, bits); never looks at a NaN as a number.
bool same_value(const Value& a, const Value& b);
bool value_less(const Value& a, const Value& b);

// A count of the dataset's resolution since 1970 (boot 0) or since boot n of the writer.
using Ticks = std::int64_t;
enum class Resolution : std::uint8_t { kMilliseconds = 0, kMicroseconds = 1, kNanoseconds = 2 };

// The number of a series within one stream; a declaration gives it a name, a unit and a type, for good.
using SeriesNo = std::uint32_t;

struct SeriesDecl {
  SeriesNo number = 0;
  std::string name;  // UTF-8, at most 255 bytes, such as "greenhouse-3/temperature".
  std::string unit;  // SenML's or free text; may be empty.
  ValueType type = ValueType::kDouble;
  friend bool operator==(const SeriesDecl&, const SeriesDecl&) = default;
};

// True for 1 to 255 bytes of well-formed UTF-8 without control characters; what decides is the same
// everywhere.
bool valid_series_name(std::string_view name);

enum class Quality : std::uint8_t { kGood = 0, kEstimated = 1, kUncertain = 2, kBad = 3 };

// Names the message at its source (a LoRaWAN session and frame counter), so that two gateways that heard one
// message yield one sample.
struct Source {
  std::uint64_t session = 0;
  std::uint64_t counter = 0;
  friend auto operator<=>(const Source&, const Source&) = default;
};

struct Reading {
  SeriesNo series = 0;
  Value value;
};

struct Event {
  Ticks time = 0;
  std::uint32_t boot = 0;  // 0: `time` is UTC; n: counted from boot n of the writer.
  Quality quality = Quality::kGood;
  std::optional<Source> source;
  std::vector<Reading> readings;  // Ascending by series, each series at most once, at least one.
};
bool same_event(const Event& a, const Event& b);

// An event as its writer hands it in: series by name. The node numbers them.
struct NamedReading {
  std::string series;
  std::string unit;
  Value value;
};
struct NamedEvent {
  Ticks time = 0;
  std::uint32_t boot = 0;
  Quality quality = Quality::kGood;
  std::optional<Source> source;
  std::vector<NamedReading> readings;
  // Of an event that brings no time of its own: when it was taken, on the steady clock of the node's driver.
  // The node then fills in `time` and `boot`.
  std::optional<std::chrono::microseconds> taken = {};
};

struct Sample {
  Ticks time = 0;
  Value value;
  Quality quality = Quality::kGood;
  std::uint32_t boot = 0;
  std::optional<Source> source;
  Dot dot;
};

}  // namespace deltamesh
