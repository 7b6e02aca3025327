// tests/sim/fleet.cc - writes, the network, and the books.
#include "tests/sim/fleet.h"

#include <algorithm>
#include <ctime>
#include <string>

#include "tests/sim/archive_store.h"

namespace deltamesh::sim {
namespace {

constexpr Micros kStart{3'000'000};  // By then all links are made.
constexpr Micros kRest{5'000'000};   // Between the streams' first events and what is measured.
constexpr Micros kStep{50'000};
constexpr Micros kConvergenceMax{900'000'000};
constexpr std::size_t kRecentBytes = 64u << 10;
constexpr std::uint64_t kFirstEvents = 2;
const DatasetId kTelemetry = dataset_id("telemetry");
const DatasetId kSettings = dataset_id("settings");

NodeConfig config_of(const FleetOptions& options) {
  NodeConfig config;
  config.commit_interval = options.commit_interval;
  config.recent_bytes_max = kRecentBytes;
  if (options.what == What::kTelemetry) config.datasets.push_back({"telemetry"});
  if (options.what == What::kMap) config.datasets.push_back({"settings", DatasetKind::kMap});
  return config;
}

Delays delays_of(std::vector<std::uint32_t>& all) {
  if (all.empty()) return {};
  std::sort(all.begin(), all.end());
  const auto at = [&](std::size_t per_cent) { return Micros(all[(all.size() - 1) * per_cent / 100]); };
  return {all.size(), at(50), at(99), Micros(all.back())};
}

// Sums over all nodes.
struct Sums {
  std::uint64_t received = 0, redundant = 0, payload = 0, frame_bytes = 0, frames = 0, deltas = 0,
                minimum = 0;
};

class Fleet final : public Observer {
 public:
  explicit Fleet(const FleetOptions& options);
  FleetReport run();

  void durable(const NodeId& writer, const Batch& batch) override;
  void arrived(NodeIx node, const Arrival& arrival) override;

 private:
  void link_up();
  void plan_first_writes();
  void plan_writes();
  void plan_partition();
  void write(NodeIx node);
  void arrived(NodeIx node, NodeIx writer, Seq seq);
  [[nodiscard]] Sums sums() const;
  void converge();
  void check_equal();
  void measure(const Sums& before);

  FleetOptions options_;
  Options sim_;
  World world_;
  std::vector<std::unique_ptr<SimNode>> nodes_;
  Links links_;
  FleetReport report_;
  std::vector<std::vector<Micros>> written_;  // By node and number of the event.
  std::vector<std::uint32_t> first_, later_;  // Delays in microseconds.
  std::uint64_t missing_ = 0;                 // Deliveries that are still to come.
  std::uint64_t minimum_ = 0;
};

std::vector<std::unique_ptr<SimNode>> make_nodes(World& world, Observer& observer, const FleetOptions& fleet,
                                                 const Options& options) {
  std::vector<std::unique_ptr<SimNode>> nodes;
  const auto archive = std::make_shared<Archive>();
  for (NodeIx ix = 0; ix < fleet.nodes; ++ix) {
    nodes.push_back(std::make_unique<SimNode>(world, observer, options, ix, config_of(fleet),
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

Fleet::Fleet(const FleetOptions& options)
    : options_(options),
      sim_(sim_options(options)),
      world_(options.seed),
      nodes_(make_nodes(world_, *this, options_, sim_)),
      links_(world_, nullptr, sim_, nodes_),
      written_(options.nodes) {
  world_.queue.allow(~std::uint64_t{0});
}

FleetReport Fleet::run() {
  link_up();
  for (auto& node : nodes_) node->start();
  links_.dial_all();
  plan_first_writes();
  world_.run_until(kStart + std::max(options_.active / 5, Micros(10'000'000)) + kRest);
  const Sums before = sums();
  const std::uint64_t writes_before = report_.writes;
  const std::clock_t began = std::clock();
  plan_writes();
  converge();
  report_.cpu_seconds = static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC;
  report_.writes -= writes_before;
  measure(before);
  check_equal();
  report_.events = world_.queue.ran();
  return report_;
}

void Fleet::link_up() {
  std::vector<Edge> edges;
  switch (options_.shape) {
    case Shape::kStar: edges = star(options_.nodes); break;
    case Shape::kTree: edges = tree(options_.nodes, std::min(options_.gateways, options_.nodes - 1)); break;
    case Shape::kRing: edges = ring(options_.nodes); break;
    case Shape::kMesh: edges = mesh(options_.nodes, options_.degree, world_.rng); break;
  }
  for (const auto& [a, b] : edges) {
    const Micros delay = world_.rng.between(options_.delay_min, options_.delay_max);
    links_.add(a, b, delay, delay / 20);
  }
  report_.links = edges.size();
  report_.nodes = options_.nodes;
}

// --- Writes ----------------------------------------------------------------------------------------------

// Two events of each stream, spread over a fifth of the run.
void Fleet::plan_first_writes() {
  const Micros spread = std::max(options_.active / 5, Micros(10'000'000)) / kFirstEvents;
  for (std::uint64_t round = 0; round < kFirstEvents; ++round) {
    for (NodeIx node = 0; node < options_.nodes; ++node) {
      const Micros when =
          kStart + spread * static_cast<Micros::rep>(round) + world_.rng.between(Micros(0), spread);
      world_.queue.at(when, [this, node] { write(node); });
    }
  }
}

void Fleet::plan_writes() {
  const Micros now = world_.queue.now();
  if (options_.load == Load::kBurst) {
    for (NodeIx node = 0; node < options_.nodes; ++node) {
      for (std::uint64_t i = 0; i < options_.burst_events; ++i) write(node);
    }
    return;
  }
  if (options_.load == Load::kPartition) plan_partition();
  const Micros active =
      options_.active + (options_.load == Load::kPartition ? options_.partition : Micros(0));
  const Micros pause(static_cast<Micros::rep>(1e6 / options_.writes_per_second));
  for (Micros when = now; when < now + active; when += pause) {
    const NodeIx node = world_.rng.below(options_.nodes);
    world_.queue.at(when, [this, node] { write(node); });
  }
}

// The upper half of the nodes is cut off, in mid-flight, and comes back.
void Fleet::plan_partition() {
  const Micros begin = world_.queue.now() + options_.active / 4;
  const NodeIx half = options_.nodes / 2;
  world_.queue.at(begin, [this, half] { links_.part(half); });
  world_.queue.at(begin + options_.partition, [this] { links_.heal(); });
}

void Fleet::write(NodeIx ix) {
  const Micros now = world_.queue.now();
  ++report_.writes;
  report_.last_write = now;
  missing_ += options_.nodes - 1;
  auto& times = written_[ix];
  times.push_back(now);
  if (options_.what == What::kMap) {
    const std::string name = "device-" + std::to_string(ix) + "/setting-" + std::to_string(times.size() % 4);
    return nodes_[ix]->put(kSettings, name, "value " + std::to_string(times.size()));
  }
  NamedEvent event;
  event.time = now.count() / 1000;
  const double value = 20 + static_cast<double>(world_.rng.below(200)) / 100;
  event.readings = {{"device-" + std::to_string(ix) + "/temperature", "Cel", value}};
  nodes_[ix]->write(kTelemetry, {event});
}

// --- Books -----------------------------------------------------------------------------------------------

void Fleet::durable(const NodeId& writer, const Batch& batch) {
  std::uint64_t bytes = 0;
  for (const auto& block : batch.blocks) {
    if (block.stream.node == writer) bytes += block.bytes->size();
  }
  for (const auto& [dataset, entry] : batch.entries) {
    if (entry.version.dot.stream.node == writer) bytes += entry.key.size() + entry.value.size();
  }
  minimum_ += bytes * (options_.nodes - 1);
}

void Fleet::arrived(NodeIx node, const Arrival& arrival) {
  if (arrival.local) return;
  if (arrival.dots) {
    for (Seq seq = arrival.dots->first; seq <= arrival.dots->last; ++seq)
      arrived(node, node_of(arrival.stream.node), seq);
  }
  for (const auto& key : arrival.keys) {
    const Dot& dot = nodes_[node]->node().map(arrival.dataset)->find_entry(key)->version.dot;
    arrived(node, node_of(dot.stream.node), dot.seq);
  }
}

void Fleet::arrived(NodeIx, NodeIx writer, Seq seq) {
  const Micros delay = world_.queue.now() - written_[writer][seq - 1];
  (seq <= kFirstEvents ? first_ : later_).push_back(static_cast<std::uint32_t>(delay.count()));
  report_.converged = world_.queue.now();
  --missing_;
}

Sums Fleet::sums() const {
  Sums all;
  for (const auto& node : nodes_) {
    const Counters& counters = node->node().counters();
    all.received += counters.events_received + counters.map_entries_received;
    all.redundant += counters.redundant_events;
    all.payload += counters.payload_bytes_sent;
  }
  const Traffic& traffic = links_.traffic();
  all.frame_bytes = traffic.frame_bytes;
  all.frames = traffic.frames;
  all.deltas = traffic.deltas;
  all.minimum = minimum_;
  return all;
}

// --- The end ---------------------------------------------------------------------------------------------

// A superseded entry of a map need not arrive anywhere.
void Fleet::converge() {
  const auto quiet = [this] {
    return links_.settled() &&
           std::all_of(nodes_.begin(), nodes_.end(), [](const auto& node) { return node->node().quiet(); });
  };
  const Micros active = options_.load == Load::kBurst ? Micros(0) : options_.active;
  const Micros cut = options_.load == Load::kPartition ? options_.partition : Micros(0);
  world_.run_until(world_.queue.now() + active + cut);
  const Micros end = world_.queue.now() + kConvergenceMax;
  while (!world_.failed() && (options_.what == What::kTelemetry ? missing_ > 0 : !quiet())) {
    if (world_.queue.now() > end) return world_.fail(std::to_string(missing_) + " deliveries are missing");
    world_.run_until(world_.queue.now() + kStep);
  }
  world_.run_until(world_.queue.now() + kRest);
}

void Fleet::check_equal() {
  for (const auto& node : nodes_) {
    if (!(node->node().knowledge() == nodes_[0]->node().knowledge()))
      world_.fail("two nodes know different things");
    if (options_.what == What::kMap &&
        node->node().map(kSettings)->entries() != nodes_[0]->node().map(kSettings)->entries())
      world_.fail("two nodes have different maps");
  }
  const std::uint64_t before = links_.traffic().frame_bytes;
  world_.run_until(world_.queue.now() + limits::kKeepalive);
  report_.idle_bytes = links_.traffic().frame_bytes - before;
  report_.failure = world_.failure;
}

void Fleet::measure(const Sums& before) {
  const Sums after = sums();
  report_.deliveries = after.received - before.received;
  report_.redundant = after.redundant - before.redundant;
  report_.payload_bytes = after.payload - before.payload;
  report_.minimum_bytes = after.minimum - before.minimum;
  report_.frame_bytes = after.frame_bytes - before.frame_bytes;
  report_.frames = after.frames - before.frames;
  report_.deltas = after.deltas - before.deltas;
  report_.first = delays_of(first_);
  report_.later = delays_of(later_);
}

}  // namespace

FleetReport run_fleet(const FleetOptions& options) {
  return Fleet(options).run();
}

}  // namespace deltamesh::sim
