// benchmarks/real_fleet.cc - starts sync-nodes, writes, reads their counters.
#include "benchmarks/real_fleet.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <thread>

#include "engine/limits.h"
#include "tests/scenarios/node_process.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait.h"

namespace deltamesh::bench {
namespace {

using Clock = std::chrono::steady_clock;
using sim::Micros;
using sim::NodeIx;
using testing::NodeProcess;

constexpr std::chrono::seconds kRest{5};  // Acknowledgements come later than what they acknowledge.

Micros since(Clock::time_point begin) {
  return std::chrono::duration_cast<Micros>(Clock::now() - begin);
}

class RealFleet {
 public:
  explicit RealFleet(const sim::FleetOptions& options);
  sim::FleetReport run();

 private:
  struct Sums {
    std::uint64_t received = 0, redundant = 0, payload = 0, payload_of_outer = 0, frame_bytes = 0;
  };

  void start();
  void write(NodeIx node);
  void write_first_events();
  void write_steadily();
  void wait_for_all();
  [[nodiscard]] Sums sums() const;
  void count(const Sums& before, const Sums& after);
  void measure_idle();

  sim::FleetOptions options_;
  sim::Rng rng_;
  testing::TempDir dir_;
  std::vector<std::unique_ptr<NodeProcess>> nodes_;
  std::vector<std::uint64_t> written_;  // By node.
  Clock::time_point begin_ = Clock::now();
  std::uint64_t writes_ = 0, writes_of_outer_ = 0;
  sim::FleetReport report_;
};

RealFleet::RealFleet(const sim::FleetOptions& options)
    : options_(options), rng_(options.seed), written_(options.nodes) {
  testing::NodeOptions settings;
  settings.commit_interval = std::to_string(options.commit_interval.count()) + "us";
  const auto edges = edges_of(options, rng_);
  for (NodeIx ix = 0; ix < options.nodes; ++ix) {
    settings.peers.clear();
    for (const auto& [a, b] : edges) {
      if (std::max(a, b) == ix) settings.peers.push_back(nodes_[std::min(a, b)]->tcp());
    }
    nodes_.push_back(std::make_unique<NodeProcess>(dir_.path(), "node-" + std::to_string(ix), settings));
  }
  report_.nodes = options.nodes;
  report_.links = edges.size();
}

sim::FleetReport RealFleet::run() {
  start();
  write_first_events();
  const Sums before = sums();
  writes_ = writes_of_outer_ = 0;
  write_steadily();
  report_.last_write = since(begin_);
  wait_for_all();
  report_.converged = since(begin_);
  std::this_thread::sleep_for(kRest);
  count(before, sums());
  measure_idle();
  for (auto& node : nodes_) node->stop();
  return report_;
}

void RealFleet::start() {
  for (auto& node : nodes_) node->start();
  const auto linked = [this] {
    std::size_t ends = 0;
    for (const auto& node : nodes_) ends += node->live_sessions();
    return ends == 2 * report_.links;
  };
  if (!testing::wait_until(linked)) throw std::runtime_error("the fleet does not get its links");
}

// Times count from the beginning, as the simulator's do: the time since 1970 would take more bytes.
void RealFleet::write(NodeIx ix) {
  const std::string series = "device-" + std::to_string(ix) + "/temperature";
  const double value = 20 + static_cast<double>(rng_.below(200)) / 100;
  if (nodes_[ix]->append(since(begin_).count() / 1000, series, value) != 200)
    throw std::runtime_error("node " + std::to_string(ix) + " does not take an event");
  ++written_[ix];
  ++writes_;
  writes_of_outer_ += ix == 0 ? 0 : 1;
}

void RealFleet::write_first_events() {
  for (int round = 0; round < 2; ++round) {
    for (NodeIx ix = 0; ix < nodes_.size(); ++ix) write(ix);
  }
  wait_for_all();
  std::this_thread::sleep_for(kRest);
}

void RealFleet::write_steadily() {
  const auto begin = Clock::now();
  const auto pause = Micros(static_cast<Micros::rep>(1e6 / options_.writes_per_second));
  for (Micros when{0}; when < options_.active; when += pause) {
    std::this_thread::sleep_until(begin + when);
    write(rng_.below(nodes_.size()));
  }
}

void RealFleet::wait_for_all() {
  std::uint64_t all = 0;
  for (const std::uint64_t own : written_) all += own;
  for (NodeIx ix = 0; ix < nodes_.size(); ++ix) {
    const auto holds_all = [&] { return nodes_[ix]->counter("events_received") == all - written_[ix]; };
    if (!testing::wait_until(holds_all)) throw std::runtime_error("not every node gets every event");
  }
}

RealFleet::Sums RealFleet::sums() const {
  Sums sums;
  for (const auto& node : nodes_) {
    sums.received += node->counter("events_received");
    sums.redundant += node->counter("redundant_events");
    sums.frame_bytes += node->counter("frame_bytes_sent");
    const std::uint64_t payload = node->counter("payload_bytes_sent");
    sums.payload += payload;
    if (node != nodes_.front()) sums.payload_of_outer += payload;
  }
  return sums;
}

void RealFleet::count(const Sums& before, const Sums& after) {
  report_.writes = writes_;
  report_.deliveries = after.received - before.received;
  report_.redundant = after.redundant - before.redundant;
  report_.payload_bytes = after.payload - before.payload;
  report_.frame_bytes = after.frame_bytes - before.frame_bytes;
  if (options_.shape != sim::Shape::kStar) return;
  const double event_bytes = static_cast<double>(after.payload_of_outer - before.payload_of_outer) /
                             static_cast<double>(writes_of_outer_);
  report_.minimum_bytes =
      static_cast<std::uint64_t>(event_bytes * static_cast<double>(writes_ * (nodes_.size() - 1)));
}

void RealFleet::measure_idle() {
  const std::uint64_t before = sums().frame_bytes;
  std::this_thread::sleep_for(limits::kKeepalive);
  report_.idle_bytes = sums().frame_bytes - before;
}

}  // namespace

sim::FleetReport run_real_fleet(const sim::FleetOptions& options) {
  return RealFleet(options).run();
}

}  // namespace deltamesh::bench
