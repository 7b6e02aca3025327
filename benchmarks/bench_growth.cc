// benchmarks/bench_growth.cc - what does a sample cost when there are many samples, series and streams
// already?
//
// An axis moves one number and leaves the others as they are. At each of its sizes a store is written to,
// asked, started and copied; the store of the axis of samples is one that grows.
#include <algorithm>
#include <cmath>
#include <exception>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "benchmarks/growth/growth_config.h"
#include "benchmarks/growth/measured_store.h"
#include "benchmarks/growth/peer_writers.h"
#include "benchmarks/growth/stored_node.h"
#include "benchmarks/growth/wandering_readings.h"
#include "benchmarks/options.h"
#include "benchmarks/page_file.h"
#include "benchmarks/recording.h"
#include "benchmarks/report.h"
#include "tests/scenarios/node_process.h"
#include "tests/support/temp_dir.h"

namespace {

using namespace deltamesh;
using bench::kReadingsPerEvent;
using bench::StoredNode;

constexpr std::uint64_t kEventsAtOnce = 1'024;      // Of a write through the library.
constexpr std::uint64_t kEventsOfPeer = 20;         // Of a write of a peer.
constexpr std::uint64_t kProbeSamples = 1'000'000;  // At most; the last ones, of which the cost is taken.
constexpr const char* kPrefix = "device-";

struct Plan {
  bench::Options options;
  std::string html_file, only;
  std::uint64_t samples_max = 10'000'000;
};

// `points` of one series are asked for.
struct Size {
  std::uint64_t samples, series, streams, points;
};
struct Axis {
  std::string name;
  std::vector<Size> sizes;
  std::uint64_t Size::*moved;
};

using Costs = std::map<std::string, double>;
struct Metric {
  const char *name, *unit;
  bool grows;  // Or is it bound to be the same, told otherwise, or better when larger?
};
constexpr Metric kMetrics[] = {{"ingest_cpu_us_per_sample", "us", true},
                               {"sync_cpu_us_per_sample", "us", true},
                               {"sync_samples_per_second", "samples/s", false},
                               {"query_us_per_point", "us", true},
                               {"query_ms", "ms", false},
                               {"latest_us_per_series", "us", true},
                               {"latest_ms", "ms", false},
                               {"start_ms", "ms", true},
                               {"idle_memory", "MiB", true},
                               {"sync_memory_peak", "MiB", true},
                               {"disk_bytes_per_sample", "B", true}};

double mebibytes(std::uint64_t bytes) {
  return static_cast<double>(bytes) / 1048576;
}

// ---- one store ----

class Store {
 public:
  explicit Store(std::uint64_t series) : readings_(series, kPrefix, 1) {}

  // Until it holds so many samples, written by this node; CPU of that a sample, in us.
  double grow(std::uint64_t samples);
  // The same, by so many peers in session, without what their first events cost.
  double grow_by_peers(std::uint64_t samples, std::uint64_t peers);
  Costs measure(const Size& size, bool from_peers);

 private:
  void write(StoredNode& stored, std::uint64_t samples);

