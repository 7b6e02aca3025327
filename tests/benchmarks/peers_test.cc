// tests/benchmarks/peers_test.cc - bench_peers: what the systems get, how they are compared, and a small run
// of each.
#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>
#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <sstream>

#include "benchmarks/peers/comparison.h"
#include "benchmarks/tarantool_instance.h"
#include "tests/support/child_process.h"
#include "tests/support/temp_dir.h"

namespace deltamesh::bench {
namespace {

void write(const std::filesystem::path& file, const std::string& text) {
  std::ofstream(file) << text;
}

// What it takes `seconds` for, and nothing else.
CatchUp took(double seconds) {
  CatchUp run;
  run.seconds = seconds;
  return run;
}

std::vector<Contender> two_contenders() {
  std::vector<Contender> two(2);
  two[0].name = "deltamesh";
  two[0].readings = 1000;
  two[1].name = "rows";
  two[1].readings = 100;
  return two;
}

class Noting final : public System {
 public:
  Noting(char name, std::string& order) : name_(name), order_(order) {}
  CatchUp catch_up() override {
    order_ += name_;
    return {};
  }

 private:
  char name_;
  std::string& order_;
};

// A small run of those whose names contain `only`.
struct SmallRun {
  testing::Output output;
  std::map<std::string, std::set<std::string>> metrics;  // By case.
};

SmallRun small_run(const std::string& only) {
  const testing::TempDir dir;
  const auto file = dir.path() / "figures.json";
  SmallRun run;
  run.output = testing::run({DELTAMESH_BIN_DIR "/bench_peers", "--quick", "--generated", "--readings",
                             "20000", "--peer-readings", "4000", "--only", only, "--json", file.string()});
  std::istringstream lines(testing::read_text(file));
  for (std::string line; std::getline(lines, line);) {
    const auto figure = boost::json::parse(line);
    const auto& params = figure.at("params");
    const std::string name = params.at("case").as_string().c_str();
    const std::string metric = figure.at("metric").as_string().c_str();
    CHECK(figure.at("benchmark") == "peers");
    CHECK(params.at("recording") == "generated");
    CHECK(params.at("readings").to_number<double>() >= 20'000);
    CHECK(params.at("peer_readings").to_number<double>() >= 4'000);
    if (!metric.ends_with("_ratio")) {
      CHECK(figure.at("peer").as_string() == name);
      CHECK(figure.at("peer_value").is_number());
    }
    CHECK(run.metrics[name].insert(metric).second);
  }
  return run;
}

void check_figures(const std::set<std::string>& metrics) {
  for (const char* metric :
       {"durable_readings_per_second", "durable_readings_per_second_ratio", "disk_bytes_per_reading",
        "disk_bytes_per_reading_ratio", "written_bytes_per_reading", "cpu_us_per_reading", "memory_peak",
        "memory_peak_ratio"}) {
    CAPTURE(metric);
    CHECK(metrics.contains(metric));
  }
}

void check_beside(const std::string& only, const std::string& package, bool installed,
                  const std::vector<std::string>& cases) {
  const SmallRun run = small_run(only);
  CAPTURE(run.output.text);
  REQUIRE(run.output.status == 0);
  const std::string said = "SKIPPED: not installed: Debian package " + package;
  CHECK((run.output.text.find(said) == std::string::npos) == installed);
  if (!installed) {
    std::cout << said << "\n";
    return;
  }
  CHECK(run.metrics.size() == cases.size());
  for (const std::string& name : cases) {
    CAPTURE(name);
    REQUIRE(run.metrics.contains(name));
    check_figures(run.metrics.at(name));
    CHECK(run.metrics.at(name).contains("wire_bytes_per_reading_ratio"));
  }
}

}  // namespace

TEST_CASE("all systems get the first readings of all sensors by time", "[benchmarks][peers]") {
  const testing::TempDir dir;
  write(dir.path() / "a.csv",
        "timestamp,P1,P2\n"
        "2018-07-07T20:00:00,17.47,7.73\n"
        "2018-07-07T20:02:00,13.50,7.60\n"
        "2018-07-07T20:09:00,1.00,2.00\n");
  write(dir.path() / "b.csv",
        "timestamp,temperature,humidity,pressure\n"
        "2018-07-07T20:01:00,18.40,,1000.00\n"
        "2018-07-07T20:03:00,18.50,66.90,\n");
  const Extract extract =
      extract_readings({dir.path() / "a.csv", dir.path() / "b.csv"}, 7, dir.path() / "extract");
  CHECK(testing::read_text(extract.messages_file) ==
        "0,1530993600,17.47,7.73\n"
        "2,1530993660,18.40,,1000.00\n"
        "0,1530993720,13.50,7.60\n"
        "2,1530993780,18.50,66.90,\n");
  CHECK(extract.messages == 4);
  CHECK(extract.readings == 8);
  REQUIRE(extract.sensor_files.size() == 2);
  CHECK(testing::read_text(extract.sensor_files[0]) ==
        "timestamp,P1,P2\n"
        "2018-07-07T20:00:00,17.47,7.73\n"
        "2018-07-07T20:02:00,13.50,7.60\n");
  CHECK(testing::read_text(extract.sensor_files[1]) == testing::read_text(dir.path() / "b.csv"));
}

TEST_CASE("readings that are made up are as many as were asked for, and the same again",
          "[benchmarks][peers]") {
  const testing::TempDir dir;
  const auto files = generate_sensors(3'000, dir.path() / "once");
  const auto again = generate_sensors(3'000, dir.path() / "again");
  REQUIRE(files.size() == again.size());
  for (std::size_t i = 0; i < files.size(); ++i)
    CHECK(testing::read_text(files[i]) == testing::read_text(again[i]));
  const std::string first = testing::read_text(files[0]);
  CHECK(first.find("\n2018-06-26T08:0") != std::string::npos);  // 1,530,000,000 s after 1970.
  CHECK(extract_readings(files, 3'000, dir.path() / "extract").readings >= 3'000);
}

TEST_CASE("a ratio is the median of those of the rounds, per reading, and above 1 where ours is better",
          "[benchmarks][peers]") {
  const auto contenders = two_contenders();
  Rounds rounds{{took(1), took(2), took(4)}, {took(2), took(1), took(2)}};
  for (CatchUp& run : rounds[0]) run.disk_bytes = 3'000;
  for (CatchUp& run : rounds[1]) run.disk_bytes = 6'000;
  const auto found = ratios(contenders, rounds, 1);
  REQUIRE(found.size() == 2);
  CHECK(found[0].metric == "durable_readings_per_second");
  CHECK(found[0].times == Approx(5));  // 20, 5 and 5 times; of the medians it would be 10.
  CHECK(found[1].metric == "disk_bytes_per_reading");
  CHECK(found[1].times == Approx(20));
}

TEST_CASE("what one system has no figure of is no ratio", "[benchmarks][peers]") {
  const auto contenders = two_contenders();
  Rounds rounds{{took(1)}, {took(2)}};
  rounds[0][0].wire_bytes = 2'000;
  CHECK(ratios(contenders, rounds, 1).size() == 1);
  Report report("peers");
  add_comparison(report, contenders, rounds);
  CHECK(report.json_lines().find("wire") == std::string::npos);
  CHECK(ratio_table(contenders, rounds).find("\nrows                         20          -") !=
        std::string::npos);
}

TEST_CASE("rounds go to and fro", "[benchmarks][peers]") {
  std::string order;
  std::vector<Contender> contenders(3);
  for (std::size_t i = 0; i < 3; ++i) contenders[i].system = std::make_unique<Noting>("abc"[i], order);
  const Rounds rounds = run_rounds(contenders, 3);
  CHECK(order == "abccbaabc");
  CHECK(rounds[2].size() == 3);
}

TEST_CASE("a small run beside rows in SQLite has every figure but those of a wire", "[benchmarks][peers]") {
  const SmallRun run = small_run("sqlite");
  CAPTURE(run.output.text);
  REQUIRE(run.output.status == 0);
  CHECK(run.output.text.find("SKIPPED") == std::string::npos);
  CHECK(run.output.text.find("times better than") != std::string::npos);
  REQUIRE(run.metrics.size() == 2);
  for (const auto& [name, metrics] : run.metrics) {
    CAPTURE(name);
    CHECK(name.starts_with("sqlite-"));
    check_figures(metrics);
    CHECK(metrics.contains("wire_bytes_per_reading") == false);
  }
}

TEST_CASE("a small run beside Tarantool has every figure, or says that it is not installed",
          "[benchmarks][peers]") {
  check_beside("tarantool", "tarantool", tarantool_version().has_value(),
               {"tarantool-write", "tarantool-fsync", "tarantool-join"});
}

TEST_CASE("a small run beside NATS has every figure, or says that it is not installed",
          "[benchmarks][peers]") {
  check_beside("nats-default", "nats-server", nats_version().has_value(), {"nats-default"});
}

}  // namespace deltamesh::bench
