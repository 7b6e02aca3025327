// tests/engine/iso_time_test.cc - times as text: exact, in range, and in UTC only.
#include "engine/iso_time.h"

#include <catch2/catch.hpp>
#include <limits>

namespace deltamesh {
namespace {

using R = Resolution;

TEST_CASE("a time in UTC has one count of ticks at each resolution", "[time]") {
  struct Row {
    const char* text;
    R resolution;
    Ticks ticks;
  };
  const auto row = GENERATE(values<Row>({
      {"1970-01-01T00:00:00Z", R::kMilliseconds, 0},
      {"2020-07-13T00:00:24.502Z", R::kMilliseconds, 1'594'598'424'502},
      {"2020-07-13T00:00:24.502Z", R::kNanoseconds, 1'594'598'424'502'000'000},
      {"2020-07-13T00:00:24.502333Z", R::kMicroseconds, 1'594'598'424'502'333},
      {"1969-12-31T23:59:59.999Z", R::kMilliseconds, -1},
      {"2000-02-29T12:00:00Z", R::kMilliseconds, 951'825'600'000},
      {"1970-01-01T00:00:00.0005Z", R::kMilliseconds, 0},  // Ties go to the even neighbour.
      {"1970-01-01T00:00:00.0015Z", R::kMilliseconds, 2},
      {"1970-01-01T00:00:00.00050001Z", R::kMilliseconds, 1},
      {"1970-01-01T00:00:00.9995Z", R::kMilliseconds, 1000},
      {"0001-01-01T00:00:00Z", R::kMilliseconds, -62'135'596'800'000},
      {"9999-12-31T23:59:59.999999Z", R::kMicroseconds, 253'402'300'799'999'999},
  }));
  CAPTURE(row.text);
  const auto ticks = parse_iso_time(row.text, row.resolution);
  REQUIRE(ticks);
  CHECK(*ticks == row.ticks);
}

TEST_CASE("what is no time in UTC is refused", "[time]") {
  const auto* const text = GENERATE(
      "", "Z", "2020-07-13", "2020-07-13T00:00:24", "2020-07-13T00:00:24+02:00", "2020-07-13 00:00:24Z",
      "2020-7-13T00:00:24Z", "2020-02-30T00:00:00Z", "2021-02-29T00:00:00Z", "2020-13-01T00:00:00Z",
      "2020-07-13T24:00:00Z", "2020-07-13T00:60:00Z", "2016-12-31T23:59:60Z", "2020-07-13T00:00:24.Z",
      "2020-07-13T00:00:24.5ZZ", "0000-01-01T00:00:00Z", "-020-07-13T00:00:24Z");
  CAPTURE(text);
  CHECK(!parse_iso_time(text, R::kMilliseconds));
}

TEST_CASE("a year that 64 bits of nanoseconds do not reach is refused", "[time]") {
  CHECK(parse_iso_time("2262-04-11T00:00:00Z", R::kNanoseconds));
  for (const auto* text : {"2262-04-12T00:00:00Z", "1677-09-20T00:00:00Z", "9999-12-31T23:59:59Z"}) {
    CHECK(parse_iso_time(text, R::kNanoseconds).error().code == ErrorCode::kInvalid);
    CHECK(parse_iso_time(text, R::kMicroseconds));
  }
}

TEST_CASE("ticks of the years 1 to 9999 make sense, others do not", "[time]") {
  CHECK(in_calendar(0, R::kMilliseconds));
  CHECK(in_calendar(-62'135'596'800'000, R::kMilliseconds));
  CHECK_FALSE(in_calendar(-62'135'596'800'001, R::kMilliseconds));
  CHECK(in_calendar(253'402'300'799'999, R::kMilliseconds));
  CHECK_FALSE(in_calendar(253'402'300'800'000, R::kMilliseconds));
  CHECK_FALSE(in_calendar(std::numeric_limits<Ticks>::max(), R::kMicroseconds));
  for (const Ticks end : {std::numeric_limits<Ticks>::min(), std::numeric_limits<Ticks>::max()}) {
    CHECK(in_calendar(end, R::kNanoseconds));
  }
}

}  // namespace
}  // namespace deltamesh
