// tests/sim/options.cc - options drawn from a seed, and shown.
#include "tests/sim/options.h"

#include <algorithm>
#include <array>
#include <sstream>

namespace deltamesh::sim {
namespace {

constexpr std::array kNames{"pair", "line", "star", "ring", "tree", "mesh"};

struct Fault {
  std::string_view name;
  std::uint64_t Options::*how_much;  // 0: not in this run.
};

constexpr std::array<Fault, 15> kFaults{{{"bursts", &Options::burst_per_mille},
                                         {"failures", &Options::failures_per_mille},
                                         {"cuts", &Options::cuts_per_mille},
                                         {"stalls", &Options::stalls_per_mille},
                                         {"crashes", &Options::crashes_per_mille},
                                         {"clock-jumps", &Options::clock_jumps_per_mille},
                                         {"credit", &Options::credit},
                                         {"bytes/s", &Options::bytes_per_second},
                                         {"divisions", &Options::divisions_per_mille},
                                         {"swizzles", &Options::swizzles_per_mille},
                                         {"flaps", &Options::flaps_per_mille},
                                         {"slow-nodes", &Options::slow_nodes_per_mille},
                                         {"restores", &Options::restores_per_mille},
                                         {"drifts", &Options::drifts_per_mille},
                                         {"lost-times", &Options::lost_times_per_mille}}};

std::string name(Topology topology) {
  return kNames[static_cast<std::size_t>(topology)];
}

// Slower links need more time for what was written than a run waits for it.
constexpr std::uint64_t kRateMin = 100'000;

// Half of the runs go without a given fault, so that faults are seen alone and together.
std::uint64_t rate(Rng& rng, std::uint64_t per_mille_max) {
  return rng.chance(500) ? 0 : rng.between(std::uint64_t{1}, per_mille_max);
}

bool leave_one_out(Options& options, std::string_view fault) {
  if (fault == "wrong-clocks") return options.wrong_clocks = false, true;
  if (fault == "torn") return options.torn = false, true;
  const auto found =
      std::find_if(kFaults.begin(), kFaults.end(), [&](const auto& known) { return known.name == fault; });
  if (found == kFaults.end()) return false;
  options.*(found->how_much) = 0;
  return true;
}

}  // namespace

Options options_for(std::uint64_t seed, std::uint64_t nodes_min, std::uint64_t nodes_max) {
  Rng rng(mixed(seed));
  Options out;
  out.seed = seed;
  out.nodes = rng.between(nodes_min, nodes_max);
  const auto first = static_cast<std::uint64_t>(Topology::kLine);
  out.topology =
      out.nodes == 2 ? Topology::kPair : static_cast<Topology>(rng.between(first, kTopologies - 1));
  out.datasets = rng.between(std::uint64_t{1}, std::uint64_t{2});
  out.active = rng.between(Micros(2'000'000), Micros(8'000'000));
  out.write_pause_max = rng.between(Micros(100'000), Micros(1'500'000));
  out.burst_per_mille = rate(rng, 40);
  out.delay_max = rng.between(Micros(100), Micros(80'000));
  out.commit_max = rng.between(Micros(0), Micros(120'000));
  out.failures_per_mille = rate(rng, 100);
  out.cuts_per_mille = rate(rng, 800);
  out.stalls_per_mille = rate(rng, 300);
  out.crashes_per_mille = rate(rng, 500);
  out.clock_jumps_per_mille = rate(rng, 300);
  out.wrong_clocks = rng.chance(500);
  out.credit = rate(rng, 100'000);
  // Whatever is added stands below what was there, so that old seeds keep their options.
  out.torn = rng.chance(500);
  if (rng.chance(500)) out.bytes_per_second = kRateMin << rng.below(6);
  out.divisions_per_mille = rate(rng, 200);
  out.swizzles_per_mille = rate(rng, 200);
  out.flaps_per_mille = rate(rng, 150);
  out.slow_nodes_per_mille = rate(rng, 400);
  out.restores_per_mille = rate(rng, 300);
  out.drifts_per_mille = rate(rng, 400);
  out.lost_times_per_mille = rate(rng, 400);
  out.merge_delay = rng.between(Micros(0), Micros(2'000'000));
  return out;
}

Options options_with_little_room(std::uint64_t seed, std::uint64_t nodes_min, std::uint64_t nodes_max) {
  Options out = options_for(seed, nodes_min, nodes_max);
  out.topology = out.nodes == 2 ? Topology::kPair : Topology::kStar;
  out.restores_per_mille = 0;  // Who forgets what it gave up takes it again.
  Rng rng(mixed(seed ^ 0x9e3779b97f4a7c15));
  out.keep_bytes = rng.between(std::uint64_t{2'000}, std::uint64_t{40'000});
  return out;
}

Options options_with_rules(std::uint64_t seed, std::uint64_t nodes_min, std::uint64_t nodes_max) {
  Options out = options_for(seed, nodes_min, nodes_max);
  Rng rng(mixed(seed ^ 0xbf58476d1ce4e5b9));
  out.rules_per_mille = rng.between(std::uint64_t{10}, std::uint64_t{150});
  return out;
}

std::optional<Topology> topology_named(std::string_view name) {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<Topology>(found - kNames.begin());
}

bool leave_out(Options& options, const std::string& faults) {
  std::istringstream names(faults);
  for (std::string fault; std::getline(names, fault, ',');) {
    if (!leave_one_out(options, fault)) return false;
  }
  return true;
}

std::string describe(const Options& o) {
  std::string text = "seed " + std::to_string(o.seed);
  const auto add = [&](std::string_view what, std::uint64_t value, const char* unit = "") {
    text += ", " + std::string(what) + " " + std::to_string(value) + unit;
  };
  const auto add_time = [&](std::string_view what, Micros value) {
    add(what, static_cast<std::uint64_t>(value.count()), " us");
  };
  add("nodes", o.nodes);
  text += ", topology " + name(o.topology);
  add("datasets", o.datasets);
  add_time("active", o.active);
  add_time("write pause", o.write_pause_max);
  add_time("delay", o.delay_max);
  add_time("commit", o.commit_max);
  add_time("merge delay", o.merge_delay);
  for (const auto& [what, how_much] : kFaults) add(what, o.*how_much);
  add("wrong-clocks", o.wrong_clocks ? 1 : 0);
  add("torn", o.torn ? 1 : 0);
  add("plant", static_cast<std::uint64_t>(o.plant));
  if (o.keep_bytes > 0) add("keeps", o.keep_bytes, " bytes");
  if (o.rules_per_mille > 0) add("rules", o.rules_per_mille);
  return text;
}

}  // namespace deltamesh::sim
