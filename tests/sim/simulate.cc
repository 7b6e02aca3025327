// tests/sim/simulate.cc - main() of simulate: a fleet that is measured, or a range of seeds with faults.
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <map>
#include <string>

#include "tests/sim/fleet_text.h"
#include "tests/sim/network.h"

namespace {

using namespace deltamesh::sim;
using Number = unsigned long long;  // As printf wants it.

constexpr const char* kUsage =
    "usage: simulate [--scenario SCENARIO] [--nodes N] [--topology SHAPE] [--seed N] [option...]\n\n"
    "steady, burst, partition   a fleet without faults, measured; star, tree, mesh (default) or ring\n"
    "  --data KIND              telemetry or map\n"
    "  --active SECONDS         of virtual time; 20\n"
    "  --partition SECONDS      how long half of the nodes are cut off; 600\n"
    "  --threads N              by default as many as help; the figures are the same\n"
    "faults                     every mix of faults, checked; also pair and line; by default the seed "
    "decides\n"
    "room                       the same in a star around a node that keeps what the others must give up\n"
    "forget                     the same with rules for wrong data among the writes\n"
    "  --seeds N                that many, from --seed (or --first) on; only failing ones are shown\n"
    "  --nodes-min N, --nodes-max N   instead of --nodes: the seed decides between them; 2 and 12\n"
    "  --without FAULTS         leaves these out of each run: cuts,torn\n"
    "  --verbose                shows all of them\n";

struct Arguments {
  std::string scenario = "steady", topology, data = "telemetry", without;
  std::uint64_t seed = 1, seeds = 1, nodes = 0, nodes_min = 2, nodes_max = 12, active = 20, partition = 600,
                threads = 0;
  bool verbose = false;
};

bool read_number(const char* text, std::uint64_t& out) {
  const char* end = text + std::strlen(text);
  const auto [stopped, error] = std::from_chars(text, end, out);
  return error == std::errc() && stopped == end;
}

bool parse(int argc, char** argv, Arguments& out) {
  const std::map<std::string, std::uint64_t*> numbers{
      {"--seed", &out.seed},           {"--first", &out.seed},          {"--seeds", &out.seeds},
      {"--nodes", &out.nodes},         {"--nodes-min", &out.nodes_min}, {"--nodes-max", &out.nodes_max},
      {"--partition", &out.partition}, {"--active", &out.active},       {"--threads", &out.threads}};
  const std::map<std::string, std::string*> words{{"--scenario", &out.scenario},
                                                  {"--topology", &out.topology},
                                                  {"--data", &out.data},
                                                  {"--without", &out.without}};
  for (int i = 1; i < argc; ++i) {
    const std::string option = argv[i];
    const auto number = numbers.find(option);
    const auto word = words.find(option);
    if (option == "--verbose")
      out.verbose = true;
    else if (++i == argc)
      return false;
    else if (word != words.end())
      *word->second = argv[i];
    else if (number == numbers.end() || !read_number(argv[i], *number->second))
      return false;
  }
  return true;
}

int wrong(const std::string& what) {
  std::fprintf(stderr, "simulate: %s\n%s", what.c_str(), kUsage);
  return 2;
}

// --- A fleet ---------------------------------------------------------------------------------------------

Micros seconds(std::uint64_t count) {
  return std::chrono::seconds(count);
}

int measure(const FleetOptions& options) {
  std::printf("%s\n", describe(options).c_str());
  std::fflush(stdout);
  const FleetReport report = run_fleet(options);
  for (const FleetFigure& figure : figures_of(report))
    std::printf("  %-34s %14.6g %s\n", figure.metric.c_str(), figure.value, figure.unit.c_str());
  std::printf("  %-34s %016llx\n", "trace", Number{report.trace});
  if (report.failure.empty()) return 0;
  std::printf("FAILED %s\n", report.failure.c_str());
  return 1;
}

int run_measured(const Arguments& arguments, Load load) {
  const auto shape = shape_named(arguments.topology.empty() ? "mesh" : arguments.topology);
  const auto what = what_named(arguments.data);
  if (!shape) return wrong("no fleet has the topology " + arguments.topology);
  if (!what) return wrong("no fleet has data of the kind " + arguments.data);
  FleetOptions options;
  options.seed = arguments.seed;
  options.nodes = arguments.nodes == 0 ? 100 : arguments.nodes;
  if (options.nodes < 3) return wrong("a fleet has 3 nodes or more");
  if (arguments.active == 0) return wrong("nothing is written in 0 seconds");
  options.threads = static_cast<unsigned>(std::min<std::uint64_t>(arguments.threads, 64));
  options.shape = *shape;
  options.load = load;
  options.what = *what;
  options.active = seconds(arguments.active);
  options.partition = seconds(arguments.partition);
  return measure(options);
}

// --- Faults ----------------------------------------------------------------------------------------------

void show(const Options& options, const Outcome& outcome) {
  std::printf("%s\n  trace %016llx, %llu events, %llu writes acknowledged, %llu frames, %llu payload bytes\n",
              describe(options).c_str(), Number{outcome.trace}, Number{outcome.events},
              Number{outcome.acknowledged}, Number{outcome.traffic.frames},
              Number{outcome.traffic.payload_bytes});
  if (outcome.rules > 0)
    std::printf("  %zu rules, of %zu events nothing is left\n", outcome.rules, outcome.forgotten);
  if (!outcome.failure.empty()) std::printf("  FAILED %s\n", outcome.failure.c_str());
  std::fflush(stdout);
}

using Family = Options (*)(std::uint64_t seed, std::uint64_t nodes_min, std::uint64_t nodes_max);
const std::map<std::string, Family> kFamilies{
    {"faults", options_for}, {"room", options_with_little_room}, {"forget", options_with_rules}};

int run_faults(Arguments arguments, Family make) {
  if (arguments.nodes != 0) arguments.nodes_min = arguments.nodes_max = arguments.nodes;
  const auto [nodes_min, nodes_max] = std::pair(arguments.nodes_min, arguments.nodes_max);
  if (nodes_min < 2 || nodes_min > nodes_max || nodes_max > 255) return wrong("faults want 2 to 255 nodes");
  const auto topology = topology_named(arguments.topology);
  if (!topology && !arguments.topology.empty()) return wrong("no topology is called " + arguments.topology);
  if (topology == Topology::kPair && nodes_max > 2) return wrong("a pair has 2 nodes");
  std::uint64_t failed = 0, events = 0;
  for (std::uint64_t seed = arguments.seed; seed < arguments.seed + arguments.seeds; ++seed) {
    Options options = make(seed, nodes_min, nodes_max);
    if (topology) options.topology = *topology;
    if (!leave_out(options, arguments.without)) return wrong("no fault is called " + arguments.without);
    if (arguments.verbose) std::fprintf(stderr, "%s\n", describe(options).c_str());
    const Outcome outcome = run(options);
    if (arguments.verbose || arguments.seeds == 1 || !outcome.failure.empty()) show(options, outcome);
    failed += outcome.failure.empty() ? 0 : 1;
    events += outcome.events;
  }
  std::printf("%llu seeds, %llu failed, %llu events\n", Number{arguments.seeds}, Number{failed},
              Number{events});
  return failed == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  if (argc == 2 && std::string(argv[1]) == "--help") return std::printf("%s", kUsage), 0;
  if (!parse(argc, argv, arguments)) return wrong("an option is wrong");
  const auto family = kFamilies.find(arguments.scenario);
  if (family != kFamilies.end()) return run_faults(arguments, family->second);
  if (const auto load = load_named(arguments.scenario)) return run_measured(arguments, *load);
  return wrong("no scenario is called " + arguments.scenario);
}
