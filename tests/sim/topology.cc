// tests/sim/topology.cc - stars, trees, rings and random meshes.
#include "tests/sim/topology.h"

#include <algorithm>
#include <set>

namespace deltamesh::sim {

std::vector<Edge> star(NodeIx nodes) {
  std::vector<Edge> edges;
  for (NodeIx i = 1; i < nodes; ++i) edges.emplace_back(0, i);
  return edges;
}

std::vector<Edge> tree(NodeIx nodes, NodeIx gateways) {
  std::vector<Edge> edges;
  for (NodeIx i = 1; i < nodes; ++i) edges.emplace_back(i <= gateways ? 0 : 1 + i % gateways, i);
  return edges;
}

std::vector<Edge> ring(NodeIx nodes) {
  std::vector<Edge> edges;
  for (NodeIx i = 1; i < nodes; ++i) edges.emplace_back(i - 1, i);
  edges.emplace_back(nodes - 1, 0);
  return edges;
}

std::vector<Edge> mesh(NodeIx nodes, NodeIx degree, Rng& rng) {
  std::set<Edge> edges;
  for (NodeIx i = 1; i < nodes; ++i) edges.emplace(rng.below(i), i);
  const std::size_t wanted = std::min(nodes * degree / 2, nodes * (nodes - 1) / 2);
  while (edges.size() < wanted) {
    const NodeIx a = rng.below(nodes);
    const NodeIx b = rng.below(nodes);
    if (a != b) edges.emplace(std::min(a, b), std::max(a, b));
  }
  return {edges.begin(), edges.end()};
}

}  // namespace deltamesh::sim
