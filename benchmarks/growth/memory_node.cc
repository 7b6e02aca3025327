// benchmarks/growth/memory_node.cc - carries out what the node wants.
#include "benchmarks/growth/memory_node.h"

#include <stdexcept>

#include "benchmarks/growth/growth_config.h"

namespace deltamesh::bench {

Identity made_up_identity(std::uint64_t number) {
  Identity out;
  out.node.bytes.fill(0x77);
  for (std::size_t i = 0; i < 8; ++i) {
    out.node.bytes[i] = static_cast<std::uint8_t>(number >> (8 * i));
    out.incarnation.bytes[i] = static_cast<std::uint8_t>(number >> (8 * i));
  }
  return out;
}

MemoryNode::MemoryNode(std::uint64_t number, NodeConfig config)
    : store_(made_up_identity(number), MemoryStore::Sync::kAuto),
      node_(std::move(config), *store_.image(), store_) {}

void MemoryNode::write(std::span<const NamedEvent> events, Instant now) {
  const auto written = node_.write(growth_dataset(), events, now);
  if (!written.ok()) throw std::runtime_error(written.error().text);
  carry_out(now);
}

void MemoryNode::opened(PeerId peer, Instant now) {
  node_.opened(peer, now);
  carry_out(now);
}

void MemoryNode::received(PeerId peer, ByteView frame, Instant now) {
  node_.received(peer, frame, now);
  carry_out(now);
}

void MemoryNode::tick(Instant now) {
  node_.tick(now);
  carry_out(now);
}

void MemoryNode::carry_out(Instant now) {
  for (bool more = true; more;) {
    Effects effects = node_.take_effects();
    more = !effects.persist.empty();
    for (Send& send : effects.send) sent_.push_back(std::move(send));
    if (!effects.close.empty()) throw std::runtime_error("a session ended: " + effects.close[0].reason);
    for (Batch& batch : effects.persist) {
      store_.commit(std::move(batch), [&](BatchId id, const Status& status) {
        if (!status.ok()) throw std::runtime_error(status.error().text);
        node_.durable(id, now);
      });
    }
  }
}

}  // namespace deltamesh::bench
