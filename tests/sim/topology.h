// tests/sim/topology.h - which nodes of a large network are linked.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tests/sim/observer.h"
#include "tests/sim/rng.h"

namespace deltamesh::sim {

using Edge = std::pair<NodeIx, NodeIx>;

// Node 0 is the middle of a star and the root of a tree, which has `gateways` inner nodes below it.
std::vector<Edge> star(NodeIx nodes);
std::vector<Edge> tree(NodeIx nodes, NodeIx gateways);
std::vector<Edge> ring(NodeIx nodes);
// Connected, without double links, with `degree` links a node on average: a random tree first, then random
// pairs.
std::vector<Edge> mesh(NodeIx nodes, NodeIx degree, Rng& rng);

}  // namespace deltamesh::sim
