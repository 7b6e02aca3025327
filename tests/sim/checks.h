// tests/sim/checks.h - what must be true of all nodes once faults have stopped and the network is quiet.
//
// Contents are read from the stores and decoded; counters and knowledge are checked against them and never
// taken for them.
#pragma once

#include <memory>
#include <vector>

#include "tests/sim/ledger.h"
#include "tests/sim/sim_node.h"

namespace deltamesh::sim {

using Nodes = std::vector<std::unique_ptr<SimNode>>;

// Reports the first of these that fails to `world`: each node holds exactly the events and entries that are
// durable at their writers, as they were written; each number is in one block, and in knowledge if and only
// if it is in a block; each number that was issued is held or void; a node's memory says what its store says;
// all nodes know the same; where they hold the same, their fingerprints are equal. Where there are rules for
// wrong data: all nodes have the same ones, store nothing that these remove and show nothing that they hide,
// but all else.
void check_converged(World& world, Ledger& ledger, const Nodes& nodes);

// The same where nodes give up what there is no room for: each holds nothing but what was written, within its
// bound, and knows of each number that is not there what became of it; the first node holds all but what was
// declared lost.
void check_kept(World& world, const Ledger& ledger, const Nodes& nodes);

// Events that nodes have given up, each counted for each of them; and those that the first node knows as
// lost.
struct Pruned {
  std::uint64_t events = 0, lost = 0;
};
Pruned pruned(const Nodes& nodes);

}  // namespace deltamesh::sim
