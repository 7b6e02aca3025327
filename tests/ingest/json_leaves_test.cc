// tests/ingest/json_leaves_test.cc - JSON becomes flat leaves with the text of each number, or a refusal.
#include "ingest/json_leaves.h"

#include <catch2/catch.hpp>
#include <random>

#include "ingest/limits.h"

namespace deltamesh {
namespace {

// "path=text" of each leaf, blank-separated; or the word of the refusal.
std::string flat(std::string_view json) {
  const auto judged = json_leaves(json);
  if (const auto* refused = std::get_if<Refused>(&judged)) return to_string(refused->reason);
  std::string text;
  for (const JsonLeaf& leaf : std::get<std::vector<JsonLeaf>>(judged)) {
    text += (text.empty() ? "" : " ") + leaf.path + "=" + leaf.text;
  }
  return text;
}

std::string nested(int depth, const std::string& inside) {
  std::string text = inside;
  for (int i = 0; i < depth; ++i) text = "{\"a\":" + text + "}";
  return text;
}

std::string wide(std::size_t leaves) {
  std::string text = "{";
  for (std::size_t i = 0; i < leaves; ++i) text += (i > 0 ? ",\"k" : "\"k") + std::to_string(i) + "\":1";
  return text + "}";
}

TEST_CASE("leaves keep their order, their paths and the very text of their numbers", "[ingest][json]") {
  struct Row {
    const char* json;
    const char* leaves;
  };
  const auto row = GENERATE(values<Row>({
      {R"({"a":1})", "a=1"},
      {R"( {"t" : 1594598424.5023336 , "x": -0.0 } )", "t=1594598424.5023336 x=-0.0"},
      {R"({"a":1e5,"b":1E-7,"c":18446744073709551615,"d":99999999999999999999999})",
       "a=1e5 b=1E-7 c=18446744073709551615 d=99999999999999999999999"},
      {R"({"a":{"b":{"c":1},"d":2},"e":3})", "a/b/c=1 a/d=2 e=3"},
      {R"({"a":[1,[2,3],{"b":4},5],"z":6})", "a/0=1 a/1/0=2 a/1/1=3 a/2/b=4 a/3=5 z=6"},
      {R"({"a":[null,7]})", "a/1=7"},
      {R"({"a":null,"b":true,"c":false})", "b=true c=false"},
      {R"({"s":"x\ny\u00e9","k\u0041":""})", "s=x\ny\xc3\xa9 kA="},
      {R"({"a.b":1,"a/b":2})", "a.b=1 a/b=2"},
      {R"({"":{"":1}})", "/=1"},
      {R"({"a":1,"a":2})", "a=1 a=2"},
      {R"({})", ""},
      {R"({"a":{},"b":[]})", ""},
  }));
  CAPTURE(row.json);
  CHECK(flat(row.json) == row.leaves);
}

TEST_CASE("whatever is not one JSON object is refused", "[ingest][json]") {
  const auto* json =
      GENERATE("", " ", "{", "}", "{\"a\"}", "{\"a\":}", "{\"a\":1", "{\"a\":1,}", "{a:1}", "{'a':1}",
               "{\"a\":1}x", "{\"a\":1}{\"a\":1}", "{\"a\":01}", "{\"a\":1.}", "{\"a\":.5}", "{\"a\":+1}",
               "{\"a\":NaN}", "{\"a\":Infinity}", "{\"a\":tru}", "{\"a\":\"x}", "{\"a\":\"\\x\"}",
               "{\"a\":\"\\ud800\"}", "{\"a\":\"\xff\"}", "{\"\xc0\x80\":1}", "{\"a\":\"\xed\xa0\x80\"}",
               "{\"a\":\"\n\"}", "/**/{\"a\":1}", "[1,2]", "5", "\"text\"", "null", "true", "\xef\xbb\xbf{}");
  CAPTURE(json);
  CHECK(flat(json) == "not_json");
}

TEST_CASE("size, depth and number of leaves are bounded, and the bounds themselves are taken",
          "[ingest][json]") {
  const auto deepest = static_cast<int>(limits::kJsonDepthMax);
  CHECK(flat(nested(deepest, "1")).ends_with("=1"));
  CHECK(flat(nested(deepest + 1, "1")) == "too_deep");
  CHECK(flat(nested(deepest - 1, "[1]")).ends_with("/0=1"));
  CHECK(flat(nested(deepest, "[1]")) == "too_deep");
  CHECK(flat(std::string(100'000, '[')) == "not_json");
  CHECK(flat("{\"a\":" + std::string(100'000, '[')) == "too_deep");
  CHECK(flat(wide(limits::kLeavesMax)).ends_with("=1"));
  CHECK(flat(wide(limits::kLeavesMax + 1)) == "too_many_values");
  CHECK(flat("{\"a\":1}" + std::string(limits::kPayloadBytesMax - 7, ' ')) == "a=1");
  CHECK(flat("{\"a\":1}" + std::string(limits::kPayloadBytesMax - 6, ' ')) == "too_large");
  CHECK(flat("{\"" + std::string(limits::kJsonPathBytesMax + 1, 'k') + "\":1}") == "name_invalid");
}

TEST_CASE("an exponent that no number has is a refusal, not a crash", "[ingest][json]") {
  CHECK(flat("{\"a\":1e99999999999999999999}") == "bad_number");
  CHECK(flat("{\"a\":1e999}") == "a=1e999");  // For its reader to refuse: only that one knows the scale.
}

TEST_CASE("ten thousand random payloads, and as many damaged ones, are judged and never crash",
          "[ingest][json]") {
  std::mt19937 random(1);
  const std::string good =
      R"({"data":{"co":0.0117,"list":[1,2,{"x":null}],"on":true,"s":"\u00e9"},"ts":1594598424.5})";
  int accepted = 0;
  for (int i = 0; i < 10'000; ++i) {
    std::string bytes(random() % 64, '\0');
    for (char& c : bytes) c = static_cast<char>(random() & 0xff);
    accepted += flat(bytes) == "not_json" ? 0 : 1;
    std::string damaged = good;
    for (auto hits = 1 + random() % 3; hits > 0; --hits) {
      damaged[random() % damaged.size()] = static_cast<char>(random() & 0xff);
    }
    flat(damaged.substr(0, random() % (damaged.size() + 1)));
  }
  CHECK(accepted == 0);
}

}  // namespace
}  // namespace deltamesh
