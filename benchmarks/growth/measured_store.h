// benchmarks/growth/measured_store.h - what one store costs as it is: questions, a start, a copy to an empty
// node.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "benchmarks/growth/stored_node.h"
#include "benchmarks/node_catch_up.h"

namespace deltamesh::bench {

// Of this process: all threads; and the one that asks.
double process_cpu_seconds();
double thread_cpu_seconds();

// One series of the store, `points` of it with nothing before or after left out.
struct Window {
  std::string series;
  Ticks from = 0, to = 0;
};

struct QueryCost {
  double points = 0;     // That the window holds.
  double query_ms = 0;   // Of them, from a warm store.
  double latest_ms = 0;  // The newest value of each series.
  double latest_series = 0;
};
// Wall time, medians of several.
QueryCost measure_queries(const StoredNode& stored, const Window& window);

struct NodeCost {
  double start_ms = 0;                            // Of a real sync-node, until it answers.
  std::uint64_t idle_bytes = 0;                   // Resident then.
  double sync_seconds = 0, sync_cpu_seconds = 0;  // Of an empty one that gets all; CPU of both.
  std::uint64_t sync_peak_bytes = 0;              // The larger of both.
};
// `full` does not run.
NodeCost measure_node(testing::NodeProcess& full, const std::filesystem::path& folder,
                      const NodeTotals& totals);

}  // namespace deltamesh::bench
