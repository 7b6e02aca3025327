// engine/iso_time.cc - digits, the calendar, and rounding.
#include "engine/iso_time.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <optional>

namespace deltamesh {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

// Exactly `count` digits, followed by `end`.
std::optional<int> take_number(std::string_view& text, std::size_t count, char end) {
  int value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (text.empty() || !is_digit(text.front())) return std::nullopt;
    value = value * 10 + (text.front() - '0');
    text.remove_prefix(1);
  }
  if (end != '\0' && !take(text, end)) return std::nullopt;
  return value;
}

// Seconds since 1970 of the date and clock at the front.
std::optional<std::int64_t> take_seconds(std::string_view& text) {
  const auto year = take_number(text, 4, '-');
  const auto month = year ? take_number(text, 2, '-') : std::nullopt;
  const auto day = month ? take_number(text, 2, 'T') : std::nullopt;
  const auto hour = day ? take_number(text, 2, ':') : std::nullopt;
  const auto minute = hour ? take_number(text, 2, ':') : std::nullopt;
  const auto second = minute ? take_number(text, 2, '\0') : std::nullopt;
  if (!second || *year < 1 || *hour > 23 || *minute > 59 || *second > 59) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return ((days * 24 + *hour) * 60 + *minute) * 60 + *second;
}

// The digits after a point; empty without a point, nullopt if the point stands alone.
std::optional<std::string_view> take_fraction(std::string_view& text) {
  if (!take(text, '.')) return std::string_view{};
  const auto* const end = std::find_if_not(text.begin(), text.end(), is_digit);
  const auto digits = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(digits.size());
  return digits.empty() ? std::nullopt : std::optional(digits);
}

// Whether `rest`, digits after the last one kept, lifts it.
bool rounds_up(std::string_view rest, bool odd) {
  if (rest.empty() || rest.front() < '5') return false;
  const bool tie = rest.front() == '5' && rest.find_first_not_of('0', 1) == std::string_view::npos;
  return !tie || odd;
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

Result<Ticks> parse_iso_time(std::string_view text, Resolution resolution) {
  std::string_view rest = text;
  const auto seconds = take_seconds(rest);
  const auto fraction = seconds ? take_fraction(rest) : std::nullopt;
  if (!fraction || rest != "Z") {
    return Error{ErrorCode::kInvalid, quoted(text) + " is no time such as 2020-07-13T00:00:24.502Z"};
  }
  const Ticks per_second = ticks_per_second(resolution);
  const Ticks seconds_max = std::numeric_limits<Ticks>::max() / per_second - 1;
  if (*seconds > seconds_max || *seconds < -seconds_max) {
    return Error{ErrorCode::kInvalid,
                 quoted(text) + " is out of range at the resolution " + to_string(resolution)};
  }
  return *seconds * per_second + fraction_ticks(*fraction, per_second);
}

}  // namespace deltamesh
