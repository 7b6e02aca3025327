// tests/ingest/number_test.cc - decimal texts become the nearest integers and doubles.
#include "ingest/number.h"

#include <rapidcheck.h>
#include <rapidcheck/catch.h>

#include <bit>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <limits>

namespace deltamesh {
namespace {

std::optional<std::int64_t> rounded(std::string_view text, int shift) {
  const auto value = parse_decimal(text);
  return value ? round_half_even(*value, shift) : std::nullopt;
}

TEST_CASE("a decimal is rounded half to even on its digits, whatever its sign and size", "[ingest][number]") {
  struct Row {
    const char* text;
    int shift;
    std::optional<std::int64_t> expected;
  };
  const auto row = GENERATE(values<Row>({
      {"1594598424.5023336", 3, 1'594'598'424'502},
      {"1594598424.5025", 3, 1'594'598'424'502},      // A tie, to the even neighbour below.
      {"1594598424.5035", 3, 1'594'598'424'504},      // A tie, to the even neighbour above.
      {"1594598424.50250001", 3, 1'594'598'424'503},  // No tie any more.
      {"-0.0005", 3, 0},
      {"-0.0015", 3, -2},
      {"-0.00150001", 3, -2},
      {"-1.9995", 3, -2000},
      {"0.9995", 3, 1000},  // Carries through every digit.
      {"0.5", 0, 0},
      {"1.5", 0, 2},
      {"5e-1", 0, 0},
      {"0.05", 0, 0},  // The digit behind the point is a zero.
      {"0.4999999999999999999999999999", 0, 0},
      {"0.5000000000000000000000000001", 0, 1},
      {"1e-400", 3, 0},
      {"0e999999999999", 3, 0},
      {"1.5e9", 3, 1'500'000'000'000},
      {"9223372036854775807", 0, std::numeric_limits<std::int64_t>::max()},
      {"9223372036854775807.4", 0, std::numeric_limits<std::int64_t>::max()},
      {"9223372036854775807.5", 0, std::nullopt},
      {"-9223372036854775808", 0, std::numeric_limits<std::int64_t>::min()},
      {"-9223372036854775809", 0, std::nullopt},
      {"9999999999999999999.5", 0, std::nullopt},
      {"1e19", 0, std::nullopt},
      {"1e99999999999999999999", 3, std::nullopt},
  }));
  CAPTURE(row.text, row.shift);
  CHECK(rounded(row.text, row.shift) == row.expected);
}

TEST_CASE("what is not a decimal number is refused", "[ingest][number]") {
  const auto* text = GENERATE("", "-", "+", ".", "-.", "e5", ".e5", "1e", "1e+", "1 ", " 1", "1,5", "0x10",
                              "nan", "NaN", "inf", "-Infinity", "1.2.3", "--1", "+-1", "1e5.5", "1_000");
  CAPTURE(text);
  CHECK_FALSE(parse_decimal(text));
  CHECK_FALSE(Scale().to_double(text));
  CHECK_FALSE(Scale().to_integer(text));
}

TEST_CASE("equal numbers are equal decimals, however they are written", "[ingest][number]") {
  const auto* text = GENERATE("12.5", "+12.5", "012.50", "1.25e1", "125e-1", "0.125E+2", "12.5e0");
  CAPTURE(text);
  CHECK(parse_decimal(text) == Decimal{false, "125", -1});
}

TEST_CASE("a power of ten scales the text, so no binary error creeps in", "[ingest][number]") {
  struct Row {
    double factor;
    const char* text;
    double expected;
  };
  const auto row = GENERATE(values<Row>({
      {1, "18.899999618530273", 18.899999618530273},
      {0.1, "3", 0.3},  // 3 * 0.1 is 0.30000000000000004.
      {0.01, "2345", 23.45},
      {0.001, "1005", 1.005},
      {100, "1.1", 110},  // 1.1 * 100 is 110.00000000000001.
      {1e-300, "1e310", 1e10},
      {2, "1.5", 3},
      {-0.5, "3", -1.5},
  }));
  CAPTURE(row.factor, row.text);
  CHECK(Scale::of(row.factor)->to_double(row.text) == row.expected);
}

TEST_CASE("doubles beyond the range are refused and a negative zero keeps its sign", "[ingest][number]") {
  CHECK_FALSE(Scale().to_double("1e309"));
  CHECK_FALSE(Scale().to_double("-1e99999999999"));
  CHECK_FALSE(Scale::of(3)->to_double("1e308"));
  CHECK(std::signbit(*Scale().to_double("-0.0")));
  CHECK(Scale().to_double("4.9e-324") == std::numeric_limits<double>::denorm_min());
}

TEST_CASE("a scale must be finite and not zero", "[ingest][number]") {
  CHECK_FALSE(Scale::of(0));
  CHECK_FALSE(Scale::of(std::numeric_limits<double>::infinity()));
  CHECK_FALSE(Scale::of(std::numeric_limits<double>::quiet_NaN()));
  CHECK(Scale::of(0.1)->exact());
  CHECK_FALSE(Scale::of(0.3)->exact());
}

TEST_CASE("an integer is taken only if nothing has to be rounded", "[ingest][number]") {
  struct Row {
    double factor;
    const char* text;
    std::optional<std::int64_t> expected;
  };
  const auto row = GENERATE(values<Row>({
      {1, "42", 42},
      {1, "-42.000", -42},
      {1, "4.2e1", 42},
      {1, "42.5", std::nullopt},
      {10, "4.2", 42},
      {0.1, "420", 42},
      {0.1, "421", std::nullopt},
      {1, "0.0", 0},
      {1, "9223372036854775807", std::numeric_limits<std::int64_t>::max()},
      {1, "9223372036854775808", std::nullopt},
  }));
  CAPTURE(row.factor, row.text);
  CHECK(Scale::of(row.factor)->to_integer(row.text) == row.expected);
}

TEST_CASE("every finite double survives the way through its text", "[ingest][number]") {
  rc::prop("to_double(print(x)) == x", [](std::uint64_t bits) {
    const auto value = std::bit_cast<double>(bits);
    RC_PRE(std::isfinite(value));
    char text[64];
    std::snprintf(text, sizeof text, "%.17g", value);
    RC_ASSERT(std::bit_cast<std::uint64_t>(Scale().to_double(text).value()) == bits);
  });
}

TEST_CASE("rounding agrees with arithmetic on whole thousandths", "[ingest][number]") {
  rc::prop("n thousandths to units, half to even", [](std::int32_t thousandths) {
    const std::int64_t n = thousandths;
    std::int64_t expected = n / 1000;
    const std::int64_t rest = std::abs(n % 1000);
    if (rest > 500 || (rest == 500 && expected % 2 != 0)) expected += n < 0 ? -1 : 1;
    RC_ASSERT(rounded(std::to_string(n), -3) == expected);
  });
}

}  // namespace
}  // namespace deltamesh
