// tests/sim/fleet.cc - what is written, the moments of a run, and its figures.
#include "tests/sim/fleet.h"

#include <algorithm>
#include <ctime>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/sim/archive_store.h"
#include "tests/sim/fleet_books.h"
#include "tests/sim/fleet_links.h"
#include "tests/sim/lockstep.h"

namespace deltamesh::sim {
namespace {

constexpr Micros kStart{3'000'000};  // By then all links are made.
constexpr Micros kRest{5'000'000};   // Between the streams' first events and what is measured.
constexpr Micros kStep{50'000};
constexpr Micros kConvergenceMax{900'000'000};
constexpr std::size_t kRecentBytes = 64u << 10;
constexpr NodeIx kNodesOfThreads = 64;
const DatasetId kTelemetry = dataset_id("telemetry");
const DatasetId kSettings = dataset_id("settings");

NodeConfig config_of(const FleetOptions& options) {
  NodeConfig config;
  config.merge_levels.clear();  // A store of a fleet has no index of its own.
  config.commit_interval = options.commit_interval;
  config.recent_bytes_max = kRecentBytes;
  if (options.what == What::kTelemetry) config.datasets.push_back({"telemetry"});
  if (options.what == What::kMap) config.datasets.push_back({"settings", DatasetKind::kMap});
  return config;
}

// Sums over all nodes.
struct Sums {
  std::uint64_t received = 0, redundant = 0, payload = 0, minimum = 0;
  Traffic traffic;
};

class Fleet final : public Observer {
 public:
  explicit Fleet(const FleetOptions& options);
  FleetReport run();

  void durable(const Identity& holder, const Batch& batch) override;
  void arrived(NodeIx node, const Arrival& arrival) override;

 private:
  void sign();
  void hand_over();
  void link_up();
  void plan_first_writes();
  void plan_writes();
  void write(NodeIx node);
  void run_on(Micros time) { clock_.run_until(clock_.now() + time); }
  [[nodiscard]] Sums sums() const;
  void run_planned();
  void converge();
  [[nodiscard]] bool quiet() const;
  void check_equal();
  void fail(const std::string& what) { worlds_[0].fail(what); }
  [[nodiscard]] bool failed() const { return clock_.failed(); }
  void measure(const Sums& before);

  FleetOptions options_;
  Options sim_;
  Rng rng_;  // Of plans; each world has its own besides.
  std::deque<World> worlds_;
  std::vector<std::unique_ptr<SimNode>> nodes_;
  FleetLinks links_;
  FleetBooks books_;
  FleetReport report_;
  Lockstep clock_;
};

std::deque<World> make_worlds(const FleetOptions& fleet) {
  std::deque<World> worlds;
  for (NodeIx ix = 0; ix < fleet.nodes; ++ix)
    worlds.emplace_back(mixed(fleet.seed) + ix).queue.allow(~std::uint64_t{0});
  return worlds;
}

std::vector<std::unique_ptr<SimNode>> make_nodes(std::deque<World>& worlds, Observer& observer,
                                                 const FleetOptions& fleet, const Options& options) {
  std::vector<std::unique_ptr<SimNode>> nodes;
  const auto archive = std::make_shared<Archive>();
  for (NodeIx ix = 0; ix < fleet.nodes; ++ix) {
    nodes.push_back(std::make_unique<SimNode>(worlds[ix], observer, options, ix, config_of(fleet),
                                              std::make_unique<ArchiveStore>(identity_of(ix), archive)));
  }
  return nodes;
}

Options sim_options(const FleetOptions& fleet) {
  Options options;
  options.seed = fleet.seed;
  options.commit_max = fleet.commit;
  return options;
}

// A window of a few nodes is over before another thread has woken.
unsigned threads_of(const FleetOptions& fleet) {
  if (fleet.threads > 0) return fleet.threads;
  return fleet.nodes < kNodesOfThreads ? 1 : std::max(1u, std::thread::hardware_concurrency());
}

Fleet::Fleet(const FleetOptions& options)
    : options_(options),
      sim_(sim_options(options)),
      rng_(options.seed),
      worlds_(make_worlds(options)),
      nodes_(make_nodes(worlds_, *this, options_, sim_)),
      links_(worlds_, nodes_),
      books_(options.nodes),
      clock_(worlds_, options.delay_min, threads_of(options), [this] { hand_over(); }) {}

FleetReport Fleet::run() {
  link_up();
  for (auto& node : nodes_) node->start();
  links_.connect_all(clock_.now(), rng_);
  plan_first_writes();
  clock_.run_until(kStart + std::max(options_.active / 5, Micros(10'000'000)) + kRest);
  const Sums before = sums();
  const std::uint64_t writes_before = books_.writes();
  const std::clock_t began = std::clock();
  plan_writes();
  run_planned();
  converge();
  report_.cpu_seconds = static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC;
  report_.writes = books_.writes() - writes_before;
  measure(before);
  check_equal();
  sign();
  return report_;
}

void Fleet::sign() {
  Trace all;
  for (const World& world : worlds_) {
    report_.events += world.queue.ran();
    all.fold(world.trace.number());
  }
  report_.trace = all.number();
}

void Fleet::hand_over() {
  links_.hand_over();
  books_.hand_over();
}

void Fleet::link_up() {
  const std::vector<Edge> edges = edges_of(options_, rng_);
  for (const auto& [a, b] : edges) {
    const Micros delay = rng_.between(options_.delay_min, options_.delay_max);
    links_.add(a, b, delay, delay / 20);
  }
  report_.links = edges.size();
  report_.nodes = options_.nodes;
}

// --- Writes ----------------------------------------------------------------------------------------------

// Two events of each stream, spread over a fifth of the run.
void Fleet::plan_first_writes() {
  const Micros spread = std::max(options_.active / 5, Micros(10'000'000)) / kFirstEvents;
  for (Seq round = 0; round < kFirstEvents; ++round) {
    for (NodeIx node = 0; node < options_.nodes; ++node) {
      const Micros when = kStart + spread * static_cast<Micros::rep>(round) + rng_.between(Micros(0), spread);
      worlds_[node].queue.at(when, [this, node] { write(node); });
    }
  }
}

void Fleet::plan_writes() {
  const Micros now = clock_.now();
  if (options_.load == Load::kBurst) {
    for (NodeIx node = 0; node < options_.nodes; ++node) {
      worlds_[node].queue.at(now, [this, node] {
        for (std::uint64_t i = 0; i < options_.burst_events; ++i) write(node);
      });
    }
    return;
  }
  const Micros active =
      options_.active + (options_.load == Load::kPartition ? options_.partition : Micros(0));
  const Micros pause(static_cast<Micros::rep>(1e6 / options_.writes_per_second));
  for (Micros when = now; when < now + active; when += pause) {
    const NodeIx node = rng_.below(options_.nodes);
    worlds_[node].queue.at(when, [this, node] { write(node); });
  }
}

void Fleet::write(NodeIx ix) {
  const Micros now = worlds_[ix].queue.now();
  const Seq seq = books_.write(ix, now);
  if (options_.what == What::kMap) {
    const std::string name = "device-" + std::to_string(ix) + "/setting-" + std::to_string(seq % 4);
    return nodes_[ix]->put(kSettings, name, "value " + std::to_string(seq));
  }
  NamedEvent event;
  event.time = now.count() / 1000;
  const double value = 20 + static_cast<double>(worlds_[ix].rng.below(200)) / 100;
  event.readings = {{"device-" + std::to_string(ix) + "/temperature", "Cel", value}};
  nodes_[ix]->write(kTelemetry, {event});
}

// --- Books -----------------------------------------------------------------------------------------------

void Fleet::durable(const Identity& holder, const Batch& batch) {
  std::uint64_t bytes = 0;
  for (const auto& block : batch.blocks) {
    if (block.stream.node == holder.node) bytes += block.bytes->size();
  }
  for (const auto& [dataset, entry] : batch.entries) {
    if (entry.version.dot.stream.node == holder.node) bytes += map_entry_bytes(entry);
  }
  books_.durable(node_of(holder.node), bytes);
}

void Fleet::arrived(NodeIx node, const Arrival& arrival) {
  if (arrival.local) return;
  const Micros now = worlds_[node].queue.now();
  if (arrival.dots) {
    for (Seq seq = arrival.dots->first; seq <= arrival.dots->last; ++seq)
      books_.arrived(node, node_of(arrival.stream.node), seq, now);
  }
  for (const auto& key : arrival.keys) {
    const Dot& dot = nodes_[node]->node().map(arrival.dataset)->find_entry(key)->version.dot;
    books_.arrived(node, node_of(dot.stream.node), dot.seq, now);
  }
}

Sums Fleet::sums() const {
  Sums all;
  for (const auto& node : nodes_) {
    const Counters& counters = node->node().counters();
    all.received += counters.events_received + counters.map_entries_received;
    all.redundant += counters.redundant_events;
    all.payload += counters.payload_bytes_sent;
  }
  all.traffic = links_.traffic();
  all.minimum = books_.minimum_bytes();
  return all;
}

// --- The end ---------------------------------------------------------------------------------------------

// The upper half of the nodes may be cut off, in mid-flight, and comes back.
void Fleet::run_planned() {
  if (options_.load == Load::kBurst) return;
  if (options_.load == Load::kSteady) return run_on(options_.active);
  run_on(options_.active / 4);
  links_.part(options_.nodes / 2, clock_.now(), rng_);
  run_on(options_.partition);
  links_.connect_all(clock_.now(), rng_);
  run_on(options_.active - options_.active / 4);
}

// A superseded entry of a map need not arrive anywhere.
void Fleet::converge() {
  const Micros end = clock_.now() + kConvergenceMax;
  while (!failed() && (options_.what == What::kTelemetry ? books_.missing() > 0 : !quiet())) {
    if (clock_.now() > end) return fail(std::to_string(books_.missing()) + " deliveries are missing");
    run_on(kStep);
  }
  run_on(kRest);
}

bool Fleet::quiet() const {
  return links_.under_way() == 0 &&
         std::all_of(nodes_.begin(), nodes_.end(), [](const auto& node) { return node->node().quiet(); });
}

void Fleet::check_equal() {
  for (const auto& node : nodes_) {
    if (!(node->node().knowledge() == nodes_[0]->node().knowledge())) fail("two nodes know different things");
    if (options_.what == What::kMap &&
        node->node().map(kSettings)->entries() != nodes_[0]->node().map(kSettings)->entries())
      fail("two nodes have different maps");
  }
  const std::uint64_t before = links_.traffic().frame_bytes;
  run_on(limits::kKeepalive);
  report_.idle_bytes = links_.traffic().frame_bytes - before;
  for (const World& world : worlds_) {
    if (report_.failure.empty()) report_.failure = world.failure;
  }
}

void Fleet::measure(const Sums& before) {
  const Sums after = sums();
  report_.deliveries = after.received - before.received;
  report_.redundant = after.redundant - before.redundant;
  report_.payload_bytes = after.payload - before.payload;
  report_.minimum_bytes = after.minimum - before.minimum;
  report_.frame_bytes = after.traffic.frame_bytes - before.traffic.frame_bytes;
  report_.frames = after.traffic.frames - before.traffic.frames;
  report_.deltas = after.traffic.deltas - before.traffic.deltas;
  report_.first = books_.first();
  report_.later = books_.later();
  report_.last_write = books_.last_write();
  report_.converged = books_.last_arrival();
}

}  // namespace

std::vector<Edge> edges_of(const FleetOptions& options, Rng& rng) {
  switch (options.shape) {
    case Shape::kStar: return star(options.nodes);
    case Shape::kTree: return tree(options.nodes, std::min(options.gateways, options.nodes - 1));
    case Shape::kRing: return ring(options.nodes);
    case Shape::kMesh: return mesh(options.nodes, options.degree, rng);
  }
  return {};
}

FleetReport run_fleet(const FleetOptions& options) {
  return Fleet(options).run();
}

}  // namespace deltamesh::sim
