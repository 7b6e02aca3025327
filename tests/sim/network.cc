// tests/sim/network.cc - a run from its first event to the verdict.
#include "tests/sim/network.h"

#include <algorithm>

namespace deltamesh::sim {
namespace {

constexpr Micros kKeepalive{2'000'000};
constexpr Micros kStep{250'000};
constexpr Micros kSettleMax{120'000'000};  // More than the keepalive needs to find every stalled connection.
constexpr Micros kSilence = 3 * kKeepalive;

// With little room anywhere else, the first node is what the others trust to keep their data.
void bound(NodeConfig& config, NodeIx ix, std::uint64_t keep_bytes) {
  config.tiers = {{"centre", {identity_of(0).node}, 1}};
  for (DatasetConfig& dataset : config.datasets) {
    if (dataset.kind != DatasetKind::kTelemetry || ix == 0) continue;
    dataset.keep_bytes = keep_bytes;
    dataset.keep_until = "centre";
  }
}

NodeConfig make_config(const Options& options, NodeIx ix) {
  NodeConfig config;
  config.keepalive = kKeepalive;
  if (options.credit > 0) {
    config.credit_bytes = static_cast<std::uint32_t>(options.credit);
    config.receive_bytes_max = 4 * options.credit;
  }
  config.merge_levels = {{8, 3}, {64, 3}};
  config.merge_delay = options.merge_delay;
  config.datasets.push_back({"telemetry"});
  if (options.datasets > 1) {
    config.datasets.push_back(
        {"alarms", DatasetKind::kTelemetry, Resolution::kMicroseconds, StreamClass::kAlarm, Scope::kBoth});
  }
  config.datasets.push_back({"settings", DatasetKind::kMap});
  if (options.keep_bytes > 0) bound(config, ix, options.keep_bytes);
  return config;
}

std::unique_ptr<SimStore> make_store(World& world, const Outfit& outfit, NodeIx ix) {
  auto store = outfit.store ? outfit.store(world, ix) : nullptr;
  if (store != nullptr) return store;
  return std::make_unique<SimMemoryStore>(std::make_unique<MemoryStore>(identity_of(ix)));
}

std::size_t gone(const EventSet& left) {
  const auto& all = left.events();
  return static_cast<std::size_t>(
      std::count_if(all.begin(), all.end(), [](const auto& item) { return item.second.readings.empty(); }));
}

Nodes make_nodes(World& world, Ledger& ledger, const Options& options, const Outfit& outfit) {
  Nodes nodes;
  for (NodeIx ix = 0; ix < options.nodes; ++ix) {
    nodes.push_back(std::make_unique<SimNode>(world, ledger, options, ix, make_config(options, ix),
                                              make_store(world, outfit, ix)));
    if (outfit.dialect) nodes.back()->speak(outfit.dialect(world, ix));
  }
  return nodes;
}

}  // namespace

Network::Network(const Options& options, const Outfit& outfit)
    : options_(options),
      world_(options.seed),
      ledger_(world_),
      nodes_(make_nodes(world_, ledger_, options_, outfit)),
      links_(world_, ledger_, options_, nodes_),
      watch_(world_, ledger_, nodes_) {
  for (auto& node : nodes_) node->at_end([this, ix = node->ix()] { end(ix); });
}

Outcome Network::run() {
  link_up();
  if (options_.plant == Plant::kLyingStore) nodes_[0]->lie_once();
  if (options_.plant == Plant::kUnremoved) nodes_[0]->remove_nothing();
  for (auto& node : nodes_) {
    node->start();
    plan_writes(node->ix());
  }
  links_.dial_all();
  plan_faults();
  if (options_.watch) watch_.begin();
  world_.run_until(options_.active);
  heal();
  settle();
  // Who waits for the time looks that seldom whether it is known.
  world_.run_until(world_.queue.now() + limits::kBootLook + kStep);
  settle();
  watch_.end();
  const bool all_keep_all = options_.keep_bytes == 0;
  if (!world_.failed() && all_keep_all) check_converged(world_, ledger_, nodes_);
  if (!world_.failed() && !all_keep_all) check_kept(world_, ledger_, nodes_);
  if (!world_.failed()) check_silence();
  if (!world_.failed()) check_refusals();
  const ForgetRules rules = ledger_.rules_left();
  return {world_.failure,
          world_.trace.number(),
          ledger_.events().events().size(),
          ledger_.acknowledged(),
          rules.size(),
          rules.empty() ? 0 : gone(ledger_.events_left(rules)),
          links_.traffic(),
          world_.failed() ? Pruned() : pruned(nodes_)};
}

void Network::link_up() {
  const NodeIx n = nodes_.size();
  switch (options_.topology) {
    case Topology::kPair:
    case Topology::kLine:
    case Topology::kRing:
      for (NodeIx i = 1; i < n; ++i) links_.add(i - 1, i);
      if (options_.topology == Topology::kRing && n > 2) links_.add(n - 1, 0);
      return;
    case Topology::kStar:
      for (NodeIx i = 1; i < n; ++i) links_.add(0, i);
      return;
    case Topology::kTree:
      for (NodeIx i = 1; i < n; ++i) links_.add(world_.rng.below(i), i);
      return;
    case Topology::kMesh:
      for (NodeIx i = 1; i < n; ++i) links_.add(world_.rng.below(i), i);
      for (NodeIx i = 2; i < n; ++i) {
        if (const NodeIx other = world_.rng.below(i - 1); world_.rng.chance(700)) links_.add(other, i);
      }
  }
}

// --- The end of a run ------------------------------------------------------------------------------------

void Network::heal() {
  links_.heal();
  for (auto& node : nodes_) {
    node->heal();
    start(node->ix());
  }
}

bool Network::quiet() const {
  const auto quiet = [](const auto& node) {
    return node->up() && node->node().quiet() && !node->node().is_forgetting();
  };
  return links_.settled() && std::all_of(nodes_.begin(), nodes_.end(), quiet);
}

// With little credit, each block of a link waits for the commit of the one before it.
Micros Network::settle_max() const {
  if (options_.credit == 0) return kSettleMax;
  const Micros commit = options_.commit_max * (options_.slow_nodes_per_mille > 0 ? kSlowness : 1);
  return kSettleMax + static_cast<Micros::rep>(ledger_.acknowledged()) * (4 * options_.delay_max + commit);
}

void Network::settle() {
  const Micros end = world_.queue.now() + settle_max();
  while (!world_.failed() && !quiet()) {
    if (world_.queue.now() > end) return world_.fail("the network does not become quiet");
    world_.run_until(world_.queue.now() + kStep);
  }
}

void Network::check_silence() {
  const Traffic before = links_.traffic();
  if (options_.plant == Plant::kEcho) links_.echo();
  world_.run_until(world_.queue.now() + kSilence);
  const Traffic after = links_.traffic();
  if (after.payload_bytes != before.payload_bytes) world_.fail("payload flows though all is equal");
  if (after.frames - before.frames != after.keepalives - before.keepalives)
    world_.fail("nodes talk without a cause");
  if (after.keepalives == before.keepalives) world_.fail("an idle link sends no keepalive");
}

// All nodes are honest and alike, so that none may find fault with another.
void Network::check_refusals() {
  for (const auto& node : nodes_) {
    const Counters& counters = node->node().counters();
    if (counters.frames_refused + counters.handshakes_refused > 0) world_.fail("an honest node was refused");
    if (counters.series_conflicts > 0) world_.fail("declarations of one series contradict each other");
  }
}

}  // namespace deltamesh::sim
