// tests/sim/shown.h - what a node answers to people where rules for wrong data hide some of it.
#pragma once

#include "tests/sim/ledger.h"
#include "tests/sim/sim_node.h"

namespace deltamesh::sim {

// Reports to `world` if a node, which may be down, shows a sample that is hidden by a rule that its store
// has, whether it is removed yet or not.
void check_hidden(World& world, const SimNode& node);

// In the end: reports if a node shows a sample that a rule hides, or lacks another one that was written.
// Events that brought no time are hidden by where they are shown, which is compared between nodes elsewhere.
void check_shown(World& world, const Ledger& ledger, const SimNode& node);

}  // namespace deltamesh::sim