  testing::TempDir dir_;
  testing::NodeProcess node_{dir_.path(), "full"};
  bench::WanderingReadings readings_;
  std::uint64_t samples_ = 0;
  double making_ = 0;  // CPU seconds in which readings were made up.
  std::vector<NamedEvent> events_;
};

void Store::write(StoredNode& stored, std::uint64_t samples) {
  for (std::uint64_t left = samples / kReadingsPerEvent; left > 0;) {
    const std::uint64_t count = std::min(left, kEventsAtOnce);
    const double begun = bench::thread_cpu_seconds();
    readings_.next(count, events_);
    making_ += bench::thread_cpu_seconds() - begun;
    stored.write(events_);
    left -= count;
  }
  stored.finish();
  samples_ += samples;
}

double Store::grow(std::uint64_t samples) {
  NodeConfig config = bench::growth_config();
  config.commit_interval = limits::kCommitIntervalMax;  // Commits follow size alone.
  StoredNode stored(node_.store(), config);
  const std::uint64_t probe = std::min(kProbeSamples, (samples - samples_) / 2);
  write(stored, samples - samples_ - probe);
  const double before = bench::process_cpu_seconds() - making_;
  write(stored, probe);
  return (bench::process_cpu_seconds() - making_ - before) / static_cast<double>(probe) * 1e6;
}

// CPU is that of the hub's calls, and of the store's thread: all of this process but the thread that calls.
double Store::grow_by_peers(std::uint64_t samples, std::uint64_t peers) {
  StoredNode stored(node_.store(), bench::growth_config());
  bench::PeerWriters writers(peers, stored);
  double calls = 0;
  const auto at_hub = [&](const std::function<void()>& call) {
    const double begun = bench::thread_cpu_seconds();
    call();
    calls += bench::thread_cpu_seconds() - begun;
  };
  const auto elsewhere = [] { return bench::process_cpu_seconds() - bench::thread_cpu_seconds(); };
  const std::uint64_t writes = samples / (kEventsOfPeer * kReadingsPerEvent);
  for (std::uint64_t i = 0; i < peers; ++i) writers.write(kEventsOfPeer, at_hub);
  stored.finish();
  const double before = calls + elsewhere();
  for (std::uint64_t i = peers; i < writes; ++i) writers.write(kEventsOfPeer, at_hub);
  at_hub([&] { stored.finish(); });
  samples_ = samples;
  const std::uint64_t probe = (writes - peers) * kEventsOfPeer * kReadingsPerEvent;
  return (calls + elsewhere() - before) / static_cast<double>(probe) * 1e6;
}

// In the middle of the store: so many events of one device after each other.
bench::Window middle(const Size& size, bool from_peers) {
  const std::uint64_t writers = from_peers ? size.streams : 1;
  const std::uint64_t devices = from_peers ? 1 : size.series / kReadingsPerEvent;
  const std::uint64_t rounds = size.samples / kReadingsPerEvent / devices / writers;
  const std::uint64_t first = (rounds - size.points) / 2 * devices;
  return {from_peers ? bench::WanderingReadings::series_name("peer-1/", 0, 0)
                     : bench::WanderingReadings::series_name(kPrefix, 0, 0),
          bench::kFirstTime + static_cast<Ticks>(first) * bench::kEventPause,
          bench::kFirstTime + static_cast<Ticks>(first + size.points * devices) * bench::kEventPause - 1};
}

Costs Store::measure(const Size& size, bool from_peers) {
  const auto queries = [&] {
    const StoredNode stored(node_.store(), bench::growth_config());
    return bench::measure_queries(stored, middle(size, from_peers));
  }();
  if (queries.points != static_cast<double>(size.points) ||
      queries.latest_series != static_cast<double>(size.series))
    throw std::runtime_error("the store answers " + std::to_string(queries.points) + " points and " +
                             std::to_string(queries.latest_series) + " series");
  const auto samples = static_cast<double>(samples_);
  const auto disk_bytes = static_cast<double>(std::filesystem::file_size(node_.store()));
  const bench::NodeCost cost =
      bench::measure_node(node_, dir_.path(), {samples / kReadingsPerEvent, samples});
  return {{"sync_cpu_us_per_sample", cost.sync_cpu_seconds / samples * 1e6},
          {"sync_samples_per_second", samples / cost.sync_seconds},
          {"query_us_per_point", queries.query_ms / queries.points * 1e3},
          {"query_ms", queries.query_ms},
          {"latest_us_per_series", queries.latest_ms / queries.latest_series * 1e3},
          {"latest_ms", queries.latest_ms},
          {"start_ms", cost.start_ms},
          {"idle_memory", mebibytes(cost.idle_bytes)},
          {"sync_memory_peak", mebibytes(cost.sync_peak_bytes)},
          {"disk_bytes_per_sample", disk_bytes / samples}};
}

// ---- the axes ----

std::vector<Axis> axes(const Plan& plan) {
  const std::uint64_t series_samples = plan.options.quick ? 200'000 : 1'000'000;
  const std::uint64_t stream_samples = plan.options.quick ? 200'000 : 2'000'000;
  Axis samples{"samples", {}, &Size::samples}, series{"series", {}, &Size::series},
      streams{"streams", {}, &Size::streams};
  for (std::uint64_t count = 100'000; count <= plan.samples_max; count *= 10)
    samples.sizes.push_back({count, 100, 1, count / 100 / 2 < 10'000 ? count / 200 : 10'000});
  for (std::uint64_t count = 10; count <= (plan.options.quick ? 1'000u : 10'000u); count *= 10)
    series.sizes.push_back({series_samples, count, 1, 20});
  for (std::uint64_t count = 1; count <= (plan.options.quick ? 100u : 1'000u); count *= 10)
    streams.sizes.push_back({stream_samples, count * kReadingsPerEvent, count, 20});
  return {samples, series, streams};
}

// Of all sizes of an axis, once.
std::vector<Costs> measure(const Axis& axis) {
  std::vector<Costs> all;
  std::unique_ptr<Store> store;
  const bool from_peers = axis.name == "streams";
  for (const Size& size : axis.sizes) {
    if (!store || axis.name != "samples") store = std::make_unique<Store>(size.series);
    const double ingest =
        from_peers ? store->grow_by_peers(size.samples, size.streams) : store->grow(size.samples);
    all.push_back(store->measure(size, from_peers));
    all.back()["ingest_cpu_us_per_sample"] = ingest;
    std::cerr << "bench_growth: " << size.*axis.moved << " " << axis.name << "\n";
  }
  return all;
}

double median_of(const std::vector<std::vector<Costs>>& runs, std::size_t size, const char* metric) {
  std::vector<double> values;
  for (const auto& run : runs) values.push_back(run[size].at(metric));
  return bench::median(std::move(values));
}

// A cost of a + b log n, with b no more than the cost at the smallest size, is at most that of the smallest
// size and once more for each power of ten.
double at_most(double from, double to) {
  return 1 + std::log10(to / from);
}

// What is paid once makes small sizes dear, and would hide growth: the largest is held against the cheapest.
double growth_of(const std::vector<Costs>& run, const char* metric) {
  double cheapest = run.front().at(metric);
  for (std::size_t i = 0; i + 1 < run.size(); ++i) cheapest = std::min(cheapest, run[i].at(metric));
  return run.back().at(metric) / cheapest;
}

void add_growth(const Axis& axis, const std::vector<std::vector<Costs>>& runs, bench::Report& report) {
  if (axis.sizes.size() < 2) return;
  const auto from = static_cast<double>(axis.sizes.front().*axis.moved);
  const auto to = static_cast<double>(axis.sizes.back().*axis.moved);
  report.begin_case();
  report.param("axis", axis.name);
  report.param("from", from);
  report.param("to", to);
  report.param("at_most", at_most(from, to));
  for (const Metric& metric : kMetrics) {
    if (!metric.grows) continue;
    std::vector<double> ratios;
    for (const auto& run : runs) ratios.push_back(growth_of(run, metric.name));
    report.add({std::string(metric.name) + "_growth", bench::median(std::move(ratios)), "", {}});
  }
}

void add_axis(const Axis& axis, const std::vector<std::vector<Costs>>& runs, bench::Report& report) {
  for (std::size_t i = 0; i < axis.sizes.size(); ++i) {
    const Size& size = axis.sizes[i];
    report.begin_case();
    report.param("axis", axis.name);
    report.param("samples", static_cast<double>(size.samples));
    report.param("series", static_cast<double>(size.series));
    report.param("streams", static_cast<double>(size.streams));
    report.param("points", static_cast<double>(size.points));
    report.param("runs", static_cast<double>(runs.size()));
    for (const Metric& metric : kMetrics)
      report.add({metric.name, median_of(runs, i, metric.name), metric.unit, {}});
  }
  add_growth(axis, runs, report);
}

int measure_all(const Plan& plan) {
  std::vector<Axis> chosen;
  for (Axis& axis : axes(plan)) {
    if (axis.name.find(plan.only) != std::string::npos) chosen.push_back(std::move(axis));
  }
  if (chosen.empty()) throw std::runtime_error("no axis has \"" + plan.only + "\" in its name");
  std::vector<std::vector<std::vector<Costs>>> runs(chosen.size());
  for (unsigned run = 0; run < plan.options.runs; ++run) {
    for (std::size_t i = 0; i < chosen.size(); ++i) runs[i].push_back(measure(chosen[i]));
  }
  bench::Report report("growth");
  for (std::size_t i = 0; i < chosen.size(); ++i) add_axis(chosen[i], runs[i], report);
  std::cout << report.table() << std::flush;
  return bench::write_files(report, plan.options.json_file, "growth_page.py", plan.html_file) ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  int status = 0;
  Plan plan;
  const auto options = bench::parse_options(
      argc, argv, "What does a sample cost when there are many samples, series and streams already?", status,
      {{"--html", &plan.html_file, "Writes a page with tables and charts to this file; needs python3"},
       {"--only", &plan.only, "Only this axis: samples, series or streams"},
       {"--samples-max", &plan.samples_max, "The axis of samples ends there: 100000 and more (10000000)"}});
  if (!options) return status;
  plan.options = *options;
  if (plan.options.quick) plan.samples_max = std::min<std::uint64_t>(plan.samples_max, 1'000'000);
  try {
    if (plan.samples_max < 100'000) throw std::runtime_error("--samples-max begins with 100000");
    return measure_all(plan);
  } catch (const std::exception& error) {
    std::cerr << "bench_growth: " << error.what() << "\n";
    return 1;
  }
}
