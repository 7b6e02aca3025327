// tests/sim/outfit.h - what single nodes of a network have other than the rest: a store, a way to speak.
#pragma once

#include <functional>
#include <memory>

#include "tests/sim/observer.h"
#include "tests/sim/sim_store.h"
#include "tests/sim/world.h"

namespace deltamesh::sim {

// Stands between a node and its links, as the codec of another version would.
class Dialect {
 public:
  virtual ~Dialect() = default;
  // The frame that leaves for what the node said.
  virtual std::shared_ptr<const Bytes> said(std::shared_ptr<const Bytes> frame) = 0;
  // The frame as the node understands it.
  virtual Bytes heard(ByteView frame) = 0;
};

// Each is asked once for each node; nothing means: as usual.
struct Outfit {
  std::function<std::unique_ptr<SimStore>(World&, NodeIx)> store;
  std::function<std::unique_ptr<Dialect>(World&, NodeIx)> dialect;
};

}  // namespace deltamesh::sim
