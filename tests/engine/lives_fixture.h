// tests/engine/lives_fixture.h - a device that was started many times, and who has heard of its lives.
#pragma once

#include <catch2/catch.hpp>

#include "tests/engine/compare_fixture.h"

namespace deltamesh::test {

// A device with many lives, each with `count` events, and a gateway that has them.
struct Lives {
  explicit Lives(std::uint8_t lives = 40, NodeConfig with = config())
      : device(1, with), gateway(2, with), cloud(9, with) {
    for (std::uint8_t life = 1; life <= lives; ++life) live(life);
  }
  void live(std::uint8_t life) {
    REQUIRE(device.write(events(life * 100, 3)).ok());
    streams.push_back(device.stream());
    // Spread over all parts.
    device.reboot(life, static_cast<std::uint8_t>(life * 37));
  }
  // All events of the lives that are over, unheard by anybody.
  void give_up(TestNode& node) const {
    Batch batch;
    for (const StreamId& stream : streams) batch.given_up.push_back({stream, {1, 3}});
    node.store_batch(std::move(batch));
    node.restart();
  }
  PeerId meet(TestNode& a, TestNode& b) {
    net.said.clear();
    const PeerId link = net.connect(a, b);
    net.run();
    return link;
  }
  // As drivers do, until nobody ends one any more.
  PeerId meet_again(PeerId link, TestNode& a, TestNode& b) {
    a.closes.clear();
    b.closes.clear();
    net.disconnect(link);
    return meet(a, b);
  }
  std::size_t entries_said() const {
    std::size_t count = 0;
    for (const auto& frontier : only<message::Frontier>(net.said)) count += frontier.entries.size();
    return count;
  }
  void check_whole(const TestNode& node) const {
    for (const StreamId& stream : streams) CHECK(node.held(stream) == IntervalSet({1, 3}));
  }

  TestNode device, gateway, cloud;
  TestNet net;
  std::vector<StreamId> streams;  // Of the lives that are over.
};

inline NodeConfig tiered() {
  NodeConfig out = config();
  out.tiers = {{"cloud", {identity(9).node}, 1}};
  out.datasets[0].keep_until = "cloud";
  out.store_bytes_max = limits::kStoreBytesMin;
  return out;
}

// Until acknowledgements of tiers have gone all the way, and are stored.
inline void pass_on(TestNet& net, std::initializer_list<TestNode*> nodes) {
  for (int round = 0; round < 6; ++round) {
    for (TestNode* const node : nodes) node->wait(limits::kRetentionLook);
    net.run();
  }
}

// How many events of a stream the acker has acknowledged in its present life, as a node has stored it.
inline std::uint64_t acknowledged(const TestNode& node, const TestNode& acker, const StreamId& stream) {
  const Result<StoreImage> image = node.store().image();
  for (const TierAck& ack : image->acks) {
    if (ack.acker == acker.node().identity() && ack.stream == stream) return ack.dots.size();
  }
  return 0;
}

}  // namespace deltamesh::test
