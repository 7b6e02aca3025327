// tests/engine/config_test.cc - the settings of a node that are refused, and the words for it.
#include "engine/config.h"

#include <catch2/catch.hpp>
#include <functional>

#include "engine/validate.h"

using namespace deltamesh;
using Catch::Contains;
using namespace std::chrono_literals;

namespace {

DatasetConfig named(std::string name) {
  return {std::move(name)};
}

NodeConfig sound() {
  NodeConfig config;
  config.datasets = {named("telemetry"), named("desired")};
  return config;
}

}  // namespace

TEST_CASE("a sound configuration passes, also at the edges of its numbers", "[engine][config]") {
  NodeConfig config = sound();
  CHECK(check(config).ok());
  config.commit_interval = 0us;
  config.keepalive = 1s;
  CHECK(check(config).ok());
  config.commit_interval = 60s;
  config.datasets = {named(std::string(64, 'n')), named("A-1_b.c")};
  CHECK(check(config).ok());
}

TEST_CASE("a configuration that breaks a rule is refused in words that name the value", "[engine][config]") {
  struct Row {
    std::function<void(NodeConfig&)> spoil;
    const char* text;
  };
  const std::vector<Row> rows{
      {[](NodeConfig& c) { c.datasets.clear(); }, "at least one dataset"},
      {[](NodeConfig& c) {
         for (int i = 0; i < 63; ++i) c.datasets.push_back(named("d" + std::to_string(i)));
       },
       "65 datasets, at most 64"},
      {[](NodeConfig& c) { c.datasets[0].name = ""; }, "empty"},
      {[](NodeConfig& c) { c.datasets[0].name = std::string(65, 'n'); }, "65 bytes, at most 64"},
      {[](NodeConfig& c) { c.datasets[0].name = "a b"; }, "'a b'"},
      {[](NodeConfig& c) { c.datasets[0].name = "stra\u00dfe"; }, "letters"},
      {[](NodeConfig& c) { c.datasets[0].name = "a\x01"; }, "control characters"},
      {[](NodeConfig& c) { c.datasets[1].name = "telemetry"; }, "'telemetry' is named twice"},
      // Two names with one XXH3 hash, found by inverting it.
      {[](NodeConfig& c) {
         c.datasets = {named("dfhtsky"), named("FaLntceX")};
       },
       "'dfhtsky' and 'FaLntceX' have one hash"},
      {[](NodeConfig& c) { c.datasets[0].tombstones = 24h; },
       "telemetry is telemetry, and has no tombstones"},
      {[](NodeConfig& c) {
         c.datasets[1].kind = DatasetKind::kMap;
         c.datasets[1].tombstones = 59s;
       },
       "tombstones of map desired must be kept for 60000000 us at least"},
      {[](NodeConfig& c) {
         c.datasets[1].kind = DatasetKind::kMap;
         c.datasets[1].tombstones = 60s;
         c.datasets[1].scope = Scope::kPush;
       },
       "map desired must flow both ways"},
      {[](NodeConfig& c) { c.commit_interval = -1us; }, "-1 us must be 0 to 60000000 us"},
      {[](NodeConfig& c) { c.commit_interval = 60s + 1us; }, "60000001 us must be 0 to 60000000 us"},
      {[](NodeConfig& c) { c.keepalive = 999'999us; }, "999999 us must be at least 1000000 us"},
      {[](NodeConfig& c) { c.link_bytes_per_second = 999; }, "999 bytes a second must be 0 or at least 1000"},
      {[](NodeConfig& c) { c.software = std::string(513, 's'); }, "513 bytes, at most 512"},
      {[](NodeConfig& c) { c.software = "\xff"; }, "software is not UTF-8"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    NodeConfig config = sound();
    row.spoil(config);
    const Status status = check(config);
    REQUIRE_FALSE(status.ok());
    CHECK_THAT(status.error().text, Contains(row.text));
  }
}

TEST_CASE("text made presentable passes the check for text, and readable text is left alone",
          "[engine][config]") {
  CHECK(presentable("fleet 'a' is not '\u00fc'", 512) == "fleet 'a' is not '\u00fc'");
  CHECK(presentable("a\nb\x7f\xff"
                    "c",
                    512) == "a?b??c");
  CHECK(presentable("\u20ac\u20ac", 5) == "\u20ac");  // Never half a character.
  const std::string hostile(600, '\x80');
  CHECK(check_text(presentable(hostile, 512), 512, "text").ok());
}
