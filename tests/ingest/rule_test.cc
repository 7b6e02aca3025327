// tests/ingest/rule_test.cc - a rule that cannot work is refused when it is read, not at the first message.
#include "ingest/rule.h"

#include <catch2/catch.hpp>

namespace deltamesh {
namespace {

IngestRule json_rule() {
  IngestRule rule;
  rule.topic = "tele/{device}/SENSOR";
  rule.dataset = "climate";
  return rule;
}

CompiledRule compiled(IngestRule rule) {
  auto result = CompiledRule::compile(std::move(rule));
  if (!result) FAIL(result.error().text);
  return *std::move(result);
}

TEST_CASE("a setting that cannot work is named, by its key and in words", "[ingest][rule]") {
  struct Row {
    void (*change)(IngestRule&);
    const char* setting;
    const char* says;
  };
  const auto row = GENERATE(values<Row>({
      {[](IngestRule& r) { r.topic = "a/#/b"; }, "topic", "last level"},
      {[](IngestRule& r) { r.topic = "a/b"; }, "topic", "nothing is called {device}"},
      {[](IngestRule& r) { r.topic = "{device}/{path}"; }, "topic", "{path}"},
      {[](IngestRule& r) { r.topic = "$share/group/{device}"; }, "topic", "shared subscription"},
      {[](IngestRule& r) { r.qos = 3; }, "qos", "0, 1 or 2"},
      {[](IngestRule& r) { r.dataset.clear(); }, "dataset", "missing"},
      {[](IngestRule& r) { r.series = "{metric}"; }, "series", "{metric}"},
      {[](IngestRule& r) { r.series = "a\n{path}"; }, "series", "control characters"},
      {[](IngestRule& r) { r.series = std::string(256, 'x') + "{path}"; }, "series", "255"},
      {[](IngestRule& r) { r.scale["a"] = 0; }, "scale", "scale of \"a\""},
      {[](IngestRule& r) { r.unit["a"] = std::string(65, 'x'); }, "units", "unit of \"a\""},
      {[](IngestRule& r) { r.unit["a"] = "\xff"; }, "units", "unit of \"a\""},
      {[](IngestRule& r) { r.unit["*"] = "C\n"; }, "units", "control characters"},
      {[](IngestRule& r) { r.scale["a"] = 0.3, r.integers = {"a"}; }, "scale", "power of ten"},
      {[](IngestRule& r) { r.scale["a"] = 0.3, r.integers = {"*"}; }, "scale", "\"a\" is an integer"},
      {[](IngestRule& r) { r.scale["*"] = 0.3, r.integers = {"a"}; }, "scale", "\"a\" is an integer"},
      {[](IngestRule& r) { r.scale["*"] = 0.3, r.integers = {"*"}; }, "scale", "\"*\" is an integer"},
      {[](IngestRule& r) { r.select.assign(300, "a"); }, "select", "paths"},
      {[](IngestRule& r) { r.payload = PayloadKind::kPlain, r.select = {"a"}; }, "select", "JSON"},
      {[](IngestRule& r) { r.payload = PayloadKind::kPlain, r.device = "a"; }, "device", "JSON"},
      {[](IngestRule& r) { r.payload = PayloadKind::kPlain, r.timestamp = "a"; }, "timestamp", "JSON"},
      {[](IngestRule& r) { r.payload = PayloadKind::kPlain, r.series = "{path}"; }, "series", "{path}"},
  }));
  CAPTURE(row.setting, row.says);
  IngestRule rule = json_rule();
  row.change(rule);
  std::string setting;
  const auto result = CompiledRule::compile(std::move(rule), &setting);
  REQUIRE_FALSE(result.ok());
  CHECK(setting == row.setting);
  CHECK_THAT(result.error().text, Catch::Contains(row.says));
}

TEST_CASE("an inexact scale of one leaf goes with integers that are others", "[ingest][rule]") {
  IngestRule rule = json_rule();
  rule.scale = {{"*", 0.3}, {"count", 1}};
  rule.integers = {"count"};
  CHECK(compiled(rule).leaf("count").integer);
}

TEST_CASE("selected paths are whole levels, and a star strips what stands before it", "[ingest][rule]") {
  struct Row {
    std::vector<std::string> select;
    const char* path;
    std::optional<std::string_view> name;
  };
  const auto row = GENERATE(values<Row>({
      {{}, "data/temp", "data/temp"},
      {{"*"}, "data/temp", "data/temp"},
      {{"data.*"}, "data/temp", "temp"},
      {{"data.*"}, "data/deep/temp", "deep/temp"},
      {{"data.*"}, "database/temp", std::nullopt},
      {{"data.*"}, "data", std::nullopt},
      {{"data.temp"}, "data/temp", "data/temp"},
      {{"data.temp"}, "data/temp/x", "data/temp/x"},
      {{"data.temp"}, "data/temperature", std::nullopt},
      {{"data.temp", "data.*"}, "data/temp", "data/temp"},  // The first that fits.
      {{"data/a.b"}, "data/a.b", "data/a.b"},
      {{"data/a.b"}, "data/a/b", std::nullopt},
  }));
  IngestRule rule = json_rule();
  rule.select = row.select;
  const auto result = compiled(rule);
  CAPTURE(row.path);
  CHECK(result.selected(row.path) == row.name);
}

TEST_CASE("a star sets what the other paths start from, in whatever order they are given", "[ingest][rule]") {
  IngestRule rule = json_rule();
  rule.scale = {{"!first", 0.1}};
  rule.unit = {{"*", "V"}, {"own", "A"}};
  rule.integers = {"!first"};
  const auto result = compiled(rule);
  CHECK(result.leaf("!first").unit == "V");
  CHECK(result.leaf("!first").integer);
  CHECK(result.leaf("own").unit == "A");
  CHECK(result.leaf("any").unit == "V");
  CHECK_FALSE(result.leaf("any").integer);
}

TEST_CASE("without a series template, JSON goes by device and path, plain by all that the topic names",
          "[ingest][rule]") {
  CHECK(compiled(json_rule()).series().fill({{"device", "d"}, {"path", "p"}}) == "d/p");
  IngestRule plain = json_rule();
  plain.topic = "plant/{hall}/x/{metric}";
  plain.payload = PayloadKind::kPlain;
  CHECK(compiled(plain).series().fill({{"hall", "h1"}, {"metric", "temp"}}) == "h1/temp");
}

}  // namespace
}  // namespace deltamesh
