// tests/tools/row_reader_test.cc - each format to events, and what is refused, by reason and line.
#include "tools/row_reader.h"

#include <catch2/catch.hpp>
#include <sstream>

namespace deltamesh {
namespace {

using Texts = std::vector<std::string>;

std::string text_of(const Value& value) {
  if (const auto* number = std::get_if<double>(&value)) {
    std::ostringstream out;
    out << *number;
    return out.str();
  }
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  return std::get<std::string>(value);
}

// "3: 1000 a=1.5 b=2": line, time, readings.
std::string text_of(const NamedEvent& event) {
  std::string text = std::to_string(event.source->counter) + ": " + std::to_string(event.time);
  for (const NamedReading& reading : event.readings)
    text += " " + reading.series + "=" + text_of(reading.value);
  return text;
}

struct Outcome {
  Texts events;
  Texts refused;  // "bad_number 3 5"
  RowCounts counts;
};

Outcome read(const std::string& text, const RowSettings& settings) {
  std::istringstream in(text);
  auto reader = read_rows(in, settings);
  REQUIRE(reader.ok());
  Outcome outcome;
  NamedEvent event;
  while ((*reader)->next(event)) {
    CHECK(event.source->session == settings.session);
    outcome.events.push_back(text_of(event));
  }
  outcome.counts = (*reader)->counts();
  CHECK((*reader)->bytes_read() == text.size());
  for (const auto& [reason, refusals] : outcome.counts.refused) {
    std::string line = reason;
    for (const std::uint64_t number : refusals.first_lines) line += " " + std::to_string(number);
    outcome.refused.push_back(line);
  }
  return outcome;
}

RowSettings format(RowFormat format, const std::string& prefix = {}) {
  RowSettings settings;
  settings.format = format;
  settings.prefix = prefix;
  settings.session = 7;
  return settings;
}

struct Case {
  const char* text;
  Texts events;
  Texts refused;
};

void check(const Case& row, const RowSettings& settings) {
  CAPTURE(row.text);
  const Outcome outcome = read(row.text, settings);
  CHECK(outcome.events == row.events);
  CHECK(outcome.refused == row.refused);
}

TEST_CASE("csv-wide: a series a column, an event a row", "[rows]") {
  const auto row = GENERATE(values<Case>({
      {"timestamp,P1,P2\n1970-01-01T00:00:01,17.47,7.73\n1970-01-01T00:00:02,1,2\n",
       {"2: 1000 s/P1=17.47 s/P2=7.73", "3: 2000 s/P1=1 s/P2=2"},
       {}},
      {"t,a\r\n1970-01-01T00:00:01,1\r\n", {"2: 1000 s/a=1"}, {}},          // CRLF
      {"\xef\xbb\xbft,a\n1970-01-01T00:00:01,1\n", {"2: 1000 s/a=1"}, {}},  // Byte order mark.
      {"t,a,b\n1970-01-01T00:00:01,,2\n1970-01-01T00:00:02,1,\n", {"2: 1000 s/b=2", "3: 2000 s/a=1"}, {}},
      {"\nt,a\n\n1970-01-01T00:00:01,1\n\n", {"4: 1000 s/a=1"}, {}},  // Blank lines are no rows.
      {"\"t\",\"a\",\"b,c\"\n\"1970-01-01T00:00:01\",\"1\",2\n", {"2: 1000 s/a=1 s/b,c=2"}, {}},
      {"t,a\n1970-01-01T00:00:02,1\n1970-01-01T00:00:01,2\n", {"2: 2000 s/a=1", "3: 1000 s/a=2"}, {}},
      {"t,a\n1970-01-01T02:00:01+02:00,1\n", {"2: 1000 s/a=1"}, {}},
      {"t,a\n1970-01-01T00:00:01,nan\n1970-01-01T00:00:01,x\n1970-01-01T00:00:01,1\n",
       {"4: 1000 s/a=1"},
       {"bad_number 2 3"}},
      {"t,a,b\n1970-01-01T00:00:01,1,inf\n", {}, {"bad_number 2"}},  // A row is taken whole or not.
      {"t,a\nyesterday,1\n1970-13-01T00:00:01,1\n", {}, {"bad_timestamp 2 3"}},
      {"t,a\n1970-01-01T00:00:01\n1970-01-01T00:00:01,1,2\n", {}, {"cell_count 2 3"}},
      {"t,a\n1970-01-01T00:00:01,\"1\n", {}, {"open_quote 2"}},
      {"t,a\n", {}, {}},
  }));
  check(row, format(RowFormat::kCsvWide, "s/"));
}

TEST_CASE("csv-wide: an event that is used again keeps nothing of the row before", "[rows]") {
  const auto outcome =
      read("t,a,b,c\n1970-01-01T00:00:01,1,2,3\n1970-01-01T00:00:02,,5,\n1970-01-01T00:00:03,6,,7\n",
           format(RowFormat::kCsvWide));
  CHECK(outcome.events == Texts{"2: 1000 a=1 b=2 c=3", "3: 2000 b=5", "4: 3000 a=6 c=7"});
}

TEST_CASE("rows are counted, and those without a value apart", "[rows]") {
  const auto counts =
      read("t,a\n1970-01-01T00:00:01,1\n1970-01-01T00:00:02,\nx,1\n\n", format(RowFormat::kCsvWide)).counts;
  CHECK(counts.rows == 3);
  CHECK(counts.without_values == 1);
  CHECK(counts.refused_total() == 1);
}

TEST_CASE("a last line without its end is no row yet", "[rows]") {
  const auto outcome = read("t,a\n1970-01-01T00:00:01,1\n1970-01-01T00:00:02,2", format(RowFormat::kCsvWide));
  CHECK(outcome.events == Texts{"2: 1000 a=1"});
  CHECK(outcome.counts.rows == 1);
  CHECK(outcome.counts.unended_line == 3);
}

TEST_CASE("of many refused rows all are counted and a few are named", "[rows]") {
  std::string text = "t,a\n";
  for (int i = 0; i < 100; ++i) text += "1970-01-01T00:00:01,x" + std::to_string(i) + "\n";
  const auto counts = read(text, format(RowFormat::kCsvWide)).counts;
  const RowRefusals& refusals = counts.refused.at("bad_number");
  CHECK(refusals.count == 100);
  CHECK(refusals.first_lines == std::vector<std::uint64_t>{2, 3, 4, 5, 6});
  CHECK(refusals.first_text == "\"x0\" is not a finite number");
}

const std::string kLongHeader = "timestamp,sensor_id,sensor_type,metric,value\n";

TEST_CASE("csv-long: neighbours of one time and sensor make one event", "[rows]") {
  const auto row = GENERATE(values<Case>({
      {"1970-01-01T00:00:01,7,bme,t,1\n1970-01-01T00:00:01,7,bme,h,2\n1970-01-01T00:00:02,7,bme,t,3\n",
       {"3: 1000 7_bme/t=1 7_bme/h=2", "4: 2000 7_bme/t=3"},
       {}},
      {"1970-01-01T00:00:01,7,bme,t,1\n1970-01-01T00:00:01,8,bme,h,2\n",
       {"2: 1000 7_bme/t=1", "3: 1000 8_bme/h=2"},
       {}},
      {"1970-01-01T00:00:01,7,bme,t,1\n1970-01-01T00:00:01,7,bme,t,2\n",
       {"2: 1000 7_bme/t=1", "3: 1000 7_bme/t=2"},
       {}},
      {"1970-01-01T00:00:01,7,bme,t,1\n1970-01-01T00:00:01,7,bme,h,\n1970-01-01T00:00:01,7,bme,p,3\n",
       {"4: 1000 7_bme/t=1 7_bme/p=3"},
       {}},
      {"1970-01-01T00:00:01,7,bme,t,1\nbroken\n1970-01-01T00:00:01,7,bme,h,x\n1970-01-01T00:00:01,7,bme,p,"
       "3\n",
       {"5: 1000 7_bme/t=1 7_bme/p=3"},
       {"bad_number 4", "cell_count 3"}},
      {"1970-01-01T00:00:01,7,bme,\"a,b\",1\n", {"2: 1000 7_bme/a,b=1"}, {}},
      {"1970-01-01T00:00:01,7,bme,\x01,1\n", {}, {"name_invalid 2"}},
      {"", {}, {}},
  }));
  const std::string text = kLongHeader + row.text;
  check({text.c_str(), row.events, row.refused}, format(RowFormat::kCsvLong));
}

TEST_CASE("csv-long: columns may stand in any order, and the template names those it wants", "[rows]") {
  RowSettings settings = format(RowFormat::kCsvLong);
  settings.series = "{site}/{sensor_id}/{metric}";
  const auto outcome =
      read("value,site,metric,sensor_id,timestamp\n5,roof,t,7,1970-01-01T00:00:01\n", settings);
  CHECK(outcome.events == Texts{"2: 1000 roof/7/t=5"});
}

TEST_CASE("ndjson: a series a leaf, by the rules of ingest", "[rows]") {
  const auto row = GENERATE(values<Case>({
      {"{\"time\":\"1970-01-01T00:00:01.5Z\",\"t\":21.5,\"on\":true,\"state\":\"idle\"}\n\n"
       "{\"time\":\"1970-01-01T00:00:02\",\"in\":{\"t\":1,\"l\":[2,3]}}\n",
       {"1: 1500 s/t=21.5 s/on=true s/state=idle", "3: 2000 s/in/t=1 s/in/l/0=2 s/in/l/1=3"},
       {}},
      {"{\"t\":1}\n{\"time\":\"1970-01-01T00:00:01\"}\nx\n{\"time\":\"1970-01-01T00:00:01\",\"t\":1,\"t\":2}"
       "\n",
       {},
       {"duplicate 4", "no_timestamp 1", "no_values 2", "not_json 3"}},
      {"", {}, {}},
  }));
  check(row, format(RowFormat::kNdjson, "s/"));
}

TEST_CASE("ndjson: times may be numbers", "[rows]") {
  RowSettings settings = format(RowFormat::kNdjson);
  settings.time_unit = TimeUnit::kMilliseconds;
  CHECK(read("{\"time\":1500,\"t\":1}\n", settings).events == Texts{"1: 1500 t=1"});
}

TEST_CASE("reading goes on after the line that was last, in each format", "[rows]") {
  struct Row {
    RowFormat format;
    std::string text;
    std::uint64_t after;
    Texts events;
    std::uint64_t skipped;
  };
  const auto row = GENERATE(values<Row>({
      {RowFormat::kCsvWide,
       "t,a\n1970-01-01T00:00:01,1\nx,2\n1970-01-01T00:00:03,3\n",
       2,
       {"4: 3000 a=3"},
       1},
      {RowFormat::kCsvWide, "t,a\n1970-01-01T00:00:01,1\n", 2, {}, 1},
      {RowFormat::kCsvWide, "t,a\n1970-01-01T00:00:01,1\n", 99, {}, 1},
      {RowFormat::kCsvLong,
       kLongHeader +
           "1970-01-01T00:00:01,7,b,t,1\n1970-01-01T00:00:01,7,b,h,2\n1970-01-01T00:00:01,7,b,t,3\n",
       3,
       {"4: 1000 7_b/t=3"},
       2},
      {RowFormat::kNdjson,
       "{\"time\":\"1970-01-01T00:00:01\",\"t\":1}\n{\"time\":\"1970-01-01T00:00:02\",\"t\":2}\n",
       1,
       {"2: 2000 t=2"},
       1},
  }));
  RowSettings settings = format(row.format);
  settings.after_line = row.after;
  const Outcome outcome = read(row.text, settings);
  CHECK(outcome.events == row.events);
  CHECK(outcome.counts.skipped == row.skipped);
}

TEST_CASE("a header that makes no series is an error that says why", "[rows]") {
  struct Row {
    RowFormat format;
    std::string text;
    const char* series;
    const char* says;
  };
  const std::string standard = RowSettings().series;
  const auto row = GENERATE_COPY(values<Row>({
      {RowFormat::kCsvWide, "", "", "there is no header"},
      {RowFormat::kCsvWide, "t,a", "", "there is no header"},  // It may go on.
      {RowFormat::kCsvWide, "timestamp\n", "", "names no column but the time"},
      {RowFormat::kCsvWide, "t,a,a\n", "", "column \"a\" stands twice"},
      {RowFormat::kCsvWide, "t,a,\n", "", "makes no valid series name"},
      {RowFormat::kCsvWide, "t,\xff\n", "", "makes no valid series name"},
      {RowFormat::kCsvWide, "t,\"a\n", "", "a quote is not closed"},
      {RowFormat::kCsvLong, "timestamp,sensor_id,metric\n", "{metric}", "no column value"},
      {RowFormat::kCsvLong, "timestamp,sensor_id,metric,value\n", "{sensor_type}/{metric}", "sensor_type"},
  }));
  CAPTURE(row.text);
  RowSettings settings = format(row.format);
  settings.series = row.series;
  std::istringstream in(row.text);
  const auto reader = read_rows(in, settings);
  REQUIRE_FALSE(reader.ok());
  CHECK_THAT(reader.error().text, Catch::Contains(row.says));
}

}  // namespace
}  // namespace deltamesh
