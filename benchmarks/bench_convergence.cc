// benchmarks/bench_convergence.cc - what does it cost until all nodes of a fleet hold the same?
//
// Real engines under virtual time (tests/sim/fleet.h): delays are exact and repeat with the seed, bytes and
// frames are those of the nodes' own counters; CPU and memory are this machine's. --real runs the same load
// on real processes, too; --tarantool runs a mesh of those beside one of another system.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <exception>
#include <iostream>
#include <stdexcept>

#include "benchmarks/child_run.h"
#include "benchmarks/convergence_cases.h"
#include "benchmarks/convergence_table.h"
#include "benchmarks/mesh_comparison.h"
#include "benchmarks/options.h"
#include "benchmarks/page_file.h"
#include "benchmarks/process_use.h"
#include "benchmarks/real_fleet.h"
#include "tests/sim/fleet_text.h"

namespace {

using namespace deltamesh;
using bench::FleetCase;
using bench::Measured;

struct Plan {
  bench::Options options;
  bench::CaseChoice choice;
  std::string html_file;
  std::uint64_t real_nodes = 0;
  bool tarantool = false;
};

double memory_peak() {
  return static_cast<double>(bench::process_use(getpid()).memory_peak_bytes);
}

// The program's own pages come into memory with its first run, and are no node's.
void warm_up() {
  sim::FleetOptions options;
  options.nodes = 3;
  options.active = std::chrono::seconds(1);
  (void)sim::run_fleet(options);
}

Measured measure(const FleetCase& fleet_case) {
  warm_up();
  const double before = memory_peak();
  const sim::FleetReport report = sim::run_fleet(fleet_case.options);
  Measured measured{report.failure, {}};
  for (const auto& [metric, value, unit] : sim::figures_of(report))
    measured.figures.push_back({metric, value, unit, {}});
  const double grown = memory_peak() - before;
  measured.figures.push_back(
      {"memory_peak_per_node", grown / 1024 / static_cast<double>(report.nodes), "KiB", {}});
  return measured;
}

void add_params(bench::Report& report, const FleetCase& fleet_case) {
  const sim::FleetOptions& options = fleet_case.options;
  const auto seconds = [](sim::Micros time) { return static_cast<double>(time.count()) / 1e6; };
  report.begin_case();
  report.param("case", fleet_case.name);
  report.param("group", fleet_case.group);
  report.param("nodes", static_cast<double>(options.nodes));
  report.param("topology", sim::name(options.shape));
  report.param("load", sim::name(options.load));
  report.param("data", sim::name(options.what));
  report.param("seed", static_cast<double>(options.seed));
  report.param("active_s", seconds(options.active));
  report.param("writes_per_second", options.writes_per_second);
  if (options.load == sim::Load::kPartition) report.param("partition_s", seconds(options.partition));
}

// Names of the cases that failed.
std::vector<std::string> run_cases(const std::vector<FleetCase>& cases, bench::Report& report) {
  std::vector<std::string> failed;
  std::cout << bench::convergence_head() << std::flush;
  for (const FleetCase& fleet_case : cases) {
    const Measured measured = bench::run_in_child([&] { return measure(fleet_case); });
    std::cout << bench::convergence_row(fleet_case.name, measured) << std::flush;
    if (!measured.failure.empty()) {
      failed.push_back(fleet_case.name);
      continue;
    }
    add_params(report, fleet_case);
    for (const bench::Figure& figure : measured.figures) report.add(figure);
  }
  return failed;
}

// --- Beside real processes -------------------------------------------------------------------------------

// A load that 50 processes on two cores carry without queues, over links as short as loopback.
FleetCase real_case(const Plan& plan, sim::Shape shape) {
  FleetCase out{sim::name(shape) + "-" + std::to_string(plan.real_nodes) + "-real", "real", {}};
  out.options.seed = plan.choice.seed;
  out.options.nodes = plan.real_nodes;
  out.options.shape = shape;
  out.options.delay_min = sim::Micros(100);
  out.options.delay_max = sim::Micros(1'000);
  out.options.writes_per_second = 20;
  const std::uint64_t active = plan.choice.active_seconds == 0 ? 20 : plan.choice.active_seconds;
  out.options.active = std::chrono::seconds(static_cast<std::chrono::seconds::rep>(active));
  return out;
}

// Figures that a real node's counters tell, too.
constexpr std::array kCompared{"writes",
                               "deliveries",
                               "wire_bytes_per_delivery",
                               "payload_per_minimum",
                               "redundant_copies_per_delivery",
                               "metadata_per_payload",
                               "idle_bytes_per_link_and_keepalive",
                               "convergence_time"};

double value_of(const std::vector<sim::FleetFigure>& figures, const std::string& metric) {
  const auto found =
      std::find_if(figures.begin(), figures.end(), [&](const auto& f) { return f.metric == metric; });
  return found->value;
}

void compare_with_real(const FleetCase& fleet_case, bench::Report& all) {
  const sim::FleetReport simulated = sim::run_fleet(fleet_case.options);
  if (!simulated.failure.empty()) throw std::runtime_error(fleet_case.name + ": " + simulated.failure);
  const auto expected = sim::figures_of(simulated);
  bench::Report shown("real processes beside the simulator");
  add_params(all, fleet_case);
  add_params(shown, fleet_case);
  for (const auto& [metric, value, unit] : sim::figures_of(bench::run_real_fleet(fleet_case.options))) {
    if (std::isnan(value) || std::find(kCompared.begin(), kCompared.end(), metric) == kCompared.end())
      continue;
    const bench::Figure figure{metric, value, unit, bench::Peer{"simulator", value_of(expected, metric)}};
    all.add(figure);
    shown.add(figure);
  }
  std::cout << "\n" << shown.table() << std::flush;
}

// --- The program -----------------------------------------------------------------------------------------

int measure_all(const Plan& plan) {
  for (const std::uint64_t nodes : {plan.choice.nodes, plan.real_nodes}) {
    if (nodes == 1 || nodes == 2) throw std::runtime_error("a fleet has 3 nodes or more");
  }
  const auto cases = bench::convergence_cases(plan.choice);
  if (cases.empty()) throw std::runtime_error("no case has \"" + plan.choice.only + "\" in its name");
  bench::Report report("convergence");
  const auto failed = run_cases(cases, report);
  if (plan.real_nodes > 0) {
    for (const auto shape : {sim::Shape::kStar, sim::Shape::kMesh})
      compare_with_real(real_case(plan, shape), report);
  }
  if (plan.tarantool) bench::compare_with_tarantool(plan.options, report);
  const bool written =
      bench::write_files(report, plan.options.json_file, "convergence_page.py", plan.html_file);
  for (const std::string& name : failed) std::cerr << "bench_convergence: " << name << " failed\n";
  return written && failed.empty() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  int status = 0;
  Plan plan;
  const auto options = bench::parse_options(
      argc, argv, "What does it cost until all nodes of a fleet hold the same?", status,
      {{"--html", &plan.html_file, "Writes a page with tables and charts to this file; needs python3"},
       {"--only", &plan.choice.only, "Only cases with this in their name, such as mesh or burst-map"},
       {"--nodes", &plan.choice.nodes, "Every case with so many nodes, 3 or more; rings stay small"},
       {"--seed", &plan.choice.seed, "Another seed, another run"},
       {"--active", &plan.choice.active_seconds, "Virtual seconds with writes, of every case"},
       {"--real", &plan.real_nodes,
        "Beside that, a star and a mesh of so many real processes (50: two minutes)"},
       {"--tarantool", &plan.tarantool,
        "Beside that, meshes of 5 sync-nodes and of 5 Tarantools in turn (4 minutes; a minute with "
        "--quick)"}});
  if (!options) return status;
  plan.options = *options;
  plan.choice.quick = options->quick;
  try {
    return measure_all(plan);
  } catch (const std::exception& error) {
    std::cerr << "bench_convergence: " << error.what() << "\n";
    return 1;
  }
}
