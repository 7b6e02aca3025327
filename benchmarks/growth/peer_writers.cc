// benchmarks/growth/peer_writers.cc - carries frames between the writers and the hub.
#include "benchmarks/growth/peer_writers.h"

#include "benchmarks/growth/growth_config.h"

namespace deltamesh::bench {
namespace {

NodeConfig writer_config() {
  NodeConfig config = growth_config();
  for (DatasetConfig& dataset : config.datasets) dataset.scope = Scope::kPush;  // Gets nothing of the others.
  config.commit_interval = std::chrono::microseconds(0);
  return config;
}

constexpr PeerId kHub{1};

PeerId peer_of(std::size_t writer) {
  return PeerId{writer + 1};
}

}  // namespace

PeerWriters::PeerWriters(std::uint64_t count, StoredNode& hub) : hub_(hub) {
  const AtHub plainly = [](const auto& call) { call(); };
  for (std::uint64_t i = 1; i <= count; ++i) {
    writers_.emplace_back(i);
    writers_.back().node.opened(kHub, hub.now());
    hub.opened(peer_of(i - 1));
    talk(plainly, i - 1);
  }
}

PeerWriters::Writer::Writer(std::uint64_t number)
    : node(number, writer_config()),
      readings(kReadingsPerEvent, "peer-" + std::to_string(number) + "/", number) {}

void PeerWriters::write(std::uint64_t events, const AtHub& at_hub) {
  const std::size_t speaking = next_++ % writers_.size();
  Writer& writer = writers_[speaking];
  writer.readings.next(events, events_);
  writer.node.tick(hub_.now());
  writer.node.write(events_, hub_.now());
  talk(at_hub, speaking);
  at_hub([&] { hub_.advance(std::chrono::milliseconds(1)); });
}

// What the hub says to others is answered when it is their turn.
void PeerWriters::talk(const AtHub& at_hub, std::size_t speaking) {
  Writer& writer = writers_[speaking];
  hand_out_sent();
  for (auto sent = writer.node.take_sent(); !sent.empty(); sent = writer.node.take_sent()) {
    for (const Send& send : sent) at_hub([&] { hub_.received(peer_of(speaking), *send.frame); });
    hand_out_sent();
  }
}

void PeerWriters::hand_out_sent() {
  for (const Send& send : hub_.take_sent()) {
    Writer& writer = writers_[static_cast<std::size_t>(send.peer) - 1];
    writer.node.received(kHub, *send.frame, hub_.now());
  }
}

}  // namespace deltamesh::bench
