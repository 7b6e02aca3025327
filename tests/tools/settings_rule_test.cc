// tests/tools/settings_rule_test.cc - each mistake in an [[mqtt.rule]] is told with its own setting and line.
#include <catch2/catch.hpp>

#include "tools/settings.h"

namespace deltamesh {
namespace {

using Errors = std::vector<std::string>;

// Ten lines; the settings of the rule begin on line 11.
const std::string kBefore =
    "[node]\n"
    "store = \"node.db\"\n"
    "fleet = \"00112233445566778899aabbccddeeff\"\n"
    "[[dataset]]\n"
    "name = \"telemetry\"\n"
    "kind = \"telemetry\"\n"
    "[[mqtt]]\n"
    "broker = \"mqtt://h\"\n"
    "clean_session = true\n"
    "[[mqtt.rule]]\n";

Errors errors_of(const std::string& rule) {
  return parse_settings(kBefore + rule, "node.toml", {}).errors;
}

// What most of the cases share, on line 11.
const std::string kDataset = "dataset = \"telemetry\"\n";
const std::string kGood = kDataset + "topic = \"{device}\"\n";

TEST_CASE("a mistake in a rule has the line of its setting", "[settings]") {
  struct Row {
    std::string rule;
    const char* error;  // How it begins.
  };
  const auto row = GENERATE(values<Row>({
      {kDataset, "node.toml:10: mqtt.rule.topic: is missing"},
      {kDataset + "topic = \"a/{b\"\n", "node.toml:12: mqtt.rule.topic: "},
      {kDataset + "topic = \"\"\n", "node.toml:12: mqtt.rule.topic: must not be empty"},
      {kDataset + "topic = \"x/y\"\n", "node.toml:10: mqtt.rule.series: "},  // It needs one.
      {kDataset + "series = \"hall\"\n", "node.toml:10: mqtt.rule.topic: is missing"},
      {"topic = \"{device}\"\n", "node.toml:10: mqtt.rule.dataset: is missing"},
      {"topic = \"{device}\"\ndataset = \"no\"\n",
       "node.toml:12: mqtt.rule.dataset: no [[dataset]] is named \"no\""},
      {kGood + "qos = 9\n", "node.toml:13: mqtt.rule.qos: "},
      {kGood + "qos = 5000000000\n", "node.toml:13: mqtt.rule.qos: must be a 32-bit integer, not an integer"},
      {kGood + "payload = \"xml\"\n", "node.toml:13: mqtt.rule.payload: \"xml\" is none of: json, plain"},
      {kGood + "payload = \"plain\"\nselect = [\"a\"]\n", "node.toml:14: mqtt.rule.select: "},
      {kGood + "payload = \"plain\"\ntimestamp = \"ts\"\n", "node.toml:14: mqtt.rule.timestamp: "},
      {kGood + "timestamp = \"\"\n", "node.toml:13: mqtt.rule.timestamp: must not be empty"},
      {kGood + "device = \"\"\n", "node.toml:13: mqtt.rule.device: must not be empty"},
      {kGood + "series = \"\"\n", "node.toml:13: mqtt.rule.series: must not be empty"},
      {kGood + "series = \"{nobody}\"\n", "node.toml:13: mqtt.rule.series: "},
      {kGood + "scale = { t = \"x\" }\n", "node.toml:13: mqtt.rule.scale.t: must be a number, not a string"},
      {kGood + "scale = { t = 0 }\n", "node.toml:13: mqtt.rule.scale: "},
      {kGood + "integers = [\"t\"]\nscale = { t = 0.3 }\n", "node.toml:13: mqtt.rule.integers: "},
      {kGood + "colour = 1\n", "node.toml:13: mqtt.rule.colour: unknown key"},
  }));
  CAPTURE(row.rule);
  const Errors errors = errors_of(row.rule);
  CAPTURE(errors);
  REQUIRE(errors.size() == 1);
  CHECK(errors[0].starts_with(row.error));
}

TEST_CASE("all mistakes of a rule are told at once", "[settings]") {
  const Errors errors = errors_of("topic = \"{device}\"\nqos = 9\ndataset = \"none\"\nscale = { t = 0 }\n");
  REQUIRE(errors.size() == 3);
  CHECK(errors[0].starts_with("node.toml:12: mqtt.rule.qos: "));
  CHECK(errors[1].starts_with("node.toml:13: mqtt.rule.dataset: "));
  CHECK(errors[2].starts_with("node.toml:14: mqtt.rule.scale: "));
}

TEST_CASE("a topic without a device is good where the payload or the series names it", "[settings]") {
  CHECK(errors_of(kDataset + "topic = \"x/y\"\ndevice = \"id\"\n").empty());
  CHECK(errors_of(kDataset + "topic = \"x/y\"\nseries = \"hall/{path}\"\n").empty());
}

}  // namespace
}  // namespace deltamesh
