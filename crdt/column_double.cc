// crdt/column_double.cc - columns of doubles: decimals, decimals that passed through a float, floats, raw
// bits.
//
// "v is n / 10^e" is asked with |n| <= 2^50, where rounding v * 10^e to the nearest integer finds n whatever
// the last bits of the product are. The answer is therefore one of mathematics: compilers that fuse a
// multiplication with an addition give the same one.
#include <algorithm>
#include <bit>
#include <cassert>
#include <cfloat>
#include <cmath>
#include <limits>
#include <vector>

#include "crdt/column.h"
#include "crdt/column_parts.h"
#include "crdt/varint.h"

namespace deltamesh {
namespace {

static_assert(std::numeric_limits<double>::is_iec559 && std::numeric_limits<float>::is_iec559);
static_assert(FLT_EVAL_METHOD == 0, "a double must be a double, not a wider register");

constexpr double kDigitsMax = 1125899906842624.0;  // 2^50.

std::uint64_t bits(double value) {
  return std::bit_cast<std::uint64_t>(value);
}
bool is_nan(double value) {
  return (bits(value) & ~(std::uint64_t{1} << 63)) > 0x7ff0000000000000u;
}

// How a decimal became a double: directly, or through a 32-bit float.
struct Direct {
  static constexpr DoubleCodec kCodec = DoubleCodec::kDecimal;
  static constexpr unsigned kScaleTop = 15;
  static double born(double digits, double power) { return digits / power; }
};
struct ThroughFloat {
  static constexpr DoubleCodec kCodec = DoubleCodec::kFloatDecimal;
  static constexpr unsigned kScaleTop = 12;  // A float times 10^12 is still exact.
  static double born(double digits, double power) {
    return static_cast<double>(static_cast<float>(digits / power));
  }
};

double power_of_ten(unsigned scale) {
  return static_cast<double>(kPowersOfTen[scale]);
}

template <class Birth>
bool is_decimal(double value, double power, std::int64_t& digits) {
  const double shifted = value * power;
  if (!(std::abs(shifted) < 2 * kDigitsMax)) return false;
  digits = static_cast<std::int64_t>(shifted + (shifted < 0 ? -0.5 : 0.5));
  const auto whole = static_cast<double>(digits);
  return std::abs(whole) <= kDigitsMax && bits(Birth::born(whole, power)) == bits(value);
}

// All values as integers of one scale, the smallest that serves; false if there is none.
template <class Birth>
bool find_decimals(std::span<const double> values, unsigned& scale, std::vector<std::int64_t>& digits) {
  digits.resize(values.size());
  scale = 0;
  std::size_t settled = 0;  // Values from here on were found at the final scale.
  for (std::size_t i = 0; i < values.size(); ++i) {
    while (!is_decimal<Birth>(values[i], power_of_ten(scale), digits[i])) {
      if (++scale > Birth::kScaleTop) return false;
      settled = i;
    }
  }
  for (std::size_t i = 0; i < settled; ++i)
    if (!is_decimal<Birth>(values[i], power_of_ten(scale), digits[i])) return false;
  return true;
}

template <class Birth>
bool try_decimals(Bytes& out, std::span<const double> values, std::size_t size_max) {
  std::vector<std::int64_t> digits;
  unsigned scale = 0;
  if (!find_decimals<Birth>(values, scale, digits)) return false;
  const std::size_t start = out.size();
  put_head(out, {static_cast<std::uint8_t>(Birth::kCodec), static_cast<std::uint8_t>(scale)});
  encode_ints(out, digits);
  if (out.size() - start <= size_max) return true;
  out.resize(start);
  return false;
}

bool is_float(double value) {
  const double size = std::abs(value);
  if (size > std::numeric_limits<float>::max() && size <= std::numeric_limits<double>::max()) return false;
  return bits(static_cast<double>(static_cast<float>(value))) == bits(value);
}

// Fixed width, and so without a choice: floats if all values are floats, else raw.
void put_fixed(Bytes& out, std::span<const double> values, bool floats) {
  put_head(out, {static_cast<std::uint8_t>(floats ? DoubleCodec::kFloat : DoubleCodec::kRaw), 0});
  for (const double value : values) {
    const std::uint64_t raw = floats ? std::bit_cast<std::uint32_t>(static_cast<float>(value)) : bits(value);
    for (unsigned shift = 0; shift < (floats ? 32u : 64u); shift += 8)
      out.push_back(static_cast<std::byte>((raw >> shift) & 0xff));
  }
}

bool try_dictionary(Bytes& out, std::span<const double> values, bool floats, std::size_t size) {
  std::vector<std::int64_t> words(values.size());
  std::transform(values.begin(), values.end(), words.begin(), [](double v) { return wrap(bits(v)); });
  Dictionary dictionary;
  if (!find_distinct(words, std::min(values.size() / 2, kDictionaryMax), dictionary)) return false;
  std::vector<double> distinct(dictionary.distinct.size());
  std::transform(dictionary.distinct.begin(), dictionary.distinct.end(), distinct.begin(),
                 [](std::int64_t v) { return std::bit_cast<double>(v); });
  const std::size_t start = out.size();
  put_head(out, {static_cast<std::uint8_t>(DoubleCodec::kDictionary), 0});
  put_varint(out, distinct.size());
  put_fixed(out, distinct, floats);
  encode_ints(out, dictionary.indexes);
  if (out.size() - start < size) return true;
  out.resize(start);
  return false;
}

Status decode_decimals(ByteView& in, std::span<double> values, ColumnHead head, bool through_float) {
  std::vector<std::int64_t> digits(values.size());
  if (Status done = decode_ints(in, digits); !done) return done;
  const double power = power_of_ten(head.scale);
  const auto born = through_float ? ThroughFloat::born : Direct::born;
  std::transform(digits.begin(), digits.end(), values.begin(),
                 [=](std::int64_t n) { return born(static_cast<double>(n), power); });
  return Done{};
}

double load_double(const std::byte* at, bool floats) {
  std::uint64_t raw = 0;
  for (unsigned i = 0; i < (floats ? 4u : 8u); ++i) raw |= std::to_integer<std::uint64_t>(at[i]) << (8 * i);
  return floats ? static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(raw)))
                : std::bit_cast<double>(raw);
}

