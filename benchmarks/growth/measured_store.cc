// benchmarks/growth/measured_store.cc - asks, starts and copies a store.
#include "benchmarks/growth/measured_store.h"

#include <time.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>

#include "benchmarks/growth/growth_config.h"
#include "benchmarks/process_use.h"
#include "benchmarks/recording.h"
#include "engine/query.h"

namespace deltamesh::bench {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int kAsked = 9;

double cpu_seconds(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

double ms_since(Clock::time_point begun) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begun).count();
}

// The first time does not count: it warms the caches.
template <class Ask>
double median_ms(Ask ask) {
  ask();
  std::vector<double> times;
  for (int i = 0; i < kAsked; ++i) {
    const auto begun = Clock::now();
    ask();
    times.push_back(ms_since(begun));
  }
  return median(std::move(times));
}

}  // namespace

double process_cpu_seconds() {
  return cpu_seconds(CLOCK_PROCESS_CPUTIME_ID);
}

double thread_cpu_seconds() {
  return cpu_seconds(CLOCK_THREAD_CPUTIME_ID);
}

QueryCost measure_queries(const StoredNode& stored, const Window& window) {
  QueryCost cost;
  SampleQuery query{.dataset = growth_dataset(), .series = window.series, .range = {window.from, window.to}};
  query.limit = 1'000'000;
  cost.query_ms = median_ms([&] {
    const auto answer = query_samples(stored.reader(), query);
    if (!answer.ok()) throw std::runtime_error(answer.error().text);
    cost.points = static_cast<double>(answer->samples.size());
  });
  cost.latest_ms = median_ms([&] {
    const auto answer = query_latest(stored.reader(), {.dataset = growth_dataset(), .only = {}});
    if (!answer.ok()) throw std::runtime_error(answer.error().text);
    cost.latest_series = static_cast<double>(answer->latest.size());
  });
  return cost;
}

NodeCost measure_node(testing::NodeProcess& full, const std::filesystem::path& folder,
                      const NodeTotals& totals) {
  NodeCost cost;
  const auto begun = Clock::now();
  full.start();
  cost.start_ms = ms_since(begun);
  cost.idle_bytes = process_use(full.pid()).memory_bytes;
  full.stop();
  testing::NodeProcess empty(folder, "empty", {{full.tcp()}, "10s", {}, {}});
  const NodeCatchUp run = catch_up(full, empty, totals);
  cost.sync_seconds = run.seconds;
  cost.sync_cpu_seconds = run.full.cpu_seconds + run.empty.cpu_seconds;
  cost.sync_peak_bytes = std::max(run.full.memory_peak_bytes, run.empty.memory_peak_bytes);
  std::filesystem::remove(empty.store());
  return cost;
}

}  // namespace deltamesh::bench
