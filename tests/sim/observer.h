// tests/sim/observer.h - who keeps the books of a simulated run.
#pragma once

#include <string>
#include <tuple>
#include <vector>

#include "crdt/sample.h"
#include "engine/effects.h"

namespace deltamesh::sim {

using NodeIx = std::size_t;

// A local write, named for the whole run: node, life of the node, number within that life.
using WriteName = std::tuple<NodeIx, std::uint64_t, WriteId>;

// Hears of each step of a node as it happens; does nothing with what it does not override.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void accepted(const WriteName& /*write*/, const std::vector<NamedEvent>& /*events*/) {}
  // A put of `value`, or a removal (empty), by a writer who saw `seen` under the key before (null: nothing).
  virtual void accepted(const WriteName& /*write*/, const std::string& /*value*/, const MapEntry* /*seen*/) {}
  virtual void reported(const WriteName& /*write*/, const Status& /*status*/) {}
  // The store of `holder` holds `batch` now.
  virtual void durable(const Identity& /*holder*/, const Batch& /*batch*/) {}
  // The node knows that it does.
  virtual void arrived(NodeIx /*node*/, const Arrival& /*arrival*/) {}
};

}  // namespace deltamesh::sim
