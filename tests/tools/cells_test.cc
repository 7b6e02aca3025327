// tests/tools/cells_test.cc - quotes, numbers and times in CSV.
#include "tools/cells.h"

#include <catch2/catch.hpp>

namespace deltamesh {
namespace {

using Texts = std::vector<std::string>;

TEST_CASE("cells may be quoted, by RFC 4180", "[cells]") {
  struct Row {
    const char* line;
    Texts cells;  // None: refused.
  };
  const auto row = GENERATE(values<Row>({
      {"", {""}},
      {"a", {"a"}},
      {"a,b", {"a", "b"}},
      {",", {"", ""}},
      {"a,,c,", {"a", "", "c", ""}},
      {"\"a\",b", {"a", "b"}},
      {"a,\"b,c\"", {"a", "b,c"}},
      {"\"say \"\"x\"\"\",\"\"", {"say \"x\"", ""}},
      {"\"\"\"\"", {"\""}},
      {"a\"b,c", {"a\"b", "c"}},
      {"\"a", {}},
      {"\"a\"\"", {}},
      {"\"a\"b,c", {}},
      {"a,\"b", {}},
  }));
  CAPTURE(row.line);
  Cells cells;
  REQUIRE(cells.split(row.line) == !row.cells.empty());
  if (row.cells.empty()) return;
  Texts texts;
  for (std::size_t i = 0; i < cells.size(); ++i) texts.emplace_back(cells[i]);
  CHECK(texts == row.cells);
}

TEST_CASE("a number is the nearest double, and finite", "[cells]") {
  struct Row {
    const char* cell;
    std::optional<double> number;
  };
  const auto row = GENERATE(values<Row>({
      {"17.47", 17.47},
      {"-0.5e3", -500.0},
      {" 1 ", 1.0},
      {"+1", 1.0},
      {"5.", 5.0},
      {".5", 0.5},
      {"9007199254740993", 9007199254740992.0},
      {"nan", std::nullopt},
      {"NaN", std::nullopt},
      {"inf", std::nullopt},
      {"-Infinity", std::nullopt},
      {"1e999", std::nullopt},
      {"0x10", std::nullopt},
      {"+-1", std::nullopt},
      {"1,5", std::nullopt},
      {"1 5", std::nullopt},
      {"on", std::nullopt},
      {"", std::nullopt},
      {" ", std::nullopt},
  }));
  CAPTURE(row.cell);
  CHECK((parse_number(row.cell) == row.number));
}

Judged<Ticks> slowly(const std::string& cell, Resolution resolution) {
  return parse_timestamp(cell, TimeUnit::kIso8601, resolution);
}

TEST_CASE("the short way to a time agrees with the long one", "[cells]") {
  const auto resolution =
      GENERATE(Resolution::kMilliseconds, Resolution::kMicroseconds, Resolution::kNanoseconds);
  TimeReader reader(TimeUnit::kIso8601, resolution);
  for (const char* const cell : {"2018-07-07T20:03:06",
                                 "2018-07-07T20:03:07",
                                 "2018-07-07 00:00:00",
                                 "2018-07-07T23:59:59",
                                 "2018-07-07T24:00:00",
                                 "2018-07-07T20:60:00",
                                 "2018-07-07T20:03:60",
                                 "2018-07-07T20:03:0Z",
                                 "2018-07-07T2o:03:06",
                                 "2018-07-07X20:03:06",
                                 "2018-07-07T20-03:06",
                                 "2018-07-08T00:00:00",
                                 "2018-02-30T00:00:00",
                                 "2018-07-08T00:00:01.5",
                                 "2018-07-08T00:00:02Z",
                                 "2018-07-08T02:00:03+02:00",
                                 "1969-12-31T23:59:59",
                                 "1969-12-31T23:59:58",
                                 "0001-01-01T00:00:00",
                                 "2262-04-11T23:47:16",
                                 "2262-04-11T23:47:17",
                                 "9999-12-31T23:59:59",
                                 "",
                                 "now"}) {
    CAPTURE(cell);
    const auto fast = reader.read(cell), slow = slowly(cell, resolution);
    REQUIRE(fast.index() == slow.index());
    if (const auto* ticks = std::get_if<Ticks>(&fast)) CHECK(*ticks == std::get<Ticks>(slow));
  }
}

TEST_CASE("times may be numbers", "[cells]") {
  TimeReader reader(TimeUnit::kSeconds, Resolution::kMilliseconds);
  CHECK(std::get<Ticks>(reader.read("1594598424.5025")) == 1'594'598'424'502);
  CHECK(std::get<Ticks>(reader.read("1594598424.5035")) == 1'594'598'424'504);  // Half to even.
  CHECK(std::holds_alternative<Refused>(reader.read("2018-07-07T20:03:06")));
}

}  // namespace
}  // namespace deltamesh
