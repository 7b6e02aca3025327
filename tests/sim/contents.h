// tests/sim/contents.h - the telemetry that one store holds, decoded block by block.
//
// Read from the store, never taken from what a node says about itself.
#pragma once

#include <map>
#include <set>

#include "crdt/event_set.h"
#include "crdt/fingerprint.h"
#include "tests/sim/ledger.h"
#include "tests/sim/sim_node.h"

namespace deltamesh::sim {

struct Contents {
  EventSet events;
  std::map<StreamId, IntervalSet> dots;
  std::map<StreamId, Fingerprint> fingerprints;  // Of what the rules leave of it that the store has,
  Bytes rules;                                   // whose digest this is.
  std::set<StreamId> undeclared;  // Streams with an event of a series that the store knows no name of.
};

// Reports to `world` if: blocks do not decode, overlap, or hold other numbers than `known` says; an event is
// not what its writer handed in, but for values that some rule removes. `known` is what the store knows.
Contents read_contents(World& world, const Ledger& ledger, const SimNode& node, const Knowledge& known);

}  // namespace deltamesh::sim
