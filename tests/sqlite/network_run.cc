// tests/sqlite/network_run.cc - the network, and the store after it.
#include "tests/sqlite/network_run.h"

namespace deltamesh {
namespace {

constexpr sim::NodeIx kOnDisk = 1;

}  // namespace

sim::Options short_run() {
  sim::Options options;
  options.seed = 4;
  options.nodes = 3;
  options.topology = sim::Topology::kLine;
  options.active = sim::Micros(5'000'000);  // So long that a node that was restarted writes again.
  options.write_pause_max = sim::Micros(700'000);
  options.burst_per_mille = 60;
  options.delay_max = sim::Micros(8'000);
  options.commit_max = sim::Micros(20'000);
  return options;
}

DiskRun run_on_disk(const sim::Options& options, const DiskPlan& plan) {
  NetworkStore* store = nullptr;
  sim::World* world = nullptr;
  sim::Outfit outfit;
  outfit.store = [&](sim::World& of, sim::NodeIx ix) -> std::unique_ptr<sim::SimStore> {
    if (ix != kOnDisk) return nullptr;
    auto made = std::make_unique<NetworkStore>(of, plan);
    world = &of;
    store = made.get();
    return made;
  };
  // The store compares its contents at each opening, and what a disk shows while it fails is not to be looked
  // at.
  sim::Options unwatched = options;
  unwatched.watch = false;
  sim::Network network(unwatched, outfit);
  const sim::Outcome outcome = network.run();
  store->finish();
  return {world->failure, store->tally(), outcome.trace, outcome.events, outcome.acknowledged};
}

}  // namespace deltamesh
