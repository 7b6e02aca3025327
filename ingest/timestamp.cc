// ingest/timestamp.cc - decimal and ISO 8601 times to ticks.
#include "ingest/timestamp.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "ingest/number.h"

namespace deltamesh {
namespace {

constexpr std::int64_t kYear1 = -62'135'596'800;  // Seconds since 1970.
constexpr std::int64_t kYear10000 = 253'402'300'800;

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

std::int64_t ticks_per_second(Resolution resolution) {
  switch (resolution) {
    case Resolution::kMilliseconds: return 1'000;
    case Resolution::kMicroseconds: return 1'000'000;
    case Resolution::kNanoseconds: return 1'000'000'000;
  }
  return 1;
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
  const auto seconds = round_half_even(*value, -unit_decimals(unit));
  if (!ticks || !seconds || *seconds < kYear1 || *seconds >= kYear10000) return out_of_range(text);
  return *ticks;
}

// Takes exactly `count` digits.
std::optional<int> take_number(std::string_view& text, std::size_t count) {
  if (text.size() < count) return std::nullopt;
  int value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(count);
  return value;
}

bool take_any(std::string_view& text, std::string_view choices) {
  if (text.empty() || choices.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<std::int64_t> take_date(std::string_view& text) {
  const auto year = take_number(text, 4);
  if (!year || *year < 1 || !take_any(text, "-")) return std::nullopt;
  const auto month = take_number(text, 2);
  if (!month || !take_any(text, "-")) return std::nullopt;
  const auto day = take_number(text, 2);
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date).time_since_epoch().count() * std::int64_t{86'400};
}

std::optional<std::int64_t> take_clock(std::string_view& text) {
  const auto hour = take_number(text, 2);
  if (!hour || !take_any(text, ":")) return std::nullopt;
  const auto minute = take_number(text, 2);
  if (!minute || !take_any(text, ":")) return std::nullopt;
  const auto second = take_number(text, 2);
  if (!second || *hour > 23 || *minute > 59 || *second > 59) return std::nullopt;
  return *hour * 3'600 + *minute * 60 + *second;
}

// The digits after the point, if there is one; nullopt if the point stands alone.
std::optional<std::string_view> take_fraction(std::string_view& text) {
  if (!take_any(text, ".,")) return std::string_view();
  const auto size = std::min(text.find_first_not_of("0123456789"), text.size());
  if (size == 0) return std::nullopt;
  const auto digits = text.substr(0, size);
  text.remove_prefix(size);
  return digits;
}

// Seconds east of UTC; the rest of the text must be the zone.
std::optional<std::int64_t> parse_zone(std::string_view text) {
  if (text.empty() || text == "Z" || text == "z") return 0;
  const bool west = text.front() == '-';
  if (!take_any(text, "+-")) return std::nullopt;
  const auto hours = take_number(text, 2);
  take_any(text, ":");
  const auto minutes = text.empty() ? std::optional(0) : take_number(text, 2);
  if (!hours || !minutes || *hours > 23 || *minutes > 59 || !text.empty()) return std::nullopt;
  const std::int64_t seconds = *hours * 3'600 + *minutes * 60;
  return west ? -seconds : seconds;
}

Judged<Ticks> parse_iso(std::string_view text, Resolution resolution) {
  std::string_view rest = text;
  const auto date = take_date(rest);
  if (!date || !take_any(rest, "Tt ")) return bad(text);
  const auto clock = take_clock(rest);
  if (!clock) return bad(text);
  const auto fraction = take_fraction(rest);
  const auto zone = parse_zone(rest);
  if (!fraction || !zone) return bad(text);
  // Whole seconds are an even number of ticks, so rounding the fraction alone rounds the sum.
  const auto base = parse_number(std::to_string(*date + *clock - *zone), TimeUnit::kSeconds, resolution);
  const auto part = round_half_even(*parse_decimal("0." + std::string(*fraction)), decimals(resolution));
  const auto* start = std::get_if<Ticks>(&base);
  if (!start || *start > std::numeric_limits<Ticks>::max() - *part) return out_of_range(text);
  return *start + *part;
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

Ticks to_ticks(std::chrono::nanoseconds time, Resolution resolution) {
  const std::int64_t step = 1'000'000'000 / ticks_per_second(resolution);
  const std::int64_t count = time.count();
  return count / step - (count % step < 0 ? 1 : 0);
}

}  // namespace deltamesh
