// tests/sim/watch.h - what must be true of each node at every moment, looked at again and again during a run.
//
// checks.h has what must be true once all is quiet. All of this is read from stores and from what nodes say
// is durable, of nodes that are down too; it draws no chance and leaves no trace, so that a run is the same
// without it.
#pragma once

#include <map>
#include <vector>

#include "tests/sim/checks.h"

namespace deltamesh::sim {

class Watch {
 public:
  Watch(World& world, const Ledger& ledger, const Nodes& nodes)
      : world_(world), ledger_(ledger), nodes_(nodes), seen_(nodes.size()) {}

  // At short intervals from now on; each looks at all nodes, and some decode the store of one, in turn.
  void begin();
  void end() { ended_ = true; }
  // A node is about to lose its power, or has come back.
  void look(NodeIx node);
  // Its store is another one now, which holds this.
  void restored(NodeIx node, const Knowledge& stored) { seen_[node] = {stored, {}}; }

 private:
  // The most that a node was ever seen to store, and to call durable.
  struct Seen {
    Knowledge stored, reported;
  };

  void look_at_all();
  void look_inside(NodeIx node);
  void fail(NodeIx node, const char* what);
  void check_stored(NodeIx node, const Knowledge& stored);
  void check_reported(NodeIx node, const Knowledge& stored);
  void check_maps(NodeIx node, const Knowledge& stored);

  World& world_;
  const Ledger& ledger_;
  const Nodes& nodes_;
  std::vector<Seen> seen_;
  std::uint64_t looks_ = 0;
  bool ended_ = false;
  // Of a stream, by the numbers of it that a node held and the rules that it had: what their events summed
  // to.
  std::map<StreamId, std::map<Bytes, Fingerprint>> sums_;
};

}  // namespace deltamesh::sim
