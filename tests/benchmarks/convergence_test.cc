// tests/benchmarks/convergence_test.cc - the cases of bench_convergence, their child processes, table and
// page.
#include <catch2/catch.hpp>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <stdexcept>

#include "benchmarks/child_run.h"
#include "benchmarks/convergence_cases.h"
#include "benchmarks/convergence_table.h"
#include "tests/sim/fleet_text.h"
#include "tests/support/child_process.h"
#include "tests/support/temp_dir.h"

namespace deltamesh::bench {
namespace {

std::set<std::string> names(const CaseChoice& choice) {
  std::set<std::string> names;
  for (const FleetCase& fleet_case : convergence_cases(choice)) names.insert(fleet_case.name);
  return names;
}

std::size_t count_of(const std::string& what, const std::string& text) {
  std::size_t count = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++count;
  return count;
}

// What the program writes for one small case of each topology and size.
Report small_report() {
  Report report("convergence");
  for (const FleetCase& fleet_case : convergence_cases({.quick = true, .only = "steady"})) {
    report.begin_case();
    report.param("case", fleet_case.name);
    report.param("group", fleet_case.group);
    report.param("nodes", static_cast<double>(fleet_case.options.nodes));
    report.param("topology", sim::name(fleet_case.options.shape));
    report.param("load", sim::name(fleet_case.options.load));
    report.param("data", sim::name(fleet_case.options.what));
    for (const auto& [metric, value, unit] : sim::figures_of({})) report.add({metric, value, unit, {}});
    report.add({"memory_peak_per_node", 12'345, "KiB", {}});
  }
  return report;
}

testing::Output make_page(const std::string& figures, const std::string& page) {
  return testing::run(
      {"python3", "-B", DELTAMESH_SOURCE_DIR "/benchmarks/convergence_page.py", figures, page});
}

}  // namespace

TEST_CASE("cases have names of their own, and are chosen by them", "[benchmarks][convergence]") {
  const auto all = convergence_cases({});
  CHECK(names({}).size() == all.size());
  for (const char* name : {"star-100-steady", "tree-1000-steady", "mesh-10-steady", "mesh-100-burst-map",
                           "ring-64-burst", "star-100-partition"})
    CHECK(names({}).count(name) == 1);
  CHECK(names({.only = "burst-map"}) == std::set<std::string>{"star-100-burst-map", "tree-100-burst-map",
                                                              "mesh-100-burst-map", "ring-64-burst-map"});
  CHECK(names({.only = "torus"}).empty());
}

TEST_CASE("what was asked for holds for every case", "[benchmarks][convergence]") {
  for (const FleetCase& fleet_case : convergence_cases({.nodes = 500, .seed = 7, .active_seconds = 3})) {
    CAPTURE(fleet_case.name);
    CHECK(fleet_case.options.nodes == (fleet_case.options.shape == sim::Shape::kRing ? 64 : 500));
    CHECK(fleet_case.options.seed == 7);
    CHECK(fleet_case.options.active == std::chrono::seconds(3));
  }
}

TEST_CASE("a tree has nodes below its gateways at every size", "[benchmarks][convergence]") {
  for (const auto nodes : {3, 10, 100, 10'000}) {
    for (const FleetCase& fleet_case :
         convergence_cases({.only = "tree", .nodes = static_cast<std::uint64_t>(nodes)})) {
      CHECK(fleet_case.options.gateways >= 1);
      CHECK(fleet_case.options.gateways <= 32);
      CHECK(fleet_case.options.gateways + 1 < fleet_case.options.nodes);
    }
  }
}

TEST_CASE("figures come out of a child process as they went in", "[benchmarks][child]") {
  const Measured measured = run_in_child([] {
    return Measured{"", {{"a_third", 1.0 / 3, "B", {}}, {"none", 0, "", {}}, {"large", 1e300, "us", {}}}};
  });
  CHECK(measured.failure == "");
  REQUIRE(measured.figures.size() == 3);
  CHECK(measured.figures[0].metric == "a_third");
  CHECK(measured.figures[0].value == 1.0 / 3);
  CHECK(measured.figures[0].unit == "B");
  CHECK(measured.figures[1].unit == "");
  CHECK(measured.figures[2].value == 1e300);
}

TEST_CASE("a child that fails, throws or dies is a failure", "[benchmarks][child]") {
  struct Row {
    Measured (*measure)();
    const char* failure;
  };
  const auto row = GENERATE(values<Row>({
      {[] {
         return Measured{"two nodes\ndiffer", {}};
       },
       "two nodes differ"},
      {[]() -> Measured { throw std::runtime_error("no memory"); }, "no memory"},
      {[]() -> Measured { std::_Exit(3); }, "ended before its time"},
      {[]() -> Measured { return std::raise(SIGKILL), Measured{}; }, "killed by signal 9"},
  }));
  const Measured measured = run_in_child(row.measure);
  CHECK(measured.failure == row.failure);
  CHECK_THAT(convergence_row("star-3-steady", measured), Catch::Contains("FAILED " + measured.failure));
}

TEST_CASE("a row has a cell under each head, and a dash for what is not known", "[benchmarks][convergence]") {
  const std::string head = convergence_head();
  const Measured measured{"", {{"delay_p50", 0.1234, "s", {}}, {"payload_per_minimum", 0.0 / 0.0, "", {}}}};
  const std::string row = convergence_row("star-3-steady", measured);
  CHECK(row.size() == head.size() - head.find('\n') - 1);
  CHECK(row.find("0.123") + 5 == head.find("p50 s") + 5 - head.find('\n') - 1);
  CHECK(count_of(" -", row) == 12);
}

TEST_CASE("the page stands alone and shows every case and chart", "[benchmarks][convergence]") {
  const testing::TempDir dir;
  const std::string figures = dir.path() / "figures.json", page = dir.path() / "page.html";
  REQUIRE(small_report().write_json(figures));
  const testing::Output output = make_page(figures, page);
  REQUIRE(output.text == "");
  REQUIRE(output.status == 0);
  const std::string text = testing::read_text(page);
  for (const std::string& name : names({.quick = true, .only = "steady"}))
    CHECK(count_of("<td class=left>" + name + "</td>", text) == 1);
  CHECK(count_of("<svg ", text) == count_of("</svg>", text));
  CHECK(count_of("<svg ", text) == 8);  // What is sent: 4; delays: 2; growth: only what is known, 2.
  CHECK_THAT(text, Catch::Contains("12,345") && Catch::Contains("prefers-color-scheme: dark"));
  for (const char* fetched : {"<script", "<link", "http:", "https:", "@import", "url("}) {
    CAPTURE(fetched);
    CHECK(text.find(fetched) == std::string::npos);
  }
}

TEST_CASE("a mesh beside one of Tarantools is shown with the ratio", "[benchmarks][convergence]") {
  Report report("convergence");
  report.param("case", std::string("mesh-5-rows-100"));
  report.param("group", std::string("tarantool"));
  report.param("rows_per_write", 100.0);
  report.add({"mesh_wire_bytes_per_delivery", 2.5, "B", Peer{"tarantool", 200}});
  const testing::TempDir dir;
  const std::string figures = dir.path() / "figures.json", page = dir.path() / "page.html";
  REQUIRE(report.write_json(figures));
  REQUIRE(make_page(figures, page).text == "");
  const std::string text = testing::read_text(page);
  for (const char* cell :
       {"wire bytes per delivery", "100 a write", "B", "2.50", "200.00", "80.0 \xc3\x97"}) {
    CAPTURE(cell);
    CHECK(count_of(">" + std::string(cell) + "</td>", text) == 1);
  }
}

TEST_CASE("a page of nothing is no page", "[benchmarks][convergence]") {
  const testing::TempDir dir;
  CHECK(make_page(dir.path() / "none.json", dir.path() / "page.html").status != 0);
}

}  // namespace deltamesh::bench
