// tests/sim/fleet_test.cc - a small fleet converges on every shape under every load, at the price we promise.
#include <catch2/catch.hpp>

#include <cmath>
#include <map>
#include <tuple>

#include "tests/sim/fleet_text.h"
#include "tests/sim/options.h"

namespace deltamesh::sim {
namespace {

FleetOptions small(Shape shape, Load load, What what) {
  FleetOptions options;
  options.seed = 5;
  options.nodes = 20;
  options.gateways = 4;
  options.shape = shape;
  options.load = load;
  options.what = what;
  options.active = std::chrono::seconds(10);
  options.partition = std::chrono::seconds(30);
  options.burst_events = 20;
  return options;
}

std::map<std::string, double> by_name(const FleetReport& report) {
  std::map<std::string, double> values;
  for (const FleetFigure& figure : figures_of(report)) values[figure.metric] = figure.value;
  return values;
}

// All but the time that the run itself took.
auto repeatable(const FleetReport& report) {
  auto values = by_name(report);
  values.erase("cpu_us_per_delivery");
  return std::tuple(values, report.events, report.trace);
}

}  // namespace

// After a partition, several links of a ring or mesh come back at once, and each of their ends may ask for
// the same backlog before it hears that another peer is already sending it.
TEST_CASE("telemetry reaches every node once, at hardly more than its own size", "[sim][fleet]") {
  struct Row {
    Shape shape;
    Load load;
    double copies_max, payload_max;
  };
  const auto row = GENERATE(values<Row>({
      {Shape::kStar, Load::kSteady, 0.02, 1.02},
      {Shape::kStar, Load::kBurst, 0.02, 1.02},
      {Shape::kStar, Load::kPartition, 0.02, 1.02},
      {Shape::kTree, Load::kSteady, 0.02, 1.02},
      {Shape::kTree, Load::kBurst, 0.02, 1.02},
      {Shape::kTree, Load::kPartition, 0.02, 1.02},
      {Shape::kMesh, Load::kSteady, 0.02, 1.05},
      {Shape::kMesh, Load::kBurst, 0.02, 1.05},
      {Shape::kMesh, Load::kPartition, 0.25, 1.25},
      {Shape::kRing, Load::kSteady, 0.02, 1.05},
      {Shape::kRing, Load::kBurst, 0.02, 1.05},
      {Shape::kRing, Load::kPartition, 0.05, 1.05},
  }));
  const FleetOptions options = small(row.shape, row.load, What::kTelemetry);
  CAPTURE(describe(options));
  const FleetReport report = run_fleet(options);
  CHECK(report.failure == "");
  CHECK(report.deliveries == report.writes * (options.nodes - 1));
  auto figures = by_name(report);
  CHECK(figures["redundant_copies_per_delivery"] <= row.copies_max);
  CHECK(figures["payload_per_minimum"] <= row.payload_max);
  if (row.load == Load::kSteady) CHECK(figures["metadata_bytes_per_delta"] <= 48);
}

TEST_CASE("a burst of telemetry costs at most a tenth more than its payload", "[sim][fleet]") {
  const auto shape = GENERATE(Shape::kStar, Shape::kTree, Shape::kMesh, Shape::kRing);
  FleetOptions options = small(shape, Load::kBurst, What::kTelemetry);
  options.burst_events = 100;
  if (shape == Shape::kMesh) options.nodes = 50;  // In a small mesh, news of little is heard from many.
  CAPTURE(describe(options));
  const FleetReport report = run_fleet(options);
  CHECK(report.failure == "");
  CHECK(by_name(report)["metadata_per_payload"] <= 10);
}

TEST_CASE("maps become equal on every shape under every load", "[sim][fleet]") {
  const auto shape = GENERATE(Shape::kStar, Shape::kTree, Shape::kMesh, Shape::kRing);
  const auto load = GENERATE(Load::kSteady, Load::kBurst, Load::kPartition);
  const FleetOptions options = small(shape, load, What::kMap);
  CAPTURE(describe(options));
  const FleetReport report = run_fleet(options);
  CHECK(report.failure == "");
  CHECK(report.deliveries > 0);
}

TEST_CASE("equal seeds give equal reports, and other seeds other ones", "[sim][fleet]") {
  FleetOptions options = small(Shape::kMesh, Load::kSteady, What::kTelemetry);
  const auto first = repeatable(run_fleet(options)), second = repeatable(run_fleet(options));
  CHECK(first == second);
  ++options.seed;
  CHECK(repeatable(run_fleet(options)) != first);
}

// Changes with every change of what nodes say; equal on every machine and from every compiler.
TEST_CASE("a fleet has the trace that it had on the machine of its author", "[sim][fleet]") {
  CHECK(run_fleet(small(Shape::kMesh, Load::kPartition, What::kTelemetry)).trace == 0x5dc1b5c3326ca775);
}

TEST_CASE("how many threads run a fleet changes none of its figures", "[sim][fleet]") {
  const auto load = GENERATE(Load::kSteady, Load::kPartition);
  FleetOptions options = small(Shape::kMesh, load, What::kTelemetry);
  options.threads = 1;
  const auto alone = repeatable(run_fleet(options));
  options.threads = 3;
  CHECK(repeatable(run_fleet(options)) == alone);
}

// Nobody is told that half of the nodes cannot be reached, so the figures have to.
TEST_CASE("a partition shows in the delays, and ends with it", "[sim][fleet]") {
  const auto figures = by_name(run_fleet(small(Shape::kStar, Load::kPartition, What::kTelemetry)));
  CHECK(figures.at("delay_max") > 29);
  CHECK(figures.at("delay_p50") < 10);
  CHECK(figures.at("convergence_time") < 10);
}

TEST_CASE("figures are what their names say", "[sim][fleet]") {
  FleetReport report;
  report.last_write = Micros(2'000'000);
  report.converged = Micros(2'500'000);
  report.later.p99 = Micros(250'000);
  report.deliveries = 100;
  report.redundant = 5;
  report.payload_bytes = 1'100;
  report.minimum_bytes = 1'000;
  report.frame_bytes = 5'500;
  report.frames = 150;
  report.deltas = 50;
  report.idle_bytes = 80;
  report.links = 4;
  auto figures = by_name(report);
  CHECK(figures["convergence_time"] == Approx(0.5));
  CHECK(figures["delay_p99"] == Approx(0.25));
  CHECK(figures["redundant_copies_per_delivery"] == Approx(0.05));
  CHECK(figures["payload_per_minimum"] == Approx(1.1));
  CHECK(figures["metadata_bytes_per_delta"] == Approx(88));
  CHECK(figures["metadata_per_payload"] == Approx(400));
  CHECK(figures["wire_bytes_per_delivery"] == Approx(55));
  CHECK(figures["frames_per_delivery"] == Approx(1.5));
  CHECK(figures["idle_bytes_per_link_and_keepalive"] == Approx(20));
  CHECK(std::isnan(by_name({})["payload_per_minimum"]));
}

TEST_CASE("shapes, loads and topologies are found by their names", "[sim][fleet]") {
  for (const auto shape : {Shape::kStar, Shape::kTree, Shape::kMesh, Shape::kRing})
    CHECK(shape_named(name(shape)) == shape);
  for (const auto load : {Load::kSteady, Load::kBurst, Load::kPartition})
    CHECK(load_named(name(load)) == load);
  for (const auto what : {What::kTelemetry, What::kMap}) CHECK(what_named(name(what)) == what);
  CHECK_FALSE(shape_named("line"));
  CHECK(topology_named("line") == Topology::kLine);
  CHECK_FALSE(topology_named(""));
}

}  // namespace deltamesh::sim
