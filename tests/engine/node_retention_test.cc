// tests/engine/node_retention_test.cc - what a bounded node gives up, and what its peers make of that.
#include <catch2/catch.hpp>

#include "tests/engine/node_fixture.h"

namespace deltamesh::test {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

// Room for some tens of blocks of `events(...)`.
NodeConfig bounded(std::uint64_t bytes = limits::kStoreBytesMin) {
  NodeConfig out = config();
  out.store_bytes_max = bytes;
  return out;
}

NodeConfig kept_for(std::chrono::seconds time) {
  NodeConfig out = config();
  out.datasets[0].keep_for = time;
  return out;
}

// One block of 112,000 bytes.
std::vector<NamedEvent> large_events(Ticks time) {
  return noisy_events(time, 7, 16'000);
}

const StreamKnowledge& known(const TestNode& node, const StreamId& stream) {
  const StreamKnowledge* const known = node.node().knowledge().find(stream);
  REQUIRE(known != nullptr);
  return *known;
}

// Fills it several times over.
void overfill(TestNode& node, int blocks = 60) {
  for (int i = 0; i < blocks; ++i) REQUIRE(node.write(large_events(i)).ok());
}

}  // namespace

TEST_CASE("a bounded store is never above its bound and holds what is newest", "[retention]") {
  TestNode node(1, bounded());
  Seq head = 0;
  for (int i = 0; i < 100; ++i) {
    REQUIRE(node.write(large_events(i)).ok());
    REQUIRE(*node.store().bytes_used() <= limits::kStoreBytesMin);
    head = known(node, node.stream()).head();
    REQUIRE(known(node, node.stream()).held().contains(head));
  }
  const StreamKnowledge& own = known(node, node.stream());
  CHECK(own.held().intervals().size() == 1);
  CHECK(own.dropped().intervals().size() == 1);
  CHECK(own.dropped().size() + own.held().size() == head);
  CHECK(own.missing().empty());
  CHECK(*node.store().bytes_used() > limits::kStoreBytesMin / 2);
  CHECK(node.counters().events_given_up == own.dropped().size());
}

TEST_CASE("a dataset's bound is kept whatever there is room for besides", "[retention]") {
  NodeConfig with = config();
  with.datasets[0].keep_bytes = 500'000;
  TestNode node(1, with);
  overfill(node);
  CHECK(*node.store().block_bytes(node.stream()) <= 500'000);
  CHECK(*node.store().block_bytes(node.stream()) > 250'000);
  node.restart();
  overfill(node, 3);
  CHECK(*node.store().block_bytes(node.stream()) <= 500'000);
}

TEST_CASE("a store whose bound became tighter gives up what no longer fits, without a write", "[retention]") {
  MemoryStore filled(identity(1));
  {
    TestNode node(1, bounded(8u << 20));
    overfill(node);
    filled = node.store();
  }
  TestNode node(filled, bounded());
  node.tick();
  CHECK(*node.store().bytes_used() <= limits::kStoreBytesMin);
}

TEST_CASE("blocks go once they have been here for so long, whatever their times say", "[retention]") {
  TestNode node(1, kept_for(hours(24)));
  REQUIRE(node.write(events(4'000'000'000'000, 5)).ok());  // In the far future.
  node.wait(hours(23));
  REQUIRE(node.write(events(0, 5)).ok());  // In 1970.
  CHECK(node.held(node.stream()) == IntervalSet({1, 10}));
  node.wait(minutes(75));
  CHECK(node.held(node.stream()) == IntervalSet({6, 10}));
  for (int i = 0; i < 24; ++i) node.wait(hours(1));
  CHECK(node.held(node.stream()).empty());
  CHECK(known(node, node.stream()).dropped() == IntervalSet({1, 10}));
}

TEST_CASE("time while the node was off counts if clocks that are trusted tell it", "[retention]") {
  const bool trusted = GENERATE(true, false);
  CAPTURE(trusted);
  TestNode node(1, kept_for(hours(24)));
  node.now.trusted = trusted;
  REQUIRE(node.write(events(0, 5)).ok());
  node.now.steady = seconds(5);  // As a machine that has just started.
  node.now.wall += hours(48);
  node.restart();
  node.tick();
  node.wait(minutes(2));
  CHECK(node.held(node.stream()).empty() == trusted);
}

TEST_CASE("a clock that jumps while the node runs makes nothing old", "[retention]") {
  TestNode node(1, kept_for(hours(24)));
  REQUIRE(node.write(events(0, 5)).ok());
  node.now.wall += hours(24 * 365 * 50);
  node.wait(hours(1));
  REQUIRE(node.write(events(0, 5)).ok());
  node.wait(hours(1));
  CHECK(node.held(node.stream()) == IntervalSet({1, 10}));
}

TEST_CASE("what a node gave up is not sent to it again, in this session or the next", "[retention]") {
  TestNode small(1, bounded()), large(2);
  TestNet net;
  PeerId link = net.connect(small, large);
  net.run();
  overfill(small);
  net.run();
  const StreamKnowledge& own = known(large, small.stream());
  CHECK(own.held().size() == own.head());
  CHECK(known(small, small.stream()).dropped().size() > 0);
  const std::uint64_t received = small.counters().frame_bytes_received;
  net.disconnect(link);
  link = net.connect(small, large);
  net.run();
  net.disconnect(link);
  small.restart();
  net.connect(small, large);
  net.run();
  CHECK(small.counters().redundant_events == 0);
  CHECK(small.counters().frame_bytes_received < received + 2'000);
  CHECK(small.node().quiet());
  CHECK(large.node().quiet());
}

TEST_CASE("a new node gets from each peer what that holds, and is not waiting for what is gone",
          "[retention]") {
  TestNode small(1, bounded()), late(2);
  overfill(small);
  TestNet net;
  net.connect(small, late);
  net.run();
  CHECK(late.held(small.stream()) == small.held(small.stream()));
  CHECK_FALSE(known(late, small.stream()).missing().empty());
  late.wait(minutes(1));
  net.run();
  CHECK(late.node().quiet());
  CHECK(small.node().quiet());
}

TEST_CASE("a third node that holds what another gave up fills the gap", "[retention]") {
  TestNode small(1, bounded()), third(2), late(3);
  TestNet net;
  const PeerId link = net.connect(small, third);
  net.run();
  overfill(small, 20);
  net.run();
  net.disconnect(link);
  overfill(small, 40);
  const IntervalSet there = third.held(small.stream());
  REQUIRE(there.minus(small.held(small.stream())).size() > 0);
  net.connect(small, late);
  net.run();
  net.connect(third, late);
  net.run();
  IntervalSet all = there;
  all.join(small.held(small.stream()));
  CHECK(late.held(small.stream()) == all);
}

TEST_CASE("a peer hears that a node no longer has what it was still to get from it", "[retention]") {
  TestNode small(1, bounded());
  ScriptedPeer peer(small);
  overfill(small, 15);
  message::Hello hello = peer.hello();
  hello.credit = 1;  // One block, and then nothing more.
  peer.say(hello);
  peer.say(message::Frontier{});
  overfill(small, 40);
  IntervalSet dropped;
  for (const Message& message : peer.hear()) {
    const auto* const frontier = std::get_if<message::Frontier>(&message);
    if (frontier == nullptr) continue;
    for (const auto& entry : frontier->entries) dropped.join(entry.dropped);
  }
  CHECK(dropped == known(small, small.stream()).dropped());
  CHECK_FALSE(dropped.empty());
}

TEST_CASE("a full node takes in no history that would push out what is newer", "[retention]") {
  TestNode writer(1), small(2, bounded());
  overfill(writer);
  overfill(small, 40);
  const IntervalSet before = small.held(small.stream());
  TestNet net;
  net.connect(writer, small);
  net.run();
  // The newest came and made room for itself; the rest was refused, and is not offered again.
  const Seq head = known(writer, writer.stream()).head();
  CHECK(small.held(writer.stream()).contains(head));
  CHECK(small.held(writer.stream()).size() < head / 4);
  CHECK(before.minus(small.held(small.stream())).size() < before.size() / 4);
  CHECK(small.counters().blocks_refused > 0);
  CHECK(known(small, writer.stream()).missing().empty());
  CHECK(writer.node().quiet());
  const std::uint64_t sent = writer.counters().payload_bytes_sent;
  REQUIRE(writer.write(large_events(1'000)).ok());
  net.run();
  CHECK(small.held(writer.stream()).contains(head + 7));
  CHECK(writer.counters().payload_bytes_sent < sent + 250'000);
}

TEST_CASE("a batch that failed has given up nothing, and the next one gives it up", "[retention]") {
  TestNode node(1, bounded());
  overfill(node, 20);
  const IntervalSet held = node.held(node.stream());
  node.fail_next();
  REQUIRE(node.write(large_events(50)).ok());
  CHECK(node.held(node.stream()) == held);
  CHECK_FALSE(node.written.back().status.ok());
  overfill(node, 40);
  CHECK(*node.store().bytes_used() <= limits::kStoreBytesMin);
  const StreamKnowledge& own = known(node, node.stream());
  CHECK(own.held().intersects({own.head(), own.head()}));
  CHECK(own.missing().empty());
  CHECK(node.store().held_blocks(node.stream(), 1, 1)->front().dots.first > own.dropped().last());
}

TEST_CASE("the same with a later batch on its way that gives up more", "[retention]") {
  TestNode node(1, bounded());
  overfill(node, 20);
  node.hold_commits();
  node.fail_next();
  overfill(node, 3);
  node.release_commits();
  overfill(node, 20);
  CHECK(*node.store().bytes_used() <= limits::kStoreBytesMin);
  const StreamKnowledge& own = known(node, node.stream());
  CHECK(own.held().intervals().front().first > own.dropped().last());
}

}  // namespace deltamesh::test
