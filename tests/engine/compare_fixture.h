// tests/engine/compare_fixture.h - two linked nodes that hold the stream of a third, the same or not.
#pragma once

#include <catch2/catch.hpp>

#include "engine/compared.h"
#include "tests/engine/node_fixture.h"

namespace deltamesh::test {

// Lets two nodes talk until neither has more to say. No time passes.
inline void converse(TestNet& net, TestNode& a, TestNode& b) {
  for (int quiet = 0; quiet < 3; ++quiet) {
    const std::size_t before = net.said.size();
    net.run();
    a.tick();
    b.tick();
    if (net.said.size() != before) quiet = 0;
  }
}

inline Result<CompareId> start(TestNode& node, PeerId peer) {
  return node.call([&](Node& of, Instant now) { return of.compare(peer, now); });
}

// A block whose values are others than those of ScriptedPeer::delta.
inline message::Delta with_value(message::Delta delta, double value) {
  std::vector<Event> some(delta.events);
  for (std::uint32_t i = 0; i < delta.events; ++i) {
    some[i].time = 1000 + static_cast<Ticks>(delta.first) + i;
    some[i].readings = {{1, value}};
  }
  delta.block = *encode_block(some, limits::kBlock);
  return delta;
}

inline message::Delta later(message::Delta delta) {
  delta.ref.stream.reset();
  delta.declarations.clear();
  return delta;
}

// Nodes a and b, not linked yet, and a writer who gives each what a test wants.
struct Two {
  explicit Two(const NodeConfig& config = test::config()) : a(1, config), b(2, config) {
    to_a.agree();
    to_b.agree();
  }
  PeerId link() {
    to_a.leave();
    to_b.leave();
    const PeerId peer = net.connect(a, b);
    net.run();
    return peer;
  }
  // `count` events in blocks of 1,000, the same at both.
  void give_both(std::uint32_t count) {
    for (Seq first = 1; first <= count; first += 1'000) {
      const auto block =
          to_a.delta(first, std::min<std::uint32_t>(1'000, count + 1 - static_cast<std::uint32_t>(first)));
      to_a.say(first == 1 ? block : later(block));
      to_b.say(first == 1 ? block : later(block));
    }
  }
  // The result for the writer's stream of the only comparison that a has made.
  [[nodiscard]] ComparedStream result() const {
    if (a.compared.size() != 1 || a.compared[0].streams.size() != 1)
      throw std::runtime_error("not one result");
    return a.compared[0].streams[0];
  }

  TestNode a, b;
  ScriptedPeer to_a{a}, to_b{b};
  TestNet net;
};

inline std::string text_of(const ComparedStream& result) {
  return describe(result.found, "A", "B", result.voided);
}

// A node that holds 3,000 settled events of the peer that it is to compare with, and what it asks that peer.
struct Asked {
  explicit Asked(std::uint32_t events = 3'000) {
    peer.agree();
    for (std::uint32_t first = 1; first <= events; first += 1'000)
      peer.say(first == 1 ? peer.delta(first, 1'000) : later(peer.delta(first, 1'000)));
    peer.hear();
    REQUIRE(start(node, peer.peer()).ok());
  }
  message::RangeQuestion question() {
    const auto asked = only<message::RangeQuestion>(peer.hear());
    REQUIRE(asked.size() == 1);
    return asked.front();
  }
  // So many times that a range is equal; without any, a refusal.
  void answer(const message::RangeQuestion& to, Seq upto, std::size_t equal = 0) {
    message::RangeAnswer answer{to.ref.index, to.number, upto, {}};
    answer.parts.resize(equal);
    peer.say(answer);
  }
  void answer_equal(const message::RangeQuestion& to) { answer(to, to.upto, 1); }

  TestNode node{1};
  ScriptedPeer peer{node};
};

// Nodes that scrub; intervals that pass for both; what they have warned of since they were made.
inline constexpr seconds kInterval{5};

inline NodeConfig scrubbing() {
  NodeConfig out = config();
  out.scrub_interval = kInterval;
  return out;
}

inline void pass(Two& two, int intervals) {
  for (int i = 0; i < intervals; ++i) {
    two.a.wait(kInterval);
    two.b.wait(kInterval);
    converse(two.net, two.a, two.b);
  }
}

inline std::vector<std::string> warnings(const TestNode& node) {
  std::vector<std::string> out;
  for (const Note& note : node.notes) {
    if (note.level == Note::Level::kWarning) out.push_back(note.text);
  }
  return out;
}

}  // namespace deltamesh::test
