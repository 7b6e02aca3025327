// tests/benchmarks/growth_test.cc - the made-up readings, peers and page of bench_growth.
#include <catch2/catch.hpp>
#include <set>
#include <string>
#include <vector>

#include "benchmarks/growth/growth_config.h"
#include "benchmarks/growth/measured_store.h"
#include "benchmarks/growth/peer_writers.h"
#include "benchmarks/growth/stored_node.h"
#include "benchmarks/growth/wandering_readings.h"
#include "benchmarks/report.h"
#include "tests/support/child_process.h"
#include "tests/support/temp_dir.h"

namespace deltamesh::bench {
namespace {

std::size_t count_of(const std::string& what, const std::string& text) {
  std::size_t count = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++count;
  return count;
}

}  // namespace

TEST_CASE("each device speaks in its turn, of its own series", "[benchmarks][growth]") {
  WanderingReadings readings(30, "device-", 1);
  std::vector<NamedEvent> events;
  readings.next(2, events);
  readings.next(4, events);  // The third to the sixth.
  std::vector<std::string> first_series;
  for (const NamedEvent& event : events) {
    CHECK(event.readings.size() == kReadingsPerEvent);
    first_series.push_back(event.readings[0].series);
  }
  CHECK(first_series == std::vector<std::string>{"device-2/value-0", "device-0/value-0", "device-1/value-0",
                                                 "device-2/value-0"});
  CHECK(events[3].time - events[0].time > 2 * kEventPause);
  CHECK(events[3].readings[0].value != events[0].readings[0].value);
}

TEST_CASE("what peers write in turn is in the store, a stream each, and can be asked for",
          "[benchmarks][growth]") {
  const testing::TempDir dir;
  StoredNode hub(dir.path() / "hub.db", growth_config());
  PeerWriters writers(3, hub);
  std::size_t calls = 0;
  for (int i = 0; i < 6; ++i) {
    writers.write(20, [&](const auto& call) {
      ++calls;
      call();
    });
  }
  hub.finish();
  std::size_t streams = 0;
  for (const auto& entry : hub.node().knowledge().entries()) {
    ++streams;
    CHECK(entry.known.held().contains(Interval{1, 40}));
  }
  CHECK(streams == 3);
  CHECK(calls >= 12);  // A frame and a moment of each.
  const QueryCost cost = measure_queries(
      hub, {WanderingReadings::series_name("peer-2/", 0, 7), kFirstTime, kFirstTime + 10 * kEventPause - 1});
  CHECK(cost.points == 10);
  CHECK(cost.latest_series == 30);
}

TEST_CASE("the page of growth has a curve a cost and axis, and says what a logarithmic cost may reach",
          "[benchmarks][growth]") {
  Report report("growth");
  for (const double streams : {1.0, 100.0}) {
    report.begin_case();
    report.param("axis", std::string("streams"));
    report.param("streams", streams);
    report.add({"ingest_cpu_us_per_sample", 0.5 + streams / 400, "us", {}});
    report.add({"idle_memory", 12, "MiB", {}});
  }
  report.begin_case();
  report.param("axis", std::string("streams"));
  report.param("from", 1.0);
  report.param("to", 100.0);
  report.param("at_most", 3.0);
  report.add({"ingest_cpu_us_per_sample_growth", 1.49, "", {}});
  const testing::TempDir dir;
  const std::string figures = dir.path() / "figures.json", page = dir.path() / "page.html";
  REQUIRE(report.write_json(figures));
  REQUIRE(testing::run({"python3", "-B", DELTAMESH_SOURCE_DIR "/benchmarks/growth_page.py", figures, page})
              .text == "");
  const std::string text = testing::read_text(page);
  CHECK(count_of("<svg ", text) == 2);
  for (const char* cell : {"growth (\xe2\x89\xa4 3)", "1.49", "0.750", "12.0"}) {
    CAPTURE(cell);
    CHECK(count_of(">" + std::string(cell) + "</td>", text) >= 1);
  }
  for (const char* fetched : {"<script", "<link", "http:", "https:", "@import", "url("}) {
    CAPTURE(fetched);
    CHECK(text.find(fetched) == std::string::npos);
  }
}

}  // namespace deltamesh::bench
