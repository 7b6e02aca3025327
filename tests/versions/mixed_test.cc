// tests/versions/mixed_test.cc - networks in which half of the nodes are of the next version.
#include <catch2/catch.hpp>

#include "tests/sim/network.h"
#include "tests/sim/sanitized.h"
#include "tests/versions/next_codec.h"

namespace deltamesh::versions {
namespace {

constexpr std::uint64_t kSeeds = sim::kSanitized ? 20 : 100;

// Every second node, but for the first of odd seeds, so that each version is met in each place.
sim::Outfit half_next(std::uint64_t seed, Spoken spoken = {}) {
  sim::Outfit outfit;
  outfit.dialect = [seed, spoken](sim::World& world, sim::NodeIx ix) -> std::unique_ptr<sim::Dialect> {
    if ((ix + seed) % 2 == 0) return nullptr;
    return std::make_unique<NextDialect>(world, seed * 1000 + ix, spoken);
  };
  return outfit;
}

sim::Outcome run_mixed(const sim::Options& options, Spoken spoken = {}) {
  return sim::Network(options, half_next(options.seed, spoken)).run();
}

}  // namespace

TEST_CASE("nodes of two versions converge under every mix of faults", "[versions]") {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const sim::Options options = sim::options_for(seed, 2, 8);
    INFO(describe(options));
    REQUIRE(run_mixed(options, {.longer_data = options.credit == 0}).failure == "");
  }
}

TEST_CASE("a network of two versions in which one does not speak the other's is found out", "[versions]") {
  sim::Options options;
  options.seed = 3;
  CHECK(run_mixed(options, {.min = 1}).failure != "");
}

}  // namespace deltamesh::versions
