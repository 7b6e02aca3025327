// tests/benchmarks/report_test.cc - the form in which benchmarks report.
#include "benchmarks/report.h"

#include <catch2/catch.hpp>

#include <limits>
#include <string>

namespace deltamesh::bench {
namespace {

Report sample() {
  Report report("replication");
  report.param("readings", 1e6);
  report.param("link", std::string("tcp"));
  report.add({"wire_bytes_per_reading", 2.1, "B", Peer{"tarantool", 61.2}});
  report.param("link", std::string("websocket"));
  report.param("quick", true);
  report.add({"readings", 1234567.0, "", {}});
  return report;
}

}  // namespace

TEST_CASE("a figure is one JSON object on its own line, with the parameters of its time", "[benchmarks]") {
  CHECK(sample().json_lines() ==
        R"({"benchmark":"replication","metric":"wire_bytes_per_reading","value":2.1,"unit":"B",)"
        R"("peer":"tarantool","peer_value":61.2,"params":{"readings":1000000,"link":"tcp"}})"
        "\n"
        R"({"benchmark":"replication","metric":"readings","value":1234567,"unit":"",)"
        R"("params":{"readings":1000000,"link":"websocket","quick":true}})"
        "\n");
}

TEST_CASE("the table shows parameters once and numbers for people", "[benchmarks]") {
  CHECK(sample().table() ==
        "replication\n"
        "  readings=1000000 link=tcp\n"
        "    wire_bytes_per_reading             2.1 B            tarantool 61.2\n"
        "  readings=1000000 link=websocket quick=yes\n"
        "    readings                     1,234,567\n");
}

TEST_CASE("text and values that JSON cannot hold as they are stay valid JSON", "[benchmarks]") {
  CHECK(json_string("a\"b\\c\n") == R"("a\"b\\c\u000a")");
  Report report("x");
  report.add({"m", std::numeric_limits<double>::infinity(), "s", {}});
  CHECK(report.json_lines() ==
        "{\"benchmark\":\"x\",\"metric\":\"m\",\"value\":null,\"unit\":\"s\",\"params\":{}}\n");
}

TEST_CASE("a report that cannot be written says so", "[benchmarks]") {
  CHECK_FALSE(sample().finish("/nonexistent/folder/report.json"));
}

}  // namespace deltamesh::bench
