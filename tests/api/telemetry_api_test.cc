// tests/api/telemetry_api_test.cc - telemetry and health over HTTP, on a whole node.
#include <boost/json/serialize.hpp>
#include <catch2/catch.hpp>
#include <limits>

#include "tests/api/api_fixture.h"

namespace deltamesh::testing {
namespace {

const std::string kMetrics = "/v0/telemetry/metrics/";

NamedEvent event(Ticks time, std::string series, Value value, std::string unit = "") {
  NamedEvent out;
  out.time = time;
  out.readings.push_back({std::move(series), std::move(unit), std::move(value)});
  return out;
}

TEST_CASE("what is appended is answered: its samples, the latest, and its series", "[api][telemetry]") {
  const ApiNode node;
  node.append(R"({"time":1000,"readings":{"room/t":21.1,"room/on":true},"units":{"room/t":"Cel"}},
                 {"time":"1970-01-01T00:00:02Z","readings":{"room/t":0.30000000000000004},"quality":"estimated"})");
  CHECK(node.ask("GET", kMetrics + "samples?series=room/t").body ==
        R"({"series":"room/t","unit":"Cel","type":"double","resolution":"ms",)"
        R"("samples":[[1000,21.1],[2000,0.30000000000000004,"estimated"]],"more":false})");
  CHECK(node.ask("GET", kMetrics + "latest").body ==
        R"({"resolution":"ms","latest":[)"
        R"({"series":"room/on","unit":"","type":"bool","time":1000,"value":true},)"
        R"({"series":"room/t","unit":"Cel","type":"double","time":2000,"value":0.30000000000000004,)"
        R"("quality":"estimated"}],"complete":true})");
  CHECK(node.ask("GET", kMetrics + "series").body ==
        R"({"series":[{"name":"room/on","unit":"","type":"bool","conflict":false},)"
        R"({"name":"room/t","unit":"Cel","type":"double","conflict":false}],"more":false})");
}

TEST_CASE("an append without a time is counted from the boot where the clock is not trusted",
          "[api][telemetry]") {
  const ApiNode node;
  node.append(R"({"readings":{"t":1}},{"time":7,"readings":{"t":2}},{"readings":{"t":3}})");
  CHECK(node.get(kMetrics + "samples?series=t").at("samples").as_array().size() == 1);
  const auto answer = node.get(kMetrics + "unplaced?series=t&limit=1");
  CHECK(answer.at("count") == 2);
  REQUIRE(answer.at("samples").as_array().size() == 1);
  CHECK(answer.at("samples").at(0).at("boot") == 1);
  CHECK(answer.at("samples").at(0).at("value") == 1);
  CHECK(answer.at("samples").at(0).at("quality") == "good");
  CHECK(node.ask("GET", kMetrics + "unplaced").status == 400);
  CHECK(node.ask("GET", kMetrics + "unplaced?series=none").status == 404);
}

TEST_CASE("an append that does not name a unit uses the one in use", "[api][telemetry]") {
  const ApiNode node;
  node.append(R"({"time":1,"readings":{"t":1},"units":{"t":"Cel"}})");
  node.append(R"({"time":2,"readings":{"t":2}})");
  CHECK(node.ask("GET", kMetrics + "series").body ==
        R"({"series":[{"name":"t","unit":"Cel","type":"double","conflict":false}],"more":false})");
}

TEST_CASE("so does an append of very many series", "[api][telemetry]") {
  const ApiNode node;
  std::string readings, units;
  for (int i = 0; i < 100; ++i) {
    const std::string comma = i == 0 ? "" : ",", name = "\"s" + std::to_string(i) + "\":";
    readings += comma + name + "1";
    units += comma + name + "\"V\"";
  }
  node.append(R"({"time":1,"readings":{)" + readings + R"(},"units":{)" + units + "}}");
  node.append(R"({"time":2,"readings":{"new":1,)" + readings + "}}");
  const auto listed = node.get(kMetrics + "series").at("series").as_array();
  CHECK(listed.size() == 101);
  for (const auto& series : listed) {
    CHECK(series.at("unit") == (series.at("name") == "new" ? "" : "V"));
    CHECK(series.at("conflict") == false);
  }
}

TEST_CASE("values of every type are answered exactly", "[api][telemetry]") {
  ApiNode node;
  node.write("metrics", {event(1, "int", std::int64_t{9007199254740993}),
                         event(1, "bytes", Bytes{std::byte{255}}), event(1, "text", std::string("a\"b")),
                         event(1, "inf", std::numeric_limits<double>::infinity())});
  const auto samples = [&node](const std::string& series) {
    const auto body = node.ask("GET", kMetrics + "samples?series=" + series).body;
    return body.substr(body.find("\"type\""));
  };
  CHECK(samples("int") == R"("type":"int","resolution":"ms","samples":[[1,9007199254740993]],"more":false})");
  CHECK(samples("bytes") == R"("type":"bytes","resolution":"ms","samples":[[1,"/w=="]],"more":false})");
  CHECK(samples("text") == R"("type":"string","resolution":"ms","samples":[[1,"a\"b"]],"more":false})");
  CHECK(samples("inf") == R"("type":"double","resolution":"ms","samples":[[1,"Infinity"]],"more":false})");
}

