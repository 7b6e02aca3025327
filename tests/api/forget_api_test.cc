// tests/api/forget_api_test.cc - rules for wrong data over HTTP, on a whole node.
#include <boost/json/serialize.hpp>
#include <catch2/catch.hpp>

#include "engine/forget.h"
#include "tests/api/api_fixture.h"
#include "tests/support/wait.h"

namespace deltamesh::testing {
namespace {

const std::string kMetrics = "/v0/telemetry/metrics/";
const std::string kRules = "/v0/maps/$rules";

std::string forget(const ApiNode& node, const std::string& body) {
  const auto reply = node.ask("POST", kMetrics + "forget", body);
  CAPTURE(body);
  CHECK(reply.status == 200);
  return reply.body;
}

std::size_t shown(const ApiNode& node, const std::string& series) {
  return node.get(kMetrics + "samples?series=" + series).at("samples").as_array().size();
}

// Times 1000, 2000, 3000 of two series in the same events, and one of the first that has no time.
void write_some(const ApiNode& node) {
  node.append(R"({"time":1000,"readings":{"a":1,"b":1}},{"time":2000,"readings":{"a":2,"b":2}},)"
              R"({"time":3000,"readings":{"a":3,"b":3}},{"readings":{"a":4}})");
}

TEST_CASE("what a rule names is in no answer any more, and the rest is", "[api][forget]") {
  const ApiNode node;
  write_some(node);
  CHECK(
      forget(node, R"({"series":"a","from":1500,"to":"1970-01-01T00:00:03Z","reason":"in the hand"})") ==
      R"({"durable":true,"series":"a","from":1500,"to":3000,"resolution":"ms","samples":2,"complete":true})");
  CHECK(node.get(kMetrics + "samples?series=a").at("samples").as_array().at(0).at(0) == 1000);
  CHECK(shown(node, "a") == 1);
  CHECK(shown(node, "b") == 3);
  CHECK(node.get(kMetrics + "latest?series=a").at("latest").at(0).at("time") == 1000);
  CHECK(node.get(kMetrics + "latest?series=b").at("latest").at(0).at("time") == 3000);
  CHECK(node.get(kMetrics + "unplaced?series=a").at("count") == 1);
  // What comes later is hidden as well, or is not concerned.
  node.append(R"({"time":2500,"readings":{"a":5}},{"time":3001,"readings":{"a":6}})");
  CHECK(shown(node, "a") == 2);
}

TEST_CASE("a rule of all times hides also what has no time", "[api][forget]") {
  const ApiNode node;
  write_some(node);
  const auto to_now = forget(node, R"({"series":"a","to":5000,"reason":"r"})");
  CHECK(to_now.find(R"("from":null,"to":5000,"resolution":"ms","samples":3)") != std::string::npos);
  CHECK(node.get(kMetrics + "unplaced?series=a").at("count") == 1);
  const auto all = forget(node, R"({"series":"a","from":null,"to":null,"reason":"r"})");
  CHECK(all.find(R"("from":null,"to":null,"resolution":"ms","samples":1,"complete":true)") !=
        std::string::npos);
  CHECK(node.get(kMetrics + "unplaced?series=a").at("count") == 0);
  CHECK(node.get(kMetrics + "latest").at("latest").as_array().size() == 1);  // b.
}

TEST_CASE("rules are told with who wrote them and why, those of this dataset, in pages", "[api][forget]") {
  ApiNode node;
  write_some(node);
  node.write("precise", {{5, {}, Quality::kGood, {}, {{"a", "", 1.0}}}});
  forget(node, R"({"series":"a","from":1,"to":2,"reason":"first"})");
  forget(node, R"({"series":"b","from":null,"to":1500,"reason":"second"})");
  const auto other =
      node.ask("POST", "/v0/telemetry/precise/forget", R"({"series":"a","to":9,"reason":"x"})");
  CHECK(other.status == 200);
  auto list = node.get(kMetrics + "forgotten");
  CHECK(list.at("resolution") == "ms");
  CHECK(list.at("more") == false);
  REQUIRE(list.at("rules").as_array().size() == 2);
  const auto& rule = list.at("rules").at(0);
  CHECK(rule.at("series") == "a");
  CHECK(rule.at("from") == 1);
  CHECK(rule.at("to") == 2);
  CHECK(rule.at("reason") == "first");
  CHECK(rule.at("node").as_string() == node.id());
  CHECK(rule.at("key") == "a metrics 1 2");
  CHECK(list.at("rules").at(1).at("from").is_null());
  list = node.get(kMetrics + "forgotten?limit=1");
  CHECK(list.at("more") == true);
  CHECK(list.at("rules").as_array().size() == 1);
  list = node.get(kMetrics + "forgotten?limit=1&after=a+metrics+1+2");
  CHECK(list.at("more") == false);
  CHECK(list.at("rules").at(0).at("series") == "b");
  CHECK(node.get(kMetrics + "forgotten?series=b").at("rules").as_array().size() == 1);
  CHECK(wait_until([&] { return node.get(kMetrics + "forgotten").at("removing") == false; }));
}

TEST_CASE("what rules name is removed where it is stored, and counted", "[api][forget]") {
  const ApiNode node;
  write_some(node);
  CHECK(node.get("/healthz").at("forgetting") == false);
  forget(node, R"({"series":"a","to":2000,"reason":"r"})");
  CHECK(wait_until([&] { return node.get("/healthz").at("forgetting") == false; }));
  const auto counters = node.get("/healthz").at("counters");
  CHECK(counters.at("rules_in_effect") == 1);
  CHECK(counters.at("rules_refused") == 0);
  CHECK(counters.at("values_forgotten") == 2);
  CHECK(counters.at("blocks_rewritten") == 1);
}

TEST_CASE("a rule that is not one is refused, with the reason, and nothing is hidden", "[api][forget]") {
  const ApiNode node;
  write_some(node);
  struct Row {
    std::string body;
    int status;
    const char* why;
  };
  const std::string long_reason(257, 'r'), long_name(256, 'n');
  const Row rows[] = {
      {"", 400, "the body"},
      {"[]", 400, "the body is an object"},
      {R"({"from":1,"to":2,"reason":"r"})", 400, "\\\"series\\\" is a text"},
      {R"({"series":"","to":2,"reason":"r"})", 400, "\\\"series\\\" is a text"},
      {R"({"series":7,"to":2,"reason":"r"})", 400, "\\\"series\\\" is a text"},
      {R"({"series":"a","to":2})", 400, "\\\"reason\\\" is a text"},
      {R"({"series":"a","to":2,"reason":""})", 400, "\\\"reason\\\" is a text"},
      {R"({"series":"a","reason":"r"})", 400, "say up to when"},
      {R"({"series":"a","from":1,"reason":"r"})", 400, "say up to when"},
      {R"({"series":"a","to":2,"reason":"r","form":1})", 400, "no key \\\"form\\\""},
      {R"({"series":"a","from":3,"to":2,"reason":"r"})", 400, "ends before it begins"},
      {R"({"series":"a","to":2.5,"reason":"r"})", 400, "\\\"to\\\": not a whole number of ms"},
      {R"({"series":"a","to":true,"reason":"r"})", 400, "\\\"to\\\": not a whole number of ms"},
      {R"({"series":"a","to":"yesterday","reason":"r"})", 400, "\\\"to\\\": "},
      {R"({"series":"a","from":"2020","to":2,"reason":"r"})", 400, "\\\"from\\\": "},
      {R"({"series":"a","to":1594598400000000000,"reason":"r"})", 400, "is it in ms?"},
      {R"({"series":"a","to":2,"reason":"a\nb"})", 400, "the reason"},
      {R"({"series":"a","to":2,"reason":")" + long_reason + "\"}", 413, "the reason"},
      {R"({"series":")" + long_name + R"(","to":2,"reason":"r"})", 400, "a series name is 1 to 255 bytes"},
      {R"({"series":"A","to":2,"reason":"r"})", 404, "no series A in dataset metrics"},
  };
  for (const Row& row : rows) {
    const auto reply = node.ask("POST", kMetrics + "forget", row.body);
    CAPTURE(row.body);
    CHECK(reply.status == row.status);
    CHECK_THAT(reply.body, Catch::Contains(row.why));
  }
  const std::string good = R"({"series":"a","to":2,"reason":"r"})";
  CHECK(node.ask("POST", "/v0/telemetry/none/forget", good).status == 404);
  CHECK(node.ask("POST", "/v0/telemetry/settings/forget", good).status == 404);
  CHECK(node.ask("POST", "/v0/telemetry/$rules/forget", good).status == 404);
  CHECK(node.ask("POST", kMetrics + "forget?series=a", good).status == 400);
  CHECK(node.ask("GET", kMetrics + "forget").status == 405);
  CHECK(node.ask("GET", kMetrics + "forgotten?form=1").status == 400);
  CHECK(node.ask("GET", kMetrics + "forgotten?limit=0").status == 400);
  CHECK(node.ask("DELETE", kMetrics + "forgotten").status == 405);
  CHECK(node.get(kMetrics + "forgotten").at("rules").as_array().empty());
  CHECK(shown(node, "a") == 3);
}

TEST_CASE("the map of rules can be read like any other, and is not written like one", "[api][forget]") {
  const ApiNode node;
  write_some(node);
  CHECK(boost::json::serialize(node.get(kRules)) == R"({"entries":[],"more":false})");
  forget(node, R"({"series":"a","to":2000,"reason":"r"})");
  const std::string key = "/a%20metrics%20*%202000";
  CHECK(node.get(kRules).at("entries").at(0).at("key") == "a metrics * 2000");
  CHECK(node.ask("GET", kRules + key).status == 200);
  for (const std::string& place : {kRules + key, kRules + "/other"}) {
    for (const auto& [method, query] : {std::pair("PUT", ""), {"DELETE", ""}, {"POST", "?action=repair"}}) {
      const auto reply = node.ask(method, place + query, "value");
      CAPTURE(method, place);
      CHECK(reply.status == 400);
      CHECK_THAT(reply.body, Catch::Contains("nothing takes one back"));
    }
  }
  CHECK(node.get(kRules).at("entries").as_array().size() == 1);
  CHECK(node.ask("GET", "/v0/telemetry/$rules/series").status == 404);
}

}  // namespace
}  // namespace deltamesh::testing
