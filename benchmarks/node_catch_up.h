// benchmarks/node_catch_up.h - a full node brings an empty one up to date: two processes and the link between
// them.
#pragma once

#include <string>
#include <vector>

#include "benchmarks/process_use.h"
#include "tests/scenarios/node_process.h"

namespace deltamesh::bench {

struct NodeTotals {
  double events = 0, readings = 0;
};

// All files in order of time, through the append path; `format` as `sync-node import` names it.
NodeTotals import_files(const testing::NodeProcess& node, const std::string& format,
                        const std::vector<std::string>& files);

struct NodeCatchUp {
  double seconds = 0, wire_bytes = 0, payload_bytes = 0, redundant_events = 0;
  ProcessUse full, empty;
};

// From the start of the empty node's process until the full one has its acknowledgement of the last event,
// which follows the sync. What the full one used before the link opened is not counted. Both are stopped
// then. Throws if the empty one does not get all.
NodeCatchUp catch_up(testing::NodeProcess& full, testing::NodeProcess& empty, const NodeTotals& totals);

}  // namespace deltamesh::bench
