// tests/api/map_api_test.cc - map entries over HTTP, on a whole node.
#include <boost/json/serialize.hpp>
#include <catch2/catch.hpp>

#include "tests/api/api_fixture.h"
#include "tests/support/wait.h"

namespace deltamesh::testing {
namespace {

constexpr const char* kDurable = R"({"durable":true})";

std::string error_of(const HttpReply& reply) {
  CHECK(reply.headers.at("content-type") == "application/json");
  return reply.body;
}

TEST_CASE("an entry that was put is there, until it is deleted", "[api][map]") {
  const ApiNode node;
  const std::string target = "/v0/maps/settings/greenhouse-3/interval";
  CHECK(node.ask("GET", target).status == 404);
  CHECK(node.ask("PUT", target, "60 s").body == kDurable);
  const auto read = node.ask("GET", target);
  CHECK(read.status == 200);
  CHECK(read.body == "60 s");
  CHECK(read.headers.at("content-type") == "text/plain; charset=utf-8");
  CHECK(read.headers.at("cache-control") == "no-store");
  CHECK(node.ask("PUT", target, "10 s").body == kDurable);
  CHECK(node.ask("GET", target).body == "10 s");
  CHECK(node.ask("DELETE", target).body == kDurable);
  const std::string gone =
      R"({"error":{"code":"not_found","message":"no key greenhouse-3/interval in dataset settings"}})";
  for (const auto* method : {"GET", "DELETE"}) {
    const auto reply = node.ask(method, target);
    CHECK(reply.status == 404);
    CHECK(error_of(reply) == gone);
  }
}

TEST_CASE("a value comes back byte by byte, whatever it is", "[api][map]") {
  const ApiNode node;
  const auto value = GENERATE(as<std::string>(), "", "\xc3\xa9", std::string("\0\xff\r\n", 4), "{\"a\":1}",
                              std::string(256 << 10, 'x'));
  CHECK(node.ask("PUT", "/v0/maps/settings/k", value).status == 200);
  const auto read = node.ask("GET", "/v0/maps/settings/k");
  CHECK(read.status == 200);
  CHECK(read.body == value);
}

TEST_CASE("a list shows live entries in the order of their keys", "[api][map]") {
  ApiNode node;
  node.put("b/1", "one");
  node.put("a", std::string("\xff", 1));
  node.put("b/2", "two");
  node.put("c", "gone");
  CHECK(node.ask("DELETE", "/v0/maps/settings/c").status == 200);
  const auto list = [&node](const std::string& query) {
    return boost::json::serialize(node.get("/v0/maps/settings" + query));
  };
  const std::string a = R"({"key":"a","base64":"/w=="})", b1 = R"({"key":"b/1","value":"one"})",
                    b2 = R"({"key":"b/2","value":"two"})";
  CHECK(list("") == R"({"entries":[)" + a + "," + b1 + "," + b2 + R"(],"more":false})");
  CHECK(list("?prefix=b/") == R"({"entries":[)" + b1 + "," + b2 + R"(],"more":false})");
  CHECK(list("?limit=2") == R"({"entries":[)" + a + "," + b1 + R"(],"more":true})");
  CHECK(list("?after=b%2F1&limit=2") == R"({"entries":[)" + b2 + R"(],"more":false})");
  CHECK(list("?prefix=z") == R"({"entries":[],"more":false})");
}

TEST_CASE("a list is cut before it grows without bound", "[api][map]") {
  ApiNode node;
  const std::string value(256 << 10, 'x');
  for (int i = 0; i < 70; ++i) node.put("key" + std::to_string(100 + i), value);
  const auto reply = node.ask("GET", "/v0/maps/settings");
  CHECK(reply.status == 200);
  CHECK(reply.body.size() < (18u << 20));
  CHECK(reply.body.find("\"more\":true") != std::string::npos);
}

TEST_CASE("a request about a map that cannot be met says why", "[api][map]") {
  struct Row {
    std::string method, target;
    int status;
    std::string message;
  };
  const std::string maps = "/v0/maps/";
  const auto row = GENERATE_COPY(values<Row>({
      {"GET", maps + "other", 404, "no dataset other"},
      {"GET", maps + "metrics", 404, "dataset metrics is telemetry, not a map"},
      {"GET", maps + "metrics/k", 404, "dataset metrics is telemetry, not a map"},
      {"PUT", maps + "other/k", 404, "no dataset other"},
      {"DELETE", maps + "other/k", 404, "no dataset other"},
      {"GET", maps + "settings/", 404, "nothing is at this path"},
      {"GET", maps + "settings?limit=0", 400,
       "\\\"limit\\\" is a whole number from 1 to 10000, not \\\"0\\\""},
      {"GET", maps + "settings?limit=10001", 400, "\\\"limit\\\" is a whole number from 1 to 10000"},
      {"GET", maps + "settings?prefx=a", 400, "no parameter \\\"prefx\\\" is known here"},
      {"GET", maps + "settings/k?x=1", 400, "no parameter \\\"x\\\" is known here"},
      {"PUT", maps + "settings/k?x=1", 400, "no parameter \\\"x\\\" is known here"},
      {"PUT", maps + "settings/%ff", 400, "not UTF-8"},
      {"PUT", maps + "settings/%0a", 400, "the key is not UTF-8 or has control characters"},
      {"PUT", maps + "settings/" + std::string(513, 'k'), 413, "the key of 513 bytes, at most 512"},
      {"PUT", maps + "settings", 405, "this path takes GET"},
      {"POST", maps + "settings/k", 400, "?action=repair is what can be done to an entry"},
      {"POST", maps + "settings/k?action=repair", 404, "no key k"},
      {"POST", maps + "other/k?action=repair", 404, "no dataset other"},
      {"PATCH", maps + "settings/k", 405, "this path takes GET, PUT, DELETE, POST"},
      {"GET", "/v0/conflicts/metrics", 404, "dataset metrics is telemetry, not a map"},
      {"GET", "/v0/conflicts/settings?x=1", 400, "no parameter \\\"x\\\" is known here"},
  }));
  const ApiNode node;
  CAPTURE(row.method, row.target);
  const auto reply = node.ask(row.method, row.target, row.method == "PUT" ? "v" : "");
  CHECK(reply.status == row.status);
  CAPTURE(reply.body);
  CHECK(error_of(reply).find(row.message) != std::string::npos);
}

TEST_CASE("writes in conflict are listed beside the map until a repair decides them", "[api][map]") {
  ApiNode first, second;
  first.put("valve/1", "open");
  second.put("valve/1", "half");
  second.put("valve/1", "shut");  // Later than all of the first node, also within a millisecond.
  first.put("valve/2", "open");
  CHECK(second.ask("PUT", "/v0/maps/settings/valve%2F2", "shut").status == 200);
  CHECK(second.ask("DELETE", "/v0/maps/settings/valve%2F2").status == 200);
  const auto conflicts = [](const ApiNode& node, const std::string& query = {}) {
    return node.get("/v0/conflicts/settings" + query);
  };
  CHECK(boost::json::serialize(conflicts(first)) == R"({"conflicts":[],"more":false})");
  second.dial(first.listen());
  const auto count = [&](const ApiNode& node) { return conflicts(node).at("conflicts").as_array().size(); };
  REQUIRE(wait_until([&] { return count(first) == 2 && count(second) == 2; }));
  CHECK(conflicts(first) == conflicts(second));
  CHECK(first.get("/healthz").at("counters").at("map_conflicts") == 2);
  const auto found = conflicts(first, "?limit=1");
  CHECK(found.at("more") == true);
  const auto& loser = found.at("conflicts").at(0);
  CHECK(loser.at("key") == "valve/1");
  CHECK(loser.at("value") == "open");
  CHECK(loser.at("node").as_string() == first.id());
  CHECK(loser.at("clock_trusted") == false);
  CHECK(conflicts(first, "?after=valve%2F1").at("conflicts").at(0).at("key") == "valve/2");
  CHECK(conflicts(first, "?prefix=w").at("conflicts").as_array().empty());

  CHECK(first.ask("POST", "/v0/maps/settings/valve/1?action=repair").body == kDurable);
  REQUIRE(wait_until([&] { return count(first) == 1 && count(second) == 1; }));
  CHECK(second.ask("GET", "/v0/maps/settings/valve/1").body == "shut");
}

TEST_CASE("surfaced writes are listed and counted, and there are none where nothing is forgotten",
          "[api][map]") {
  const ApiNode node;
  CHECK(boost::json::serialize(node.get("/v0/surfaced/settings")) == R"({"surfaced":[],"more":false})");
  CHECK(node.ask("GET", "/v0/surfaced/metrics").status == 404);
  CHECK(node.get("/healthz").at("counters").at("map_surfaced") == 0);
}

TEST_CASE("a value over the bound is refused and nothing is stored", "[api][map]") {
  const ApiNode node;
  const auto reply = node.ask("PUT", "/v0/maps/settings/k", std::string((256 << 10) + 1, 'x'));
  CHECK(reply.status == 413);
  CHECK(error_of(reply).find("a value holds at most 262144 bytes") != std::string::npos);
  CHECK(node.ask("GET", "/v0/maps/settings/k").status == 404);
}

TEST_CASE("a write that fails in the node is told apart by its status", "[api][map]") {
  struct Row {
    ErrorCode code;
    int status;
    bool retry;
  };
  const auto row = GENERATE(values<Row>({
      {ErrorCode::kInvalid, 400, false},
      {ErrorCode::kUnsupported, 400, false},
      {ErrorCode::kNotFound, 404, false},
      {ErrorCode::kMismatch, 409, false},
      {ErrorCode::kLimit, 413, false},
      {ErrorCode::kIo, 500, false},
      {ErrorCode::kCorrupt, 500, false},
      {ErrorCode::kFull, 503, true},
      {ErrorCode::kClosed, 503, true},
  }));
  ApiNode node;
  node.put("k", "v");
  node.sink().fail_with(Error{row.code, "as told"});
  const auto check = [&row](const HttpReply& reply) {
    CHECK(reply.status == row.status);
    CHECK(reply.headers.count("retry-after") == (row.retry ? 1 : 0));
    CHECK(error_of(reply) ==
          R"({"error":{"code":")" + std::string(to_string(row.code)) + R"(","message":"as told"}})");
  };
  check(node.ask("PUT", "/v0/maps/settings/k", "w"));
  check(node.ask("DELETE", "/v0/maps/settings/k"));
  check(node.ask("POST", "/v0/telemetry/metrics/events", R"({"events":[{"time":1,"readings":{"a":1}}]})"));
}

}  // namespace
}  // namespace deltamesh::testing
