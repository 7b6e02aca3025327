// tests/sim/options.cc - options drawn from a seed, and shown.
#include "tests/sim/options.h"

#include <algorithm>
#include <array>

namespace deltamesh::sim {
namespace {

constexpr std::array kNames{"pair", "line", "star", "ring", "tree", "mesh"};

std::string name(Topology topology) {
  return kNames[static_cast<std::size_t>(topology)];
}

// Half of the runs go without a given fault, so that faults are seen alone and together.
std::uint64_t rate(Rng& rng, std::uint64_t per_mille_max) {
  return rng.chance(500) ? 0 : rng.between(std::uint64_t{1}, per_mille_max);
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
  return out;
}

std::optional<Topology> topology_named(std::string_view name) {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<Topology>(found - kNames.begin());
}

std::string describe(const Options& o) {
  const auto number = [](const char* what, std::uint64_t value) {
    return ", " + std::string(what) + " " + std::to_string(value);
  };
  const auto time = [&](const char* what, Micros value) {
    return number(what, static_cast<std::uint64_t>(value.count())) + " us";
  };
  return "seed " + std::to_string(o.seed) + number("nodes", o.nodes) + ", topology " + name(o.topology) +
         number("datasets", o.datasets) + time("active", o.active) + time("write pause", o.write_pause_max) +
         number("bursts", o.burst_per_mille) + time("delay", o.delay_max) + time("commit", o.commit_max) +
         number("failures", o.failures_per_mille) + number("cuts", o.cuts_per_mille) +
         number("stalls", o.stalls_per_mille) + number("crashes", o.crashes_per_mille) +
         number("clock jumps", o.clock_jumps_per_mille) + number("wrong clocks", o.wrong_clocks ? 1 : 0) +
         number("credit", o.credit) + number("plant", static_cast<std::uint64_t>(o.plant));
}

}  // namespace deltamesh::sim
