// ingest/timestamp.cc - decimal and ISO 8601 times to ticks.
#include "ingest/timestamp.h"

#include "engine/iso_time.h"
#include "ingest/number.h"

namespace deltamesh {
namespace {

int unit_decimals(TimeUnit unit) {
  switch (unit) {
    case TimeUnit::kSeconds: return 0;
    case TimeUnit::kMilliseconds: return 3;
    case TimeUnit::kMicroseconds: return 6;
    case TimeUnit::kNanoseconds: return 9;
    case TimeUnit::kIso8601: return 0;
  }
  return 0;
}

Refused bad(std::string_view text) {
  return {Refusal::kBadTimestamp, "\"" + std::string(text.substr(0, 64)) + "\" is not a time"};
}

Refused out_of_range(std::string_view text) {
  return {Refusal::kTimestampRange,
          "time \"" + std::string(text.substr(0, 64)) + "\" is out of range; is the unit right?"};
}

Judged<Ticks> parse_number(std::string_view text, TimeUnit unit, Resolution resolution) {
  const auto value = parse_decimal(text);
  if (!value) return bad(text);
  const auto ticks = round_half_even(*value, decimals(resolution) - unit_decimals(unit));
  if (!ticks || !in_calendar(*ticks, resolution)) return out_of_range(text);
  return *ticks;
}

Judged<Ticks> parse_iso(std::string_view text, Resolution resolution) {
  const auto time = read_iso_time(text, IsoForm::kDevice);
  if (!time) return bad(text);
  const auto ticks = to_ticks(*time, resolution);
  if (!ticks) return out_of_range(text);
  return *ticks;
}

}  // namespace

int decimals(Resolution resolution) {
  switch (resolution) {
    case Resolution::kMilliseconds: return 3;
    case Resolution::kMicroseconds: return 6;
    case Resolution::kNanoseconds: return 9;
  }
  return 3;
}

Judged<Ticks> parse_timestamp(std::string_view text, TimeUnit unit, Resolution resolution) {
  if (unit == TimeUnit::kIso8601) return parse_iso(text, resolution);
  return parse_number(text, unit, resolution);
}

}  // namespace deltamesh
