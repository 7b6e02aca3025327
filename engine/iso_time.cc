// engine/iso_time.cc - digits, the calendar, and rounding.
#include "engine/iso_time.h"

#include <algorithm>
#include <chrono>
#include <limits>

#include "engine/half_even.h"

namespace deltamesh {
namespace {

constexpr std::int64_t kYear1 = -62'135'596'800;  // Seconds since 1970.
constexpr std::int64_t kYear10000 = 253'402'300'800;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool take_any(std::string_view& text, std::string_view choices) {
  if (text.empty() || choices.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

// Exactly `count` digits.
std::optional<int> take_number(std::string_view& text, std::size_t count) {
  if (text.size() < count) return std::nullopt;
  int value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (!is_digit(text[i])) return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(count);
  return value;
}

// Seconds since 1970 at the begin of the day.
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

// The digits after a point; empty without a point, nullopt if the point stands alone.
std::optional<std::string_view> take_fraction(std::string_view& text, IsoForm form) {
  if (!take_any(text, form == IsoForm::kUtc ? "." : ".,")) return std::string_view{};
  const auto* const end = std::find_if_not(text.begin(), text.end(), is_digit);
  const auto digits = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(digits.size());
  return digits.empty() ? std::nullopt : std::optional(digits);
}

// Seconds east of UTC; the rest of the text must be the zone.
std::optional<std::int64_t> parse_zone(std::string_view text, IsoForm form) {
  if (text == "Z") return 0;
  if (form == IsoForm::kUtc) return std::nullopt;
  if (text.empty() || text == "z") return 0;
  const bool west = text.front() == '-';
  if (!take_any(text, "+-")) return std::nullopt;
  const auto hours = take_number(text, 2);
  take_any(text, ":");
  const auto minutes = text.empty() ? std::optional(0) : take_number(text, 2);
  if (!hours || !minutes || *hours > 23 || *minutes > 59 || !text.empty()) return std::nullopt;
  const std::int64_t seconds = *hours * 3'600 + *minutes * 60;
  return west ? -seconds : seconds;
}

Ticks fraction_ticks(std::string_view digits, Ticks per_second) {
  Ticks ticks = 0;
  for (Ticks unit = per_second; unit > 1; unit /= 10) {
    ticks = ticks * 10 + (digits.empty() ? 0 : digits.front() - '0');
    if (!digits.empty()) digits.remove_prefix(1);
  }
  return ticks + (rounds_up(digits, ticks % 2 == 1) ? 1 : 0);
}

std::string quoted(std::string_view text) {
  return "\"" + std::string(text.substr(0, 64)) + "\"";
}

}  // namespace

Ticks ticks_per_second(Resolution resolution) {
  switch (resolution) {
    case Resolution::kMilliseconds: return 1'000;
    case Resolution::kMicroseconds: return 1'000'000;
    case Resolution::kNanoseconds: return 1'000'000'000;
  }
  return 1'000;
}

const char* to_string(Resolution resolution) {
  switch (resolution) {
    case Resolution::kMilliseconds: return "ms";
    case Resolution::kMicroseconds: return "us";
    case Resolution::kNanoseconds: return "ns";
  }
  return "ms";
}

bool in_calendar(Ticks time, Resolution resolution) {
  const Ticks per_second = ticks_per_second(resolution);
  const Ticks seconds = time / per_second - (time % per_second < 0 ? 1 : 0);
  return seconds >= kYear1 && seconds < kYear10000;
}

std::optional<IsoTime> read_iso_time(std::string_view text, IsoForm form) {
  const auto date = take_date(text);
  if (!date || !take_any(text, form == IsoForm::kUtc ? "T" : "Tt ")) return std::nullopt;
  const auto clock = take_clock(text);
  if (!clock) return std::nullopt;
  const auto fraction = take_fraction(text, form);
  const auto zone = parse_zone(text, form);
  if (!fraction || !zone) return std::nullopt;
  return IsoTime{*date + *clock - *zone, *fraction};
}

// Whole seconds are an even number of ticks, so rounding the fraction alone rounds the sum.
std::optional<Ticks> to_ticks(const IsoTime& time, Resolution resolution) {
  const Ticks per_second = ticks_per_second(resolution);
  const Ticks seconds_max = std::numeric_limits<Ticks>::max() / per_second - 1;
  if (time.seconds > seconds_max || time.seconds < -seconds_max) return std::nullopt;
  const Ticks ticks = time.seconds * per_second + fraction_ticks(time.fraction, per_second);
  return in_calendar(ticks, resolution) ? std::optional(ticks) : std::nullopt;
}

Result<Ticks> parse_iso_time(std::string_view text, Resolution resolution) {
  const auto time = read_iso_time(text, IsoForm::kUtc);
  if (!time) return Error{ErrorCode::kInvalid, quoted(text) + " is no time such as 2020-07-13T00:00:24.502Z"};
  if (const auto ticks = to_ticks(*time, resolution)) return *ticks;
  return Error{ErrorCode::kInvalid,
               quoted(text) + " is out of range at the resolution " + to_string(resolution)};
}

}  // namespace deltamesh
