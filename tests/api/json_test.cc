// tests/api/json_test.cc - JSON in and out: exact numbers, any text, bounded trees.
#include <bit>
#include <catch2/catch.hpp>
#include <charconv>
#include <cmath>
#include <limits>

#include "api/base64.h"
#include "api/event_body.h"
#include "api/json_value.h"
#include "api/json_writer.h"
#include "api/limits.h"
#include "engine/limits.h"
#include "tests/crdt/random.h"

namespace deltamesh::testing {
namespace {

std::string printed(const Value& value) {
  JsonWriter json;
  json.value(value);
  return json.take();
}

Result<std::vector<NamedEvent>> events_of(const std::string& body,
                                          Resolution resolution = Resolution::kMilliseconds) {
  return parse_events(
      body, resolution,
      [](const std::string& series) -> Result<std::optional<std::string>> {
        if (series == "known") return std::optional<std::string>("Cel");
        if (series == "broken") return Error{ErrorCode::kIo, "the disk failed"};
        return std::optional<std::string>{};
      },
      std::chrono::seconds(7));
}

TEST_CASE("values are printed as JSON has them", "[json]") {
  CHECK(printed(true) == "true");
  CHECK(printed(std::int64_t{9007199254740993}) == "9007199254740993");
  CHECK(printed(std::numeric_limits<std::int64_t>::min()) == "-9223372036854775808");
  CHECK(printed(0.1) == "0.1");
  CHECK(printed(-0.0) == "-0");
  CHECK(printed(1e300) == "1e+300");
  CHECK(printed(std::numeric_limits<double>::infinity()) == "\"Infinity\"");
  CHECK(printed(-std::numeric_limits<double>::infinity()) == "\"-Infinity\"");
  CHECK(printed(std::string("a\"\\\n\x01\xc3\xa9")) == "\"a\\\"\\\\\\n\\u0001\xc3\xa9\"");
  CHECK(printed(std::string("a\xff\xc3")) == "\"a\xef\xbf\xbd\xef\xbf\xbd\"");
  CHECK(printed(Bytes{std::byte{0xff}, std::byte{0}}) == "\"/wA=\"");
}

TEST_CASE("commas stand between and nowhere else", "[json]") {
  JsonWriter json;
  json.begin_object()
      .key("a")
      .begin_array()
      .end_array()
      .key("b")
      .begin_array()
      .integer(1)
      .count(2)
      .end_array();
  json.key("c").begin_object().end_object().end_object();
  CHECK(json.take() == R"({"a":[],"b":[1,2],"c":{}})");
}

TEST_CASE("bytes are printed as base64 with padding", "[json]") {
  CHECK(base64("") == "");
  CHECK(base64("f") == "Zg==");
  CHECK(base64("fo") == "Zm8=");
  CHECK(base64("foo") == "Zm9v");
  CHECK(base64("foobar") == "Zm9vYmFy");
  CHECK(base64(std::string("\xfb\xff\xfe", 3)) == "+//+");
}

TEST_CASE("any double that is printed reads back as the same bits", "[json]") {
  Random random(11);
  for (int i = 0; i < 20'000; ++i) {
    const auto value = std::bit_cast<double>(random.next());
    if (!std::isfinite(value)) continue;
    const auto events = events_of(R"({"events":[{"time":1,"readings":{"a":)" + printed(value) + "}}]}");
    REQUIRE(events);
    REQUIRE(same_value((*events)[0].readings[0].value, Value(value)));
  }
}

TEST_CASE("a tree keeps the text of numbers and the order of members", "[json]") {
  const auto json = parse_json(R"( {"b":[1.50,-0,1e5,null,true],"a":"x\u00e9\n"} )");
  REQUIRE(json);
  CHECK(json->keys == std::vector<std::string>{"b", "a"});
  const auto& items = json->find("b")->items;
  REQUIRE(items.size() == 5);
  CHECK(items[0].text == "1.50");
  CHECK(items[1].text == "-0");
  CHECK(items[2].text == "1e5");
  CHECK(items[3].kind == JsonValue::Kind::kNull);
  CHECK(items[4].text == "true");
  CHECK(json->find("a")->text == "x\xc3\xa9\n");
  CHECK(json->find("c") == nullptr);
}

TEST_CASE("what is not JSON, or too much of it, is refused", "[json]") {
  const std::string deep(limits::kBodyDepthMax + 1, '[');
  std::string many = "[";
  for (std::size_t i = 0; i < limits::kBodyValuesMax; ++i) many += "1,";
  many += "1]";
  const auto text =
      GENERATE_COPY(as<std::string>(), "", "{", "{}x", "{\"a\":}", "nan", "[1,]", "'a'", "\"\xff\"",
                    "\"\\ud800\"", R"({"a":1,"a":2})", "01", "+1", "// c\n1", deep, many);
  CAPTURE(text.substr(0, 40));
  const auto json = parse_json(text);
  REQUIRE(!json);
  CHECK(json.error().code == ErrorCode::kInvalid);
}

TEST_CASE("an event has a time, readings, and perhaps units and a quality", "[json]") {
  const auto events = events_of(
      R"({"events":[{"time":"2020-07-13T00:00:24.502Z","readings":{"a":21.5,"b":"on","c":true},
          "units":{"a":"K"},"quality":"estimated"},{"readings":{"known":3},"time":-5}]})");
  REQUIRE(events);
  REQUIRE(events->size() == 2);
  const NamedEvent& first = (*events)[0];
  CHECK(first.time == 1'594'598'424'502);
  CHECK(first.quality == Quality::kEstimated);
  REQUIRE(first.readings.size() == 3);
  CHECK(first.readings[0].unit == "K");
  CHECK(same_value(first.readings[0].value, Value(21.5)));
  CHECK(same_value(first.readings[1].value, Value(std::string("on"))));
  CHECK(same_value(first.readings[2].value, Value(true)));
  const NamedEvent& second = (*events)[1];
  CHECK(second.time == -5);
  CHECK(second.quality == Quality::kGood);
  CHECK(second.readings[0].unit == "Cel");  // As the series is known.
  CHECK(same_value(second.readings[0].value, Value(3.0)));
}

