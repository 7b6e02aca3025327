// benchmarks/node_mesh.cc - starts sync-nodes, writes over HTTP, reads their counters.
#include "benchmarks/node_mesh.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "engine/config.h"
#include "tests/support/wait.h"

namespace deltamesh::bench {

using testing::NodeProcess;

NodeMesh::NodeMesh() : written_(kMeshNodes) {
  testing::NodeOptions settings;
  settings.commit_interval = fmt::format("{}us", NodeConfig().commit_interval.count());
  for (std::size_t i = 0; i < kMeshNodes; ++i) {
    nodes_.push_back(std::make_unique<NodeProcess>(dir_.path(), fmt::format("node-{}", i), settings));
    settings.peers.push_back(fmt::format("tcp://127.0.0.1:{}", links_.way_to(nodes_[i]->tcp_port())));
  }
  for (auto& node : nodes_) node->start();
  const auto linked = [](const auto& node) { return node->live_sessions() == kMeshNodes - 1; };
  if (!testing::wait_until([&] { return std::all_of(nodes_.begin(), nodes_.end(), linked); }))
    throw std::runtime_error("the mesh of sync-nodes does not get its links");
}

void NodeMesh::write(std::size_t node, std::span<const MeshRow> rows) {
  std::string events;
  for (const MeshRow& row : rows) {
    events += fmt::format(R"({}{{"time":{},"readings":{{"device-{}/temperature":{}}}}})",
                          events.empty() ? "" : ",", row.time, node, row.value);
  }
  const auto answer = nodes_[node]->ask("POST", "/v0/telemetry/env/events", R"({"events":[)" + events + "]}");
  if (answer.status != 200) throw std::runtime_error("a sync-node does not take events: " + answer.body);
  written_[node] += rows.size();
}

std::uint64_t NodeMesh::rows(std::size_t node) {
  return written_[node] + nodes_[node]->counter("events_received");
}

MeshTraffic NodeMesh::traffic() {
  MeshTraffic traffic{links_.bytes(), 0};
  for (const auto& node : nodes_)
    traffic.crossings += node->counter("events_received") + node->counter("redundant_events");
  return traffic;
}

}  // namespace deltamesh::bench
