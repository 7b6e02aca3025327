// ingest/number.h - the text of a decimal number, exactly, and what becomes of it.
//
// Sensors write decimals, and `1594598424.5023336` s has no exact double. So nothing here goes through a
// binary fraction unless a double is what is asked for: times and integers are shifted and rounded on the
// digits, doubles are the nearest to the whole text, scale included where it is a power of ten.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace deltamesh {

// digits * 10^exponent. No leading zeros; zero has no digits.
struct Decimal {
  bool negative = false;
  std::string digits;
  std::int64_t exponent = 0;
  friend bool operator==(const Decimal&, const Decimal&) = default;
};

// JSON's grammar and, because devices print them, also "+1", ".5", "5." and "007". Not "nan", "inf" or hex.
std::optional<Decimal> parse_decimal(std::string_view text);

// value * 10^shift to the nearest integer, ties to even; nullopt beyond 64 bits.
std::optional<std::int64_t> round_half_even(const Decimal& value, int shift);

// A factor for readings, such as 0.1 for tenths of a degree. Powers of ten are exact.
class Scale {
 public:
  Scale() = default;
  // nullopt unless `factor` is finite and not zero.
  static std::optional<Scale> of(double factor);

  [[nodiscard]] bool exact() const { return power_.has_value(); }

  // The double nearest to the scaled text; nullopt if it is no number or passes the range of doubles.
  [[nodiscard]] std::optional<double> to_double(std::string_view text) const;
  // Only if the scaled number is a whole one of 64 bits: nothing is rounded.
  [[nodiscard]] std::optional<std::int64_t> to_integer(std::string_view text) const;

 private:
  double factor_ = 1;
  std::optional<int> power_ = 0;  // factor_ == 10^power_.
};

}  // namespace deltamesh
