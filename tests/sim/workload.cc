// tests/sim/workload.cc - what is written in a run, drawn from its seed.
#include "tests/sim/network.h"

namespace deltamesh::sim {
namespace {

constexpr std::size_t kLargeValue = 70'000;  // More than a page of a map delta.

}  // namespace

void Network::plan_writes(NodeIx node) {
  world_.queue.in(world_.rng.between(Micros(1), options_.write_pause_max), [this, node] {
    if (world_.queue.now() > options_.active) return;
    if (nodes_[node]->up()) write_something(*nodes_[node]);
    plan_writes(node);
  });
}

void Network::write_something(SimNode& node) {
  if (happens(options_.rules_per_mille)) return write_rule(node);
  const std::string key = "key-" + std::to_string(world_.rng.below(4));
  const DatasetId map = dataset_id("settings");
  const std::uint64_t dice = world_.rng.below(100);
  if (dice < 60) {
    const DatasetId dataset = pick_telemetry();  // Before the events: arguments are evaluated in any order.
    const bool untimed = options_.lost_times_per_mille > 0 && world_.rng.chance(300);
    if (untimed) return node.write(dataset, make_untimed());
    return node.write(dataset, make_events());
  }
  if (dice < 85) return node.put(map, key, make_value());
  if (dice < 95) return node.remove(map, key);
  node.flush();
}

// A time of which something was, or will be, written: events of the workload by their own, those without one
// by where they belong.
Ticks Network::pick_time(DatasetId dataset, bool untimed) {
  if (!untimed) return ledger_.last_time() - 250 * (static_cast<Ticks>(world_.rng.below(400)) - 40);
  const Micros at = kToday + world_.rng.between(Micros(0), options_.active);
  return dataset == dataset_id("telemetry") ? at.count() / 1000 : at.count();
}

// Some are open at an end or at both, and some name a series that nobody writes.
void Network::write_rule(SimNode& node) {
  const bool is_first = world_.rng.below(options_.datasets) == 0;
  ForgetRule rule{is_first ? "telemetry" : "alarms", "room-" + std::to_string(world_.rng.below(7))};
  const bool untimed = options_.lost_times_per_mille > 0 && world_.rng.chance(300);
  if (untimed) rule.series = kUntimed;
  rule.from = pick_time(dataset_id(rule.dataset), untimed);
  rule.to = pick_time(dataset_id(rule.dataset), untimed);
  if (rule.from > rule.to) std::swap(rule.from, rule.to);
  const bool is_whole = world_.rng.chance(100);
  if (is_whole || world_.rng.chance(100)) rule.from = kTimeOpenFrom;
  if (is_whole || world_.rng.chance(100)) rule.to = kTimeOpenTo;
  node.forget(rule, ledger_.next_value());
}

std::string Network::make_value() {
  std::string value = ledger_.next_value();
  if (world_.rng.chance(options_.burst_per_mille)) value.resize(kLargeValue, '.');
  return value;
}

DatasetId Network::pick_telemetry() {
  return dataset_id(world_.rng.below(options_.datasets) == 0 ? "telemetry" : "alarms");
}

std::vector<NamedEvent> Network::make_untimed() {
  NamedEvent event;
  event.taken = world_.queue.now();
  event.readings.push_back(ledger_.next_untimed());
  return {std::move(event)};
}

std::vector<NamedEvent> Network::make_events() {
  const bool burst = world_.rng.chance(options_.burst_per_mille);
  const std::uint64_t count = burst ? world_.rng.between(std::uint64_t{500}, std::uint64_t{2500})
                                    : world_.rng.between(std::uint64_t{1}, std::uint64_t{12});
  std::vector<NamedEvent> events(count);
  for (auto& event : events) {
    event.time = ledger_.next_time();
    event.readings.push_back(make_reading());
    NamedReading second = make_reading();
    if (second.series != event.readings[0].series) event.readings.push_back(std::move(second));
  }
  return events;
}

NamedReading Network::make_reading() {
  const std::uint64_t series = world_.rng.below(6);
  const std::uint64_t draw = world_.rng.below(1000);
  const std::string name = "room-" + std::to_string(series);
  switch (series % 4) {
    case 0: return {name, "Cel", static_cast<double>(draw) / 8};
    case 1: return {name, "", static_cast<std::int64_t>(draw)};
    case 2: return {name, "", draw < 500};
    default: return {name, "text", "state " + std::to_string(draw % 5)};
  }
}

}  // namespace deltamesh::sim
