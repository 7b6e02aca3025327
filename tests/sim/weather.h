// tests/sim/weather.h - what lies over all links at one moment: clogged nodes, and a partition that works in
// one direction only.
//
// A value: Links ask it where frames are held back and where they vanish.
#pragma once

#include <vector>

#include "tests/sim/observer.h"

namespace deltamesh::sim {

class Weather {
 public:
  explicit Weather(NodeIx nodes) : clogs_(nodes) {}

  // All that goes to or comes from the node waits, until as many calls of unclog() as of clog().
  void clog(NodeIx node) { ++clogs_[node]; }
  void unclog(NodeIx node) {
    if (clogs_[node] > 0) --clogs_[node];
  }
  // What nodes of `side` (one flag a node) send to the others waits, or vanishes; the other way is open.
  void divide(std::vector<bool> side, bool vanishes) {
    side_ = std::move(side);
    vanishes_ = vanishes;
  }
  void unite() { side_.clear(); }

  [[nodiscard]] bool divided() const { return !side_.empty(); }
  [[nodiscard]] bool holds(NodeIx from, NodeIx to) const {
    return clogs_[from] > 0 || clogs_[to] > 0 || (!vanishes_ && crosses(from, to));
  }
  [[nodiscard]] bool swallows(NodeIx from, NodeIx to) const { return vanishes_ && crosses(from, to); }

 private:
  [[nodiscard]] bool crosses(NodeIx from, NodeIx to) const { return divided() && side_[from] && !side_[to]; }

  std::vector<int> clogs_;  // By node.
  std::vector<bool> side_;  // Empty: there is no partition.
  bool vanishes_ = false;
};

}  // namespace deltamesh::sim
