// tests/engine/node_pair_test.cc - real engines on memory stores in one process: what one writes, all hold.
#include <catch2/catch.hpp>

#include "tests/engine/node_fixture.h"

namespace deltamesh::test {
namespace {

std::uint64_t payload_bytes(const TestNode& node) {
  return node.counters().payload_bytes_sent + node.counters().payload_bytes_received;
}

// All blocks that a node stores of one stream.
std::vector<StoredBlock> blocks(const TestNode& node, const StreamId& stream) {
  return *node.store().blocks(stream, {1, 1'000'000}, 1u << 30);
}

}  // namespace

TEST_CASE("an event that one node writes is durable at its peer and acknowledged", "[engine][node]") {
  TestNode a(1), b(2);
  TestNet net;
  net.connect(a, b);
  net.run();
  REQUIRE(a.write({event(1000, 21.5)}).ok());
  net.run();

  REQUIRE(b.held(a.stream()) == IntervalSet({1, 1}));
  const auto stored = blocks(b, a.stream());
  REQUIRE(stored.size() == 1);
  const auto decoded = *decode_block(*stored[0].bytes, limits::kBlock);
  CHECK(decoded[0].time == 1000);
  CHECK(std::get<double>(decoded[0].readings[0].value) == 21.5);
  const auto series = *b.store().series(kTelemetry, std::nullopt);
  REQUIRE(series.size() == 1);
  CHECK(series[0].decl.name == "room/temperature");
  CHECK(a.node().sessions().at(0).events_unacknowledged == 0);
  CHECK((a.node().quiet() && b.node().quiet()));
}

TEST_CASE("what was written before the nodes met is sent when they meet", "[engine][node]") {
  TestNode a(1), b(2);
  REQUIRE(a.write(events(1000, 3000)).ok());
  REQUIRE(b.write(events(9000, 5)).ok());
  REQUIRE(a.put("valve", "open").ok());
  TestNet net;
  net.connect(a, b);
  net.run();
  CHECK(b.held(a.stream()) == IntervalSet({1, 3000}));
  CHECK(a.held(b.stream()) == IntervalSet({1, 5}));
  CHECK(b.value("valve") == "open");
  CHECK(a.node().knowledge() == b.node().knowledge());
}

TEST_CASE("nodes that hold the same say no more than hello when they meet again", "[engine][node]") {
  TestNode a(1), b(2);
  TestNet net;
  const PeerId first = net.connect(a, b);
  REQUIRE(a.write(events(1000, 10)).ok());
  REQUIRE(b.put("valve", "open").ok());
  net.run();
  net.disconnect(first);
  net.said.clear();
  net.connect(a, b);
  net.run();
  CHECK(net.said.size() == 2);
  CHECK(only<message::Hello>(net.said).size() == 2);
}

TEST_CASE("a ring of three that all write holds each event once and falls silent", "[engine][node]") {
  TestNode a(1), b(2), c(3);
  TestNet net;
  net.connect(a, b);
  net.connect(b, c);
  net.connect(c, a);
  for (Ticks round = 0; round < 5; ++round) {
    for (TestNode* const node : {&a, &b, &c}) {
      REQUIRE(node->write(events(1000 * (round + 1), 7)).ok());
      REQUIRE(node->put("key", std::to_string(round)).ok());
    }
    net.run();
  }
  for (const TestNode* const node : {&a, &b, &c}) {
    for (const TestNode* const writer : {&a, &b, &c})
      CHECK(node->held(writer->stream()) == IntervalSet({1, 35}));
    std::uint64_t stored = 0;
    for (const TestNode* const writer : {&a, &b, &c}) {
      for (const auto& block : blocks(*node, writer->stream())) stored += block.events;
    }
    CHECK(stored == 3 * 35);
    CHECK(node->counters().events_received == 2 * 35);
    CHECK(node->node().quiet());
  }
  // In a ring each event reaches somebody twice, and that is counted.
  CHECK(a.counters().redundant_events + b.counters().redundant_events + c.counters().redundant_events > 0);
  CHECK(a.counters().redundant_bytes > 0);

  const std::uint64_t before = payload_bytes(a) + payload_bytes(b) + payload_bytes(c);
  for (TestNode* const node : {&a, &b, &c}) {
    node->now.steady += seconds(11);
    node->tick();
  }
  net.run();
  CHECK(payload_bytes(a) + payload_bytes(b) + payload_bytes(c) == before);
}

TEST_CASE("a block of which a part is held already is cut", "[engine][node]") {
  TestNode a(1);
  ScriptedPeer first(a, 50);
  first.agree();
  auto early = first.delta(1, 4);
  first.say(early);
  auto both = first.delta(3, 6);
  both.ref.stream.reset();
  first.say(both);
  REQUIRE(first.end() == "");
  CHECK(a.held(first.stream()) == IntervalSet({1, 8}));
  const auto stored = blocks(a, first.stream());
  REQUIRE(stored.size() == 2);
  CHECK(stored[1].first == 5);
  CHECK(stored[1].events == 4);
  CHECK(a.counters().redundant_events == 2);
}

TEST_CASE("a dataset that is only pushed does not come back, and one kept to itself does not leave",
          "[engine][node]") {
  NodeConfig pushing = config(), pulling = config();
  pushing.datasets[0].scope = Scope::kPush;
  pulling.datasets[0].scope = Scope::kPull;
  TestNode a(1, pushing), b(2, pulling);
  REQUIRE(a.write(events(1, 3)).ok());
  REQUIRE(b.write(events(1, 3)).ok());
  TestNet net;
  net.connect(a, b);
  net.run();
  CHECK(b.held(a.stream()) == IntervalSet({1, 3}));
  CHECK(a.held(b.stream()).empty());
}

// While pages are under way, what is known has a gap for each of these.
TEST_CASE("a map with more overwritten keys than a stream may have gaps reaches a peer", "[engine][node]") {
  NodeConfig gathering = config();
  gathering.commit_interval = seconds(1);
  TestNode a(1, gathering), b(2);
  for (std::size_t key = 0; key < limits::kIntervalsMax + 500; ++key) {
    const std::string name = "key-" + std::to_string(key);
    REQUIRE(a.put(name, "old").ok());
    REQUIRE(a.put(name, "new").ok());
  }
  a.wait(seconds(1));
  TestNet net;
  net.connect(a, b);
  net.run();
  CHECK(b.counters().batches_failed == 0);
  CHECK(a.node().map(kSettings)->entries() == b.node().map(kSettings)->entries());
  CHECK(a.node().knowledge() == b.node().knowledge());
}

TEST_CASE("of two links between the same nodes one carries, and when it goes the other takes over",
          "[engine][node]") {
  TestNode a(1), b(2);
  TestNet net;
  net.connect(a, b);
  net.run();
  const PeerId second = net.connect(a, b);
  net.run();
  REQUIRE(a.write(events(1, 3)).ok());
  net.run();
  CHECK(b.counters().redundant_events == 0);
  CHECK((a.node().quiet() && b.node().quiet()));
  net.disconnect(second);
  REQUIRE(a.write(events(10, 3)).ok());
  net.run();
  CHECK(b.held(a.stream()) == IntervalSet({1, 6}));
  CHECK((a.node().quiet() && b.node().quiet()));
}

}  // namespace deltamesh::test
