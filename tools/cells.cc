// tools/cells.cc - cuts lines at commas; from_chars for doubles; whole seconds by digits.
#include "tools/cells.h"

#include <charconv>
#include <cmath>

namespace deltamesh {
namespace {

constexpr std::size_t kDaySize = 10;      // 2018-07-07
constexpr std::size_t kSecondsSize = 19;  // 2018-07-07T20:03:06

std::string_view without_blanks(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

// The number that two digits make; 100 or more if they are none.
unsigned two_digits(const char* at) {
  const auto tens = static_cast<unsigned>(at[0]) - '0', ones = static_cast<unsigned>(at[1]) - '0';
  return tens > 9 || ones > 9 ? 100 : 10 * tens + ones;
}

Ticks ticks_a_second(Resolution resolution) {
  Ticks ticks = 1;
  for (int i = 0; i < decimals(resolution); ++i) ticks *= 10;
  return ticks;
}

}  // namespace

bool Cells::split(std::string_view line) {
  cells_.clear();
  if (line.find('"') != std::string_view::npos) return split_quoted(line);
  for (auto comma = line.find(','); comma != std::string_view::npos; comma = line.find(',')) {
    cells_.push_back(line.substr(0, comma));
    line.remove_prefix(comma + 1);
  }
  cells_.push_back(line);
  return true;
}

bool Cells::split_quoted(std::string_view line) {
  unquoted_.clear();
  unquoted_.reserve(line.size());  // So that what cells point to does not move.
  while (true) {
    if (!line.starts_with('"')) {
      cells_.push_back(line.substr(0, line.find(',')));
      line.remove_prefix(cells_.back().size());
    } else if (!take_quoted(line)) {
      return false;
    }
    if (line.empty()) return true;
    line.remove_prefix(1);
  }
}

bool Cells::take_quoted(std::string_view& rest) {
  const std::size_t start = unquoted_.size();
  rest.remove_prefix(1);
  for (auto quote = rest.find('"'); quote != std::string_view::npos; quote = rest.find('"')) {
    unquoted_ += rest.substr(0, quote);
    rest.remove_prefix(quote + 1);
    if (!rest.starts_with('"')) {
      cells_.push_back(std::string_view(unquoted_).substr(start));
      return rest.empty() || rest.starts_with(',');
    }
    unquoted_ += '"';
    rest.remove_prefix(1);
  }
  return false;
}

std::optional<double> parse_number(std::string_view cell) {
  cell = without_blanks(cell);
  if (cell.starts_with('+') && !cell.starts_with("+-")) cell.remove_prefix(1);
  double number = 0;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), number);
  if (error != std::errc{} || end != cell.data() + cell.size() || !std::isfinite(number)) return std::nullopt;
  return number;
}

Judged<Ticks> TimeReader::read(std::string_view cell) {
  if (const auto ticks = within_day(cell)) return *ticks;
  auto ticks = parse_timestamp(without_blanks(cell), unit_, resolution_);
  if (unit_ == TimeUnit::kIso8601 && std::holds_alternative<Ticks>(ticks)) remember_day(cell);
  return ticks;
}

// Only for `2018-07-07T20:03:06` of the day that was remembered.
std::optional<Ticks> TimeReader::within_day(std::string_view cell) const {
  if (cell.size() != kSecondsSize || day_.empty() || cell.substr(0, kDaySize) != day_) return std::nullopt;
  if ((cell[10] != 'T' && cell[10] != ' ') || cell[13] != ':' || cell[16] != ':') return std::nullopt;
  const unsigned hour = two_digits(&cell[11]), minute = two_digits(&cell[14]), second = two_digits(&cell[17]);
  if (hour > 23 || minute > 59 || second > 59) return std::nullopt;
  return midnight_ + Ticks{hour * 3600 + minute * 60 + second} * ticks_a_second(resolution_);
}

void TimeReader::remember_day(std::string_view cell) {
  day_.clear();
  if (cell.size() != kSecondsSize) return;
  const std::string midnight = std::string(cell.substr(0, kDaySize)) + "T00:00:00";
  const auto ticks = parse_timestamp(midnight, unit_, resolution_);
  const auto* const found = std::get_if<Ticks>(&ticks);
  const bool fits = found != nullptr && std::holds_alternative<Ticks>(parse_timestamp(
                                            midnight.substr(0, 11) + "23:59:59", unit_, resolution_));
  if (!fits) return;
  midnight_ = *found;
  day_ = midnight.substr(0, kDaySize);
}

}  // namespace deltamesh
