// tests/sim/fleet_text.cc - names, and figures out of sums.
#include "tests/sim/fleet_text.h"

#include <algorithm>
#include <array>
#include <limits>

namespace deltamesh::sim {
namespace {

constexpr std::array kShapes{"star", "tree", "mesh", "ring"};
constexpr std::array kLoads{"steady", "burst", "partition"};
constexpr std::array kWhats{"telemetry", "map"};

template <class Enum, class Names>
std::optional<Enum> named(const Names& names, std::string_view name) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<Enum>(found - names.begin());
}

double seconds(Micros time) {
  return static_cast<double>(time.count()) / 1e6;
}

double ratio(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return std::numeric_limits<double>::quiet_NaN();
  return static_cast<double>(part) / static_cast<double>(whole);
}

void add_delays(std::vector<FleetFigure>& figures, const std::string& prefix, const Delays& delays) {
  figures.push_back({prefix + "_p50", seconds(delays.p50), "s"});
  figures.push_back({prefix + "_p99", seconds(delays.p99), "s"});
  figures.push_back({prefix + "_max", seconds(delays.max), "s"});
}

}  // namespace

std::string name(Shape shape) {
  return kShapes[static_cast<std::size_t>(shape)];
}
std::string name(Load load) {
  return kLoads[static_cast<std::size_t>(load)];
}
std::string name(What what) {
  return kWhats[static_cast<std::size_t>(what)];
}

std::optional<Shape> shape_named(std::string_view name) {
  return named<Shape>(kShapes, name);
}
std::optional<Load> load_named(std::string_view name) {
  return named<Load>(kLoads, name);
}
std::optional<What> what_named(std::string_view name) {
  return named<What>(kWhats, name);
}

std::string describe(const FleetOptions& o) {
  const auto number = [](const char* what, std::uint64_t value) {
    return ", " + std::string(what) + " " + std::to_string(value);
  };
  const auto time = [&](const char* what, Micros value) {
    return number(what, static_cast<std::uint64_t>(value.count())) + " us";
  };
  return "seed " + std::to_string(o.seed) + number("nodes", o.nodes) + ", topology " + name(o.shape) +
         ", scenario " + name(o.load) + ", data " + name(o.what) + number("degree", o.degree) +
         number("gateways", o.gateways) + time("delay min", o.delay_min) + time("delay max", o.delay_max) +
         time("commit", o.commit) + time("commit interval", o.commit_interval) + ", writes a second " +
         std::to_string(o.writes_per_second) + time("active", o.active) +
         number("events of a burst", o.burst_events) + time("partition", o.partition);
}

std::vector<FleetFigure> figures_of(const FleetReport& r) {
  std::vector<FleetFigure> figures;
  add_delays(figures, "first_events_delay", r.first);
  add_delays(figures, "delay", r.later);
  const std::uint64_t metadata = r.frame_bytes - r.payload_bytes;
  // A map may be complete before its last write, which then changed nothing for others.
  figures.push_back({"convergence_time", std::max(0.0, seconds(r.converged - r.last_write)), "s"});
  figures.push_back({"payload_per_minimum", ratio(r.payload_bytes, r.minimum_bytes), ""});
  figures.push_back({"redundant_copies_per_delivery", ratio(r.redundant, r.deliveries), ""});
  figures.push_back({"metadata_bytes_per_delta", ratio(metadata, r.deltas), "B"});
  figures.push_back({"metadata_per_payload", 100 * ratio(metadata, r.payload_bytes), "%"});
  figures.push_back({"wire_bytes_per_delivery", ratio(r.frame_bytes, r.deliveries), "B"});
  figures.push_back({"frames_per_delivery", ratio(r.frames, r.deliveries), ""});
  figures.push_back({"cpu_us_per_delivery", r.cpu_seconds * 1e6 * ratio(1, r.deliveries), "us"});
  figures.push_back({"idle_bytes_per_link_and_keepalive", ratio(r.idle_bytes, r.links), "B"});
  figures.push_back({"writes", static_cast<double>(r.writes), ""});
  figures.push_back({"deliveries", static_cast<double>(r.deliveries), ""});
  return figures;
}

}  // namespace deltamesh::sim
