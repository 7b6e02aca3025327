// tests/tools/units_test.cc - durations and sizes, exactly or not at all.
#include "tools/units.h"

#include <catch2/catch.hpp>
#include <optional>

namespace deltamesh {
namespace {

TEST_CASE("a duration is a whole number and a unit", "[units]") {
  struct Row {
    const char* text;
    std::int64_t microseconds;  // -1: refused.
  };
  const auto row = GENERATE(values<Row>({
      {"0s", 0},
      {"7us", 7},
      {"20ms", 20'000},
      {"10s", 10'000'000},
      {"10 s", 10'000'000},
      {"2min", 120'000'000},
      {"1h", 3'600'000'000},
      {"3d", 259'200'000'000},
      {"9223372036854775807us", INT64_MAX},
      {"9223372036854775808us", -1},
      {"106751991168d", -1},
      {"99999999999999999999s", -1},
      {"10 parsecs", -1},
      {"10", -1},
      {"s", -1},
      {"", -1},
      {" 10s", -1},
      {"10s ", -1},
      {"-1s", -1},
      {"+1s", -1},
      {"1.5s", -1},
      {"10S", -1},
      {"1m", -1},  // Minutes or metres: min.
  }));
  CAPTURE(row.text);
  const auto duration = parse_duration(row.text);
  REQUIRE(duration.ok() == (row.microseconds >= 0));
  if (duration) CHECK(duration->count() == row.microseconds);
}

TEST_CASE("a size counts in thousands or in 1,024s, as its unit says", "[units]") {
  struct Row {
    const char* text;
    std::optional<std::uint64_t> bytes;
  };
  const auto row = GENERATE(values<Row>({
      {"0B", 0},
      {"512B", 512},
      {"4kB", 4'000},
      {"4KiB", 4'096},
      {"64MB", 64'000'000},
      {"64 MiB", 67'108'864},
      {"2GB", 2'000'000'000},
      {"2GiB", 2'147'483'648},
      {"18446744073709551615B", UINT64_MAX},
      {"18446744073709551616B", std::nullopt},
      {"17179869184GiB", std::nullopt},
      {"64", std::nullopt},
      {"64mb", std::nullopt},
      {"MB", std::nullopt},
      {"-1MB", std::nullopt},
  }));
  CAPTURE(row.text);
  const auto bytes = parse_bytes(row.text);
  REQUIRE(bytes.ok() == row.bytes.has_value());
  if (bytes) CHECK(*bytes == *row.bytes);
}

TEST_CASE("a refusal repeats the text and gives examples", "[units]") {
  CHECK(parse_duration("10 parsecs").error().text ==
        "\"10 parsecs\" is not a duration (examples: 500ms, 10s, 2min)");
  CHECK(parse_bytes("much").error().text == "\"much\" is not a size (examples: 512KiB, 64MB)");
}

TEST_CASE("what a duration is written as reads as that duration", "[units]") {
  for (const char* const text : {"0us", "1us", "20ms", "1500ms", "90s", "2min", "1h", "25h", "2d"}) {
    CHECK(to_text(*parse_duration(text)) == text);
  }
  CHECK(to_text(*parse_duration("120s")) == "2min");
}

}  // namespace
}  // namespace deltamesh
