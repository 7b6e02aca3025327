// ingest/number.cc - decimal text to integers and doubles.
#include "ingest/number.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <system_error>

#include "engine/half_even.h"

namespace deltamesh {
namespace {

// Far beyond what fits either way, and small enough that sums of a few never overflow.
constexpr std::int64_t kExponentMax = 1'000'000'000;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

std::string_view take_digits(std::string_view& text) {
  const auto* end = std::find_if_not(text.begin(), text.end(), is_digit);
  const auto digits = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(digits.size());
  return digits;
}

// The part after 'e'; saturates instead of overflowing.
std::optional<std::int64_t> take_exponent(std::string_view& text) {
  const bool negative = take(text, '-');
  if (!negative) take(text, '+');
  const auto digits = take_digits(text);
  if (digits.empty()) return std::nullopt;
  std::int64_t exponent = 0;
  for (const char c : digits) exponent = std::min(kExponentMax, exponent * 10 + (c - '0'));
  return negative ? -exponent : exponent;
}

// Drops zeros at both ends, so that equal numbers are equal values.
Decimal trimmed(Decimal value) {
  value.digits.erase(0, std::min(value.digits.find_first_not_of('0'), value.digits.size()));
  while (!value.digits.empty() && value.digits.back() == '0') {
    value.digits.pop_back();
    ++value.exponent;
  }
  if (value.digits.empty()) value.exponent = 0;
  return value;
}

// The integer that `digits` show, with the sign; nullopt beyond 64 bits.
std::optional<std::int64_t> to_int64(std::string_view digits, bool negative) {
  std::uint64_t magnitude = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), magnitude);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (magnitude > kMax + (negative ? 1 : 0)) return std::nullopt;
  if (!negative) return static_cast<std::int64_t>(magnitude);
  return magnitude == 0 ? 0 : -static_cast<std::int64_t>(magnitude - 1) - 1;
}

void add_one(std::string& digits) {
  for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit) {
    if (*digit != '9') {
      ++*digit;
      return;
    }
    *digit = '0';
  }
  digits.insert(digits.begin(), '1');
}

std::optional<double> nearest_double(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::string to_text(const Decimal& value) {
  std::string text = value.negative ? "-" : "";
  text += value.digits.empty() ? "0" : value.digits;
  return text + "e" + std::to_string(value.exponent);
}

// The power of ten that `factor` is the nearest double of, if it is one.
std::optional<int> power_of_ten(double factor) {
  std::array<char, 32> text{};
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), factor, std::chars_format::scientific).ptr;
  const auto value = parse_decimal({text.data(), static_cast<std::size_t>(end - text.data())});
  if (!value || value->negative || value->digits != "1") return std::nullopt;
  return static_cast<int>(value->exponent);
}

}  // namespace

std::optional<Decimal> parse_decimal(std::string_view text) {
  Decimal value;
  value.negative = take(text, '-');
  if (!value.negative) take(text, '+');
  value.digits = take_digits(text);
  if (take(text, '.')) {
    const auto fraction = take_digits(text);
    value.digits += fraction;
    value.exponent = -static_cast<std::int64_t>(fraction.size());
  }
  if (value.digits.empty()) return std::nullopt;
  if (take(text, 'e') || take(text, 'E')) {
    const auto exponent = take_exponent(text);
    if (!exponent) return std::nullopt;
    value.exponent += *exponent;
  }
  if (!text.empty()) return std::nullopt;
  return trimmed(std::move(value));
}

std::optional<std::int64_t> round_half_even(const Decimal& value, int shift) {
  const auto size = static_cast<std::int64_t>(value.digits.size());
  const std::int64_t point = size + value.exponent + shift;  // Digits before the decimal point.
  if (size == 0 || point < 0) return 0;
  if (point > 19) return std::nullopt;
  const auto whole = static_cast<std::size_t>(point);
  std::string digits = value.digits.substr(0, std::min(whole, value.digits.size()));
  digits.resize(whole, '0');
  const bool odd = whole > 0 && (digits.back() - '0') % 2 == 1;
  const auto rest = std::string_view(value.digits).substr(std::min(whole, value.digits.size()));
  if (rounds_up(rest, odd)) add_one(digits);
  return digits.empty() ? 0 : to_int64(digits, value.negative);
}

std::optional<Scale> Scale::of(double factor) {
  if (!std::isfinite(factor) || factor == 0) return std::nullopt;
  Scale scale;
  scale.factor_ = factor;
  scale.power_ = power_of_ten(factor);
  return scale;
}

std::optional<double> Scale::to_double(std::string_view text) const {
  auto value = parse_decimal(text);
  if (!value) return std::nullopt;
  if (power_) value->exponent += *power_;
  const auto nearest = nearest_double(to_text(*value));
  if (!nearest || power_) return nearest;
  const double scaled = *nearest * factor_;
  return std::isfinite(scaled) ? std::optional(scaled) : std::nullopt;
}

std::optional<std::int64_t> Scale::to_integer(std::string_view text) const {
  auto value = parse_decimal(text);
  if (!value || !power_) return std::nullopt;
  value->exponent += *power_;
  if (!value->digits.empty() && value->exponent < 0) return std::nullopt;
  return round_half_even(*value, 0);
}

}  // namespace deltamesh