TEST_CASE("a range of time is given in ticks or as ISO 8601, and both its ends belong to it",
          "[api][telemetry]") {
  ApiNode node;
  std::vector<NamedEvent> events;
  for (Ticks second = 0; second < 10; ++second) events.push_back(event(second * 1'000'000'000, "t", 1.0));
  node.write("precise", std::move(events));
  const auto count = [&node](const std::string& range) {
    return node.get("/v0/telemetry/precise/samples?series=t" + range).at("samples").as_array().size();
  };
  CHECK(count("") == 10);
  CHECK(count("&from=3000000000") == 7);
  CHECK(count("&from=3000000001&to=5000000000") == 2);
  CHECK(count("&from=1970-01-01T00:00:03Z&to=1970-01-01T00:00:05.5Z") == 3);
  CHECK(count("&to=-1") == 0);
}

TEST_CASE("pages of samples put together are all of them", "[api][telemetry]") {
  ApiNode node;
  std::vector<NamedEvent> events;
  for (Ticks time = 0; time < 2500; ++time) events.push_back(event(time, "t", static_cast<double>(time)));
  node.write("metrics", std::move(events));
  std::string from = "0";
  std::int64_t expected = 0;
  for (bool more = true; more;) {
    const auto page = node.get(kMetrics + "samples?series=t&limit=1000&from=" + from);
    for (const auto& sample : page.at("samples").as_array()) CHECK(sample.at(0).as_int64() == expected++);
    more = page.at("more").as_bool();
    if (more) from = std::to_string(page.at("next").as_int64());
  }
  CHECK(expected == 2500);
}

TEST_CASE("the latest can be asked of some series, and series in pages", "[api][telemetry]") {
  const ApiNode node;
  node.append(R"({"time":1,"readings":{"a":1,"b":2,"c":3}})");
  const auto latest = node.get(kMetrics + "latest?series=c&series=a").at("latest").as_array();
  REQUIRE(latest.size() == 2);
  CHECK(latest[0].at("series") == "a");
  CHECK(latest[1].at("series") == "c");
  const auto page = node.get(kMetrics + "series?after=a&limit=1");
  CHECK(page.at("series").as_array().size() == 1);
  CHECK(page.at("series").at(0).at("name") == "b");
  CHECK(page.at("more") == true);
}

TEST_CASE("a question about telemetry that cannot be met says why", "[api][telemetry]") {
  struct Row {
    std::string target;
    int status;
    std::string message;
  };
  const auto row = GENERATE(values<Row>({
      {"/v0/telemetry/other/series", 404, "no dataset other"},
      {"/v0/telemetry/settings/series", 404, "dataset settings is a map, not telemetry"},
      {"/v0/telemetry/metrics", 404, "nothing is at this path"},
      {kMetrics + "samples", 400, "name a series: ?series=..."},
      {kMetrics + "samples?series=x", 404, "no series x in dataset metrics"},
      {kMetrics + "samples?series=t&series=t", 400, "stands twice"},
      {kMetrics + "samples?series=t&form=1", 400, "no parameter \\\"form\\\" is known here"},
      {kMetrics + "samples?series=t&from=now", 400, "\\\"from\\\" is a whole number of ms since 1970"},
      {kMetrics + "samples?series=t&from=1.5", 400, "\\\"from\\\" is a whole number of ms"},
      {kMetrics + "samples?series=t&to=9223372036854775808", 400, "\\\"to\\\" is a whole number of ms"},
      {kMetrics + "samples?series=t&from=2&to=1", 400, "\\\"from\\\" is later than \\\"to\\\""},
      {kMetrics + "samples?series=t&limit=100001", 400, "from 1 to 100000, not \\\"100001\\\""},
      {kMetrics + "samples?series=t&limit=ten", 400, "from 1 to 100000, not \\\"ten\\\""},
      {kMetrics + "latest?series=x", 404, "no series x in dataset metrics"},
      {kMetrics + "latest?limit=1", 400, "no parameter \\\"limit\\\" is known here"},
      {kMetrics + "series?limit=0", 400, "from 1 to 10000"},
      {kMetrics + "series?prefix=a", 400, "no parameter \\\"prefix\\\" is known here"},
      {kMetrics + "events", 405, "this path takes POST"},
      {"/healthz?verbose=1", 400, "no parameter \\\"verbose\\\" is known here"},
  }));
  const ApiNode node;
  node.append(R"({"time":1,"readings":{"t":1}})");
  CAPTURE(row.target);
  const auto reply = node.ask("GET", row.target);
  CAPTURE(reply.body);
  CHECK(reply.status == row.status);
  CHECK(reply.headers.at("content-type") == "application/json");
  CHECK(reply.body.find(row.message) != std::string::npos);
}

TEST_CASE("an append is taken whole or not at all", "[api][telemetry]") {
  const ApiNode node;
  const auto reply =
      node.ask("POST", kMetrics + "events",
               R"({"events":[{"time":1,"readings":{"t":1}},{"time":2,"readings":{"t":null}}]})");
  CHECK(reply.status == 400);
  CHECK(reply.body.find("event 1: the value of t is a number") != std::string::npos);
  CHECK(node.ask("GET", kMetrics + "series").body == R"({"series":[],"more":false})");
  CHECK(node.ask("POST", "/v0/telemetry/other/events", "{}").status == 404);
  CHECK(node.ask("POST", "/v0/telemetry/settings/events", "{}").status == 404);
  CHECK(node.ask("POST", kMetrics + "events?x=1", "{}").status == 400);
  // Seconds of today in microseconds, read as milliseconds.
  const auto late =
      node.ask("POST", kMetrics + "events", R"({"events":[{"time":1594598424502333,"readings":{"t":1}}]})");
  CHECK(late.status == 400);
  CHECK(late.body.find("event 0: \\\"time\\\" is out of the years 1 to 9999") != std::string::npos);
  CHECK(node.ask("POST", kMetrics + "events", "").status == 400);
}

TEST_CASE("a large answer is cut by its bytes", "[api][telemetry]") {
  ApiNode node;
  std::vector<NamedEvent> events;
  for (Ticks time = 0; time < 1100; ++time) events.push_back(event(time, "log", std::string(16 << 10, 'x')));
  for (std::size_t i = 0; i < events.size(); i += 100) {
    node.write("metrics", {events.begin() + static_cast<std::ptrdiff_t>(i),
                           events.begin() + static_cast<std::ptrdiff_t>(i + 100)});
  }
  const auto page = node.get(kMetrics + "samples?series=log&limit=100000");
  CHECK(page.at("more") == true);
  CHECK(page.at("samples").as_array().size() == 1024);
  CHECK(page.at("next") == 1024);
}

TEST_CASE("health tells who the node is, what it counts, and how its parts are", "[api][health]") {
  ApiNode node({{"ingest", [] { return HealthPart{R"({"messages":5})", "ok"}; }}});
  node.put("k", "v");
  node.append(R"({"time":1,"readings":{"t":1}})");
  const auto health = node.get("/healthz");
  CHECK(health.at("status") == "ok");
  CHECK(health.at("node").as_string().size() == 32);
  CHECK(health.at("incarnation").as_string().size() == 32);
  CHECK(health.at("software") == "deltamesh");
  CHECK(health.at("uptime_s").as_int64() >= 0);
  CHECK(boost::json::serialize(health.at("datasets")) == R"(["metrics","precise","settings","$rules"])");
  CHECK(health.at("sessions").as_array().empty());
  CHECK(health.at("counters").at("events_written") == 1);
  CHECK(health.at("counters").at("map_entries_written") == 1);
  CHECK(health.at("ingest").at("messages") == 5);
  CHECK(health.at("http").at("requests") == 2);
}

TEST_CASE("a part that is not well makes the node answer 503 with the word", "[api][health]") {
  const ApiNode node({{"store", [] { return HealthPart{R"({"log_pages":3})", "waiting_for_space"}; }}});
  const auto reply = node.ask("GET", "/healthz");
  CHECK(reply.status == 503);
  CHECK(reply.body.find(R"({"status":"waiting_for_space")") == 0);
  CHECK(reply.body.find(R"("store":{"log_pages":3})") != std::string::npos);
}

}  // namespace
}  // namespace deltamesh::testing
