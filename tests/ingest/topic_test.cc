// tests/ingest/topic_test.cc - topic templates subscribe to, match and fill what they say.
#include "ingest/topic.h"

#include <catch2/catch.hpp>

namespace deltamesh {
namespace {

TopicTemplate topic(std::string_view text) {
  auto parsed = TopicTemplate::parse(text);
  REQUIRE(parsed.ok());
  return *std::move(parsed);
}

TEST_CASE("a template turns into the MQTT filter that covers it", "[ingest][topic]") {
  struct Row {
    const char* text;
    const char* filter;
  };
  const auto row = GENERATE(values<Row>({
      {"plant/{device}/{metric}", "plant/+/+"},
      {"tele/{device}/SENSOR", "tele/+/SENSOR"},
      {"a/{device}/#", "a/+/#"},
      {"+/{device}", "+/+"},
      {"#", "#"},
      {"/{device}", "/+"},
      {"plain", "plain"},
  }));
  CHECK(topic(row.text).filter() == row.filter);
}

TEST_CASE("a topic is taken apart as the broker would match it", "[ingest][topic]") {
  struct Row {
    const char* text;
    const char* topic;
    std::optional<TopicParts> parts;
  };
  const auto row = GENERATE(values<Row>({
      {"plant/{device}/{metric}", "plant/g3/temp", TopicParts{{"device", "g3"}, {"metric", "temp"}}},
      {"plant/{device}/{metric}", "plant/g3", std::nullopt},
      {"plant/{device}/{metric}", "plant/g3/temp/x", std::nullopt},
      {"plant/{device}/{metric}", "Plant/g3/temp", std::nullopt},
      {"plant/{device}/{metric}", "plant//temp", std::nullopt},  // An empty level names nothing.
      {"tele/{device}/SENSOR", "tele/x/SENSOR", TopicParts{{"device", "x"}}},
      {"tele/{device}/SENSOR", "tele/x/STATE", std::nullopt},
      {"a/{device}/#", "a/x", TopicParts{{"device", "x"}}},
      {"a/{device}/#", "a/x/y/z", TopicParts{{"device", "x"}}},
      {"a/+/{m}", "a//m", TopicParts{{"m", "m"}}},
      {"+/{m}", "$SYS/uptime", std::nullopt},
      {"$SYS/{m}", "$SYS/uptime", TopicParts{{"m", "uptime"}}},
      {"a", "", std::nullopt},
      {"a", "a/", std::nullopt},
  }));
  CAPTURE(row.text, row.topic);
  CHECK(topic(row.text).match(row.topic) == row.parts);
}

TEST_CASE("a template that no broker would take, or that is ambiguous, is refused in words",
          "[ingest][topic]") {
  struct Row {
    std::string text;
    const char* says;
  };
  const auto row = GENERATE(values<Row>({
      {"", "1 to"},
      {std::string(2000, 'a'), "1 to"},
      {std::string("a\0b", 3), "NUL"},
      {"a/#/b", "last level"},
      {"a/b+", "plain text"},
      {"a/dev-{device}", "plain text"},
      {"a/{}", "plain text"},
      {"a/{de vice}", "plain text"},
      {"{x}/{x}", "stands twice"},
  }));
  CAPTURE(row.text);
  const auto parsed = TopicTemplate::parse(row.text);
  REQUIRE_FALSE(parsed.ok());
  CHECK_THAT(parsed.error().text, Catch::Contains(row.says));
}

TEST_CASE("a topic is filled only with what can stand in one level", "[ingest][topic]") {
  CHECK(*topic("tele/{device}/SENSOR").fill({{"device", "d1"}}) == "tele/d1/SENSOR");
  CHECK_FALSE(topic("tele/{device}/SENSOR").fill({}).ok());
  CHECK_FALSE(topic("tele/+/SENSOR").fill({}).ok());
  const auto* hostile = GENERATE("", "a/b", "+", "#");
  CHECK_FALSE(topic("tele/{device}/SENSOR").fill({{"device", hostile}}).ok());
}

TEST_CASE("a series name is built from the parts and nothing else", "[ingest][topic]") {
  const auto series = SeriesTemplate::parse("site/{device}-{path}", {"device", "path"});
  REQUIRE(series.ok());
  CHECK(series->fill({{"device", "g3"}, {"path", "a/b"}}) == "site/g3-a/b");
  CHECK(series->uses("path"));
  CHECK_FALSE(series->uses("site"));
}

TEST_CASE("a series template with an unknown or broken name is refused", "[ingest][topic]") {
  const auto* text = GENERATE("", "{nothing}", "{device", "device}", "{}", "{{device}}");
  CAPTURE(text);
  CHECK_FALSE(SeriesTemplate::parse(text, {"device"}).ok());
}

}  // namespace
}  // namespace deltamesh
