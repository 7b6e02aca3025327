// tests/sim/campaign_test.cc - many seeds with all faults, and every seed that ever failed.
#include <catch2/catch.hpp>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "tests/sim/network.h"
#include "tests/sim/sanitized.h"

namespace deltamesh::sim {
namespace {

constexpr std::uint64_t kSeeds = kSanitized ? 40 : 150;
constexpr std::chrono::seconds kFreshFor{60};

void must_hold(const Options& options) {
  INFO(describe(options));
  const Outcome outcome = run(options);
  REQUIRE(outcome.failure == "");
}

// Other seeds each day, so that tests find what no test has found; the variable repeats those of another day.
std::uint64_t fresh_seed() {
  if (const char* const given = std::getenv("DELTAMESH_SIM_SEED")) return std::strtoull(given, nullptr, 10);
  const auto hours =
      std::chrono::duration_cast<std::chrono::hours>(std::chrono::system_clock::now().time_since_epoch());
  return static_cast<std::uint64_t>(hours.count()) / 24 * 1'000'000;
}

}  // namespace

TEST_CASE("networks of 3 to 12 nodes survive every mix of faults", "[sim]") {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) must_hold(options_for(seed, 3, 12));
}

// As many as there is time for: a faster machine looks further.
TEST_CASE("networks that no test has run before survive them too", "[sim]") {
  const auto begin = std::chrono::steady_clock::now();
  std::uint64_t seed = fresh_seed();
  do {
    INFO("run with DELTAMESH_SIM_SEED="
         << seed << ", or simulate --scenario faults --nodes-min 5 --nodes-max 30 --seed " << seed);
    must_hold(options_for(seed++, 5, 30));
  } while (std::chrono::steady_clock::now() - begin < kFreshFor);
}

TEST_CASE("a network of 30 nodes survives every fault at once", "[sim]") {
  Options options = options_for(30, 30, 30);
  options.topology = Topology::kMesh;
  options.cuts_per_mille = 500;
  options.stalls_per_mille = 100;
  options.crashes_per_mille = 300;
  options.failures_per_mille = 20;
  must_hold(options);
}

TEST_CASE("seeds that once failed hold", "[sim]") {
  std::ifstream file(DELTAMESH_SOURCE_DIR "/tests/regressions/seeds.txt");
  REQUIRE(file.good());
  std::string line;
  while (std::getline(file, line)) {
    std::istringstream words(line);
    std::uint64_t seed = 0, nodes_min = 0, nodes_max = 0;
    std::string without;
    if (!(words >> seed >> nodes_min >> nodes_max >> without)) continue;
    Options options = options_for(seed, nodes_min, nodes_max);
    if (without != "-") REQUIRE(leave_out(options, without));
    must_hold(options);
  }
}

}  // namespace deltamesh::sim
