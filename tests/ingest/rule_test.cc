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

std::string refusal(void (*change)(IngestRule&)) {
  IngestRule rule = json_rule();
  change(rule);
  const auto result = CompiledRule::compile(std::move(rule));
  return result ? "" : result.error().text;
}

TEST_CASE("each setting that cannot work is named", "[ingest][rule]") {
  struct Row {
    void (*change)(IngestRule&);
    const char* says;
  };
  const auto row = GENERATE(values<Row>({
      {[](IngestRule& r) { r.topic = "a/#/b"; }, "last level"},
      {[](IngestRule& r) { r.topic = "a/b"; }, "nothing is called {device}"},
      {[](IngestRule& r) { r.topic = "{device}/{path}"; }, "{path}"},
      {[](IngestRule& r) { r.qos = 3; }, "qos"},
      {[](IngestRule& r) { r.dataset.clear(); }, "dataset"},
      {[](IngestRule& r) { r.series = "{metric}"; }, "{metric}"},
      {[](IngestRule& r) { r.scale["a"] = 0; }, "scale of \"a\""},
      {[](IngestRule& r) { r.unit["a"] = std::string(65, 'x'); }, "unit of \"a\""},
      {[](IngestRule& r) { r.unit["a"] = "\xff"; }, "unit of \"a\""},
      {[](IngestRule& r) { r.scale["a"] = 0.3, r.integers = {"a"}; }, "power of ten"},
      {[](IngestRule& r) { r.select.assign(300, "a"); }, "paths"},
      {[](IngestRule& r) { r.payload = PayloadKind::kPlain, r.select = {"a"}; }, "select"},
      {[](IngestRule& r) { r.payload = PayloadKind::kPlain, r.device = "a"; }, "device"},
      {[](IngestRule& r) { r.payload = PayloadKind::kPlain, r.timestamp = "a"; }, "timestamp"},
      {[](IngestRule& r) { r.payload = PayloadKind::kPlain, r.series = "{path}"; }, "{path}"},
  }));
  CAPTURE(row.says);
  CHECK_THAT(refusal(row.change), Catch::Contains(row.says));
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
