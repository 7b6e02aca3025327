// tests/sim/shown.cc - samples of the model against samples of queries.
#include "tests/sim/shown.h"

#include <set>

#include "engine/query.h"
#include "engine/stored_rules.h"

namespace deltamesh::sim {
namespace {

using Samples = std::set<std::pair<Ticks, Value>>;

// Asks a store, and reports what it should not have answered.
class Asker {
 public:
  Asker(World& world, const SimNode& node, ForgetRules rules)
      : world_(world), node_(node), rules_(std::move(rules)) {}

  [[nodiscard]] const ForgetRules& rules() const { return rules_; }

  void fail(const std::string& what, const std::string& name) const {
    world_.fail("node " + std::to_string(node_.ix()) + " " + what + " of " + name);
  }

  std::vector<SeriesInfo> series(DatasetId dataset) const {
    const auto all = list_series(node_.store(), dataset);
    if (!all) return fail("cannot list the series", "a dataset"), std::vector<SeriesInfo>();
    return *all;
  }

  // Those that have a place.
  Samples samples(DatasetId dataset, Resolution resolution, const std::string& name) const {
    const SampleQuery query{dataset, resolution, name, {kTimeOpenFrom, kTimeOpenTo}, 1'000'000};
    const auto answer = query_samples(node_.store(), query);
    const auto unplaced = query_unplaced(node_.store(), {dataset, name});
    Samples shown;
    if (!answer || !unplaced) return fail("cannot show the samples", name), shown;
    for (const Sample& sample : unplaced->samples) check(dataset, name, sample);
    for (const Sample& sample : answer->samples) {
      check(dataset, name, sample);
      shown.emplace(sample.time, sample.value);
    }
    return shown;
  }

  std::vector<LatestSample> latest(DatasetId dataset, Resolution resolution) const {
    LatestQuery query;
    query.dataset = dataset;
    query.resolution = resolution;
    const auto answer = query_latest(node_.store(), query);
    if (!answer) return fail("cannot show the latest samples", "a dataset"), std::vector<LatestSample>();
    for (const auto& [series, sample] : answer->latest) check(dataset, series.name, sample);
    return answer->latest;
  }

 private:
  void check(DatasetId dataset, const std::string& name, const Sample& sample) const {
    const SeriesRules* const rules = rules_.find(dataset, name);
    if (rules != nullptr && rules->hides(sample.boot, sample.time)) fail("shows a hidden sample", name);
  }

  World& world_;
  const SimNode& node_;
  ForgetRules rules_;
};

// By dataset and series, of events with a time of their own.
using Expected = std::map<std::pair<DatasetId, std::string>, Samples>;

Expected expect(const Ledger& ledger, const ForgetRules& rules) {
  Expected expected;
  const EventSet left = ledger.events_left(rules);
  for (const auto& [dot, event] : left.events()) {
    for (const auto& reading : event.readings) {
      const std::string name(ledger.book().name_of(dot.stream, reading.series));
      if (!name.empty() && name != kUntimed)
        expected[{dot.stream.dataset, name}].emplace(event.time, reading.value);
    }
  }
  return expected;
}

void check_dataset(const Asker& asker, Expected& expected, const DatasetConfig& dataset) {
  const DatasetId id = dataset_id(dataset.name);
  for (const SeriesInfo& series : asker.series(id)) {
    const Samples shown = asker.samples(id, dataset.resolution, series.name);
    if (series.name != kUntimed && shown != expected[{id, series.name}])
      asker.fail("shows other samples than rules leave", series.name);
  }
  for (const auto& [series, sample] : asker.latest(id, dataset.resolution)) {
    const Samples& all = expected[{id, series.name}];
    const bool is_last = !all.empty() && sample.time == all.rbegin()->first;
    if (series.name != kUntimed && !is_last) asker.fail("shows another latest sample", series.name);
  }
}

}  // namespace

// The resolution plays no part: no event has a source.
void check_hidden(World& world, const SimNode& node) {
  auto rules = read_rules(node.store());
  if (!rules) return world.fail("rules that cannot be read");
  if (rules->empty()) return;
  const Asker asker(world, node, *std::move(rules));
  for (const char* const name : {"telemetry", "alarms"}) {
    const DatasetId id = dataset_id(name);
    for (const SeriesInfo& series : asker.series(id)) {
      if (asker.rules().find(id, series.name) == nullptr) continue;
      static_cast<void>(asker.samples(id, Resolution::kMilliseconds, series.name));
    }
    static_cast<void>(asker.latest(id, Resolution::kMilliseconds));
  }
}

void check_shown(World& world, const Ledger& ledger, const SimNode& node) {
  const Asker asker(world, node, ledger.rules_left());
  Expected expected = expect(ledger, asker.rules());
  for (const auto& dataset : node.node().config().datasets) {
    if (dataset.kind == DatasetKind::kTelemetry) check_dataset(asker, expected, dataset);
  }
}

}  // namespace deltamesh::sim
