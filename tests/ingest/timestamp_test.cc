// tests/ingest/timestamp_test.cc - times as devices write them become ticks, exactly or not at all.
#include "ingest/timestamp.h"

#include <catch2/catch.hpp>

namespace deltamesh {
namespace {

using enum TimeUnit;
constexpr auto kMs = Resolution::kMilliseconds;
constexpr auto kUs = Resolution::kMicroseconds;
constexpr auto kNs = Resolution::kNanoseconds;

TEST_CASE("a time is converted from its unit to the resolution, half to even", "[ingest][timestamp]") {
  struct Row {
    const char* text;
    TimeUnit unit;
    Resolution resolution;
    Ticks expected;
  };
  const auto row = GENERATE(values<Row>({
      {"1594598424.5023336", kSeconds, kMs, 1'594'598'424'502},
      {"1594598424.5023336", kSeconds, kUs, 1'594'598'424'502'334},
      {"1594598424.5023336", kSeconds, kNs, 1'594'598'424'502'333'600},
      {"1594598424502", kMilliseconds, kMs, 1'594'598'424'502},
      {"1594598424502", kMilliseconds, kNs, 1'594'598'424'502'000'000},
      {"1594598424502500", kMicroseconds, kMs, 1'594'598'424'502},
      {"1594598424503500", kMicroseconds, kMs, 1'594'598'424'504},
      {"1594598424502500001", kNanoseconds, kMs, 1'594'598'424'503},
      {"-0.0005", kSeconds, kMs, 0},
      {"-1.0015", kSeconds, kMs, -1002},
      {"1970-01-01T00:00:00Z", kIso8601, kMs, 0},
      {"2020-07-13T00:00:24.5023336Z", kIso8601, kMs, 1'594'598'424'502},
      {"2020-07-13T02:00:24.5025+02:00", kIso8601, kMs, 1'594'598'424'502},
      {"2020-07-12 19:30:24.5035-0430", kIso8601, kMs, 1'594'598'424'504},
      {"2017-08-01T12:00:01", kIso8601, kMs, 1'501'588'801'000},
      {"1969-12-31T23:59:59.9995Z", kIso8601, kMs, 0},
      {"1969-12-31T23:59:59.9985Z", kIso8601, kMs, -2},
      {"0001-01-01T00:00:00Z", kIso8601, kMs, -62'135'596'800'000},
      {"9999-12-31T23:59:59.999Z", kIso8601, kMs, 253'402'300'799'999},
  }));
  CAPTURE(row.text);
  const auto judged = parse_timestamp(row.text, row.unit, row.resolution);
  REQUIRE(std::holds_alternative<Ticks>(judged));
  CHECK(std::get<Ticks>(judged) == row.expected);
}

TEST_CASE("a time that cannot be meant is refused with its reason", "[ingest][timestamp]") {
  struct Row {
    const char* text;
    TimeUnit unit;
    Resolution resolution;
    Refusal reason;
  };
  const auto row = GENERATE(values<Row>({
      {"1594598424502", kSeconds, kMs, Refusal::kTimestampRange},  // Milliseconds, in the year 52,500.
      {"1e300", kSeconds, kMs, Refusal::kTimestampRange},
      {"-1e12", kSeconds, kMs, Refusal::kTimestampRange},
      {"9999999999", kSeconds, kNs, Refusal::kTimestampRange},  // 2286 does not fit 64 bits of ns.
      {"2400-01-01T00:00:00Z", kIso8601, kNs, Refusal::kTimestampRange},
      {"2262-04-11T23:47:16.9Z", kIso8601, kNs, Refusal::kTimestampRange},
      {"0001-01-01T00:00:00+01:00", kIso8601, kMs, Refusal::kTimestampRange},
      {"", kSeconds, kMs, Refusal::kBadTimestamp},
      {"now", kSeconds, kMs, Refusal::kBadTimestamp},
      {"", kIso8601, kMs, Refusal::kBadTimestamp},
      {"1594598424", kIso8601, kMs, Refusal::kBadTimestamp},
      {"2020-13-01T00:00:00Z", kIso8601, kMs, Refusal::kBadTimestamp},
      {"2021-02-29T00:00:00Z", kIso8601, kMs, Refusal::kBadTimestamp},
      {"0000-01-01T00:00:00Z", kIso8601, kMs, Refusal::kBadTimestamp},
      {"2020-07-13T24:00:00Z", kIso8601, kMs, Refusal::kBadTimestamp},
      {"2020-07-13T00:60:00Z", kIso8601, kMs, Refusal::kBadTimestamp},
      {"2016-12-31T23:59:60Z", kIso8601, kMs, Refusal::kBadTimestamp},
      {"2020-07-13T00:00:24.Z", kIso8601, kMs, Refusal::kBadTimestamp},
      {"2020-07-13T00:00:24X", kIso8601, kMs, Refusal::kBadTimestamp},
      {"2020-07-13T00:00:24+2:00", kIso8601, kMs, Refusal::kBadTimestamp},
      {"2020-07-13T00:00:24+02:00 ", kIso8601, kMs, Refusal::kBadTimestamp},
      {"2020-07-13", kIso8601, kMs, Refusal::kBadTimestamp},
  }));
  CAPTURE(row.text);
  const auto judged = parse_timestamp(row.text, row.unit, row.resolution);
  REQUIRE(std::holds_alternative<Refused>(judged));
  CHECK(std::get<Refused>(judged).reason == row.reason);
}

}  // namespace
}  // namespace deltamesh
