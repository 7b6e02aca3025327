// benchmarks/growth/memory_node.h - a node on a store in memory that is durable at once, without sockets.
//
// The caller brings the time and carries the frames. What goes wrong is thrown.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "engine/memory_store.h"
#include "engine/node.h"

namespace deltamesh::bench {

// Of the node of that number; never that of a real one.
Identity made_up_identity(std::uint64_t number);

class MemoryNode {
 public:
  MemoryNode(std::uint64_t number, NodeConfig config);
  MemoryNode(const MemoryNode&) = delete;
  MemoryNode& operator=(const MemoryNode&) = delete;

  void write(std::span<const NamedEvent> events, Instant now);
  void opened(PeerId peer, Instant now);
  void received(PeerId peer, ByteView frame, Instant now);
  void tick(Instant now);

  [[nodiscard]] std::vector<Send> take_sent() { return std::exchange(sent_, {}); }
  [[nodiscard]] const Node& node() const { return node_; }
  [[nodiscard]] const StoreReader& reader() const { return store_; }

 private:
  void carry_out(Instant now);

  MemoryStore store_;
  Node node_;
  std::vector<Send> sent_;
};

}  // namespace deltamesh::bench