bool get_fixed(ByteView& in, std::span<double> values, bool floats) {
  const std::size_t width = floats ? 4 : 8;
  if (in.size() / width < values.size()) return false;
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = load_double(in.data() + i * width, floats);
  in = in.subspan(values.size() * width);
  return std::none_of(values.begin(), values.end(), is_nan);
}

Status decode_fixed(ByteView& in, std::span<double> values, ColumnHead head) {
  const auto codec = static_cast<DoubleCodec>(head.codec);
  const bool known = codec == DoubleCodec::kFloat || codec == DoubleCodec::kRaw;
  if (!known || head.scale != 0) return column_unsupported("double", head);
  if (!get_fixed(in, values, codec == DoubleCodec::kFloat)) return column_malformed("double", head);
  return Done{};
}

Status decode_dictionary(ByteView& in, std::span<double> values, ColumnHead head) {
  std::uint64_t count = 0;
  ColumnHead nested;
  if (head.scale != 0) return column_unsupported("double", head);
  if (!get_varint(in, count) || count == 0 || count > values.size() || count > in.size() ||
      !get_head(in, nested))
    return column_malformed("double", head);
  std::vector<double> distinct(static_cast<std::size_t>(count));
  if (Status done = decode_fixed(in, distinct, nested); !done) return done;
  std::vector<std::int64_t> indexes(values.size());
  if (Status done = decode_ints(in, indexes); !done) return done;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (word(indexes[i]) >= count) return column_malformed("double", head);
    values[i] = distinct[static_cast<std::size_t>(indexes[i])];
  }
  return Done{};
}

}  // namespace

// Decimals are never larger as a dictionary of raw values, because their integers may be a dictionary.
void encode_doubles(Bytes& out, std::span<const double> values) {
  assert(!values.empty() && std::none_of(values.begin(), values.end(), is_nan));
  const bool floats = std::all_of(values.begin(), values.end(), is_float);
  const std::size_t fixed = 1 + values.size() * (floats ? 4 : 8);
  if (try_decimals<Direct>(out, values, fixed)) return;
  if (floats && try_decimals<ThroughFloat>(out, values, fixed)) return;
  if (!try_dictionary(out, values, floats, fixed)) put_fixed(out, values, floats);
}

Status decode_doubles(ByteView& in, std::span<double> values) {
  ColumnHead head;
  if (values.empty() || !get_head(in, head)) return column_malformed("double", head);
  switch (static_cast<DoubleCodec>(head.codec)) {
    case DoubleCodec::kDecimal: return decode_decimals(in, values, head, false);
    case DoubleCodec::kFloatDecimal: return decode_decimals(in, values, head, true);
    case DoubleCodec::kDictionary: return decode_dictionary(in, values, head);
    default: return decode_fixed(in, values, head);
  }
}

}  // namespace deltamesh