TEST_CASE("a refused body names the event and what was wrong", "[json]") {
  struct Row {
    std::string body;
    std::string part;
  };
  const auto event = [](const std::string& members) {
    return R"({"events":[{"time":1,"readings":{"a":1}},{)" + members + "}]}";
  };
  const std::string readings = R"(,"readings":{"a":1})";
  std::string wide = R"("time":1,"readings":{"a":1)";
  for (std::size_t i = 0; i < limits::kEventReadingsMax; ++i) wide += ",\"b" + std::to_string(i) + "\":1";
  std::string heavy = R"("time":1,"readings":{)";
  for (int i = 0; i < 20; ++i) {
    heavy += (i == 0 ? "\"h" : ",\"h") + std::to_string(i) + "\":\"" + std::string(16'000, 'x') + "\"";
  }
  const auto row = GENERATE_COPY(values<Row>({
      {"[]", "the body is {\"events\":[...]}"},
      {"{}", "the body is {\"events\":[...]}"},
      {R"({"events":[]})", "at least one event"},
      {R"({"events":{}})", "the body is {\"events\":[...]}"},
      {R"({"events":[{"time":1,"readings":{"a":1}}],"dataset":"x"})", "the body is"},
      {R"({"events":[1]})", "event 0: it is not an object"},
      {event(R"("time":1.5)" + readings), "event 1: \"time\" is a whole number of ms"},
      {event(R"("time":1e3)" + readings), "event 1: \"time\" is a whole number of ms"},
      {event(R"("time":9223372036854775808)" + readings), "event 1: \"time\" is a whole"},
      {event(R"("time":null)" + readings), "event 1: \"time\" is a whole"},
      {event(R"("time":"yesterday")" + readings), "event 1: \"yesterday\" is no time"},
      {event(R"("time":1)"), "event 1: \"readings\" is an object"},
      {event(R"("time":1,"readings":{})"), "event 1: it has 0 readings"},
      {event(R"("time":1,"readings":[1])"), "event 1: \"readings\" is an object"},
      {event(R"("time":1,"readings":{"a":null})"), "event 1: the value of a is a number"},
      {event(R"("time":1,"readings":{"a":[1]})"), "event 1: the value of a is a number"},
      {event(R"("time":1,"readings":{"a":1e999})"), "event 1: the value of a is beyond"},
      {event(R"("time":1,"readings":{"":1})"), "event 1: a series name is"},
      {event(R"("time":1,"readings":{"a\u0001":1})"), "event 1: a series name is"},
      {event(R"("time":1,"readings":{"a":1,"a":2})"), "the key \"a\" stands twice"},
      {event(R"("time":1,"units":{"b":"K"})" + readings), "event 1: \"units\" names a series"},
      {event(R"("time":1,"units":{"a":1})" + readings), "event 1: the unit of a is a string"},
      {event(R"("time":1,"units":[])" + readings), "event 1: \"units\" is an object"},
      {event(R"("time":1,"units":{"a":")" + std::string(65, 'u') + "\"}" + readings),
       "event 1: the unit of 65"},
      {event(R"("time":1,"quality":"fine")" + readings), "event 1: \"quality\" is good"},
      {event(R"("time":1,"tags":{})" + readings), "event 1: no key \"tags\""},
      {event(R"("time":1,"readings":{"a":")" + std::string(16'385, 'x') + "\"}"),
       "event 1: the value of a is larger"},
      {event(wide + "}"), "event 1: it has 4097 readings"},
      {event(heavy + "}"), "event 1: its values take more than"},
  }));
  CAPTURE(row.body.substr(0, 120));
  const auto events = events_of(row.body);
  REQUIRE(!events);
  CHECK(events.error().code == ErrorCode::kInvalid);
  CAPTURE(events.error().text);
  CHECK(events.error().text.find(row.part) != std::string::npos);
}

TEST_CASE("a store that cannot say a unit fails the append", "[json]") {
  const auto events = events_of(R"({"events":[{"time":1,"readings":{"broken":1}}]})");
  REQUIRE(!events);
  CHECK(events.error() == Error{ErrorCode::kIo, "event 0: the disk failed"});
}

}  // namespace
}  // namespace deltamesh::testing
