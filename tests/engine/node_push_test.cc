// tests/engine/node_push_test.cc - in which order and how fast a node sends what a peer lacks.
#include <catch2/catch.hpp>

#include "tests/engine/node_fixture.h"

namespace deltamesh::test {
namespace {

constexpr std::size_t kCell = limits::kCellEvents;

// Values that no codec makes much smaller.
std::vector<NamedEvent> noise(Ticks first, std::size_t count) {
  std::vector<NamedEvent> out;
  for (std::size_t i = 0; i < count; ++i) {
    const auto time = first + static_cast<Ticks>(i);
    out.push_back(event(time, static_cast<double>(time * 7919 % 10'007) / 10));
  }
  return out;
}

// A peer that was away while the node wrote so many cells, and now takes one frame at a time.
struct Returned {
  explicit Returned(std::size_t cells, NodeConfig with = config()) : node(1, with), peer(node) {
    for (std::size_t cell = 0; cell < cells; ++cell)
      REQUIRE(node.write(noise(static_cast<Ticks>(cell * kCell), kCell)).ok());
    message::Hello hello = peer.hello();
    hello.datasets = with.datasets;
    hello.credit = 1;
    peer.say(hello);
    peer.say(message::Frontier{});
  }

  // The next frame of data; the peer makes room for one more.
  std::optional<message::Delta> next() {
    const auto deltas = only<message::Delta>(peer.hear());
    if (deltas.empty()) return std::nullopt;
    REQUIRE(deltas.size() == 1);
    message::Ack room;
    room.credit = static_cast<std::uint32_t>(encode(deltas[0]).size());
    peer.say(room);
    return deltas[0];
  }
  std::vector<Seq> firsts() {
    std::vector<Seq> out;
    while (const auto delta = next()) out.push_back(delta->first);
    return out;
  }

  TestNode node;
  ScriptedPeer peer;
};

}  // namespace

TEST_CASE("who was away gets the newest first", "[engine][node][push]") {
  SECTION("block by block of what is in memory") {
    Returned returned(4);
    CHECK(returned.firsts() == std::vector<Seq>{3 * kCell + 1, 2 * kCell + 1, kCell + 1, 1});
  }
  SECTION("and of what is not, older and longer parts") {
    NodeConfig with = config();
    with.recent_bytes_max = 0;
    Returned returned(10, with);
    std::vector<Seq> cells;
    for (const Seq first : returned.firsts()) cells.push_back((first - 1) / kCell);
    CHECK(cells == std::vector<Seq>{9, 8, 6, 7, 2, 3, 4, 5, 0, 1});
  }
}

TEST_CASE("what is new goes before what is old, which has its share all the same", "[engine][node][push]") {
  NodeConfig with = config();
  with.datasets.push_back({"other"});
  Returned returned(8, with);
  std::size_t new_bytes = 0, old_bytes = 0, old_max = 0;
  std::vector<bool> order;
  REQUIRE(returned.next()->ref.stream->dataset == kTelemetry);
  for (Ticks time = 0; time < 200; ++time) {
    const auto write = [time](Node& node, Instant now) {
      return node.write(dataset_id("other"), events(time, 4), now);
    };
    REQUIRE(returned.node.call(write).ok());
    const auto delta = returned.next();
    REQUIRE(delta);
    const bool old = delta->ref.index == 0;
    const std::size_t bytes = encode(*delta).size();
    (old ? old_bytes : new_bytes) += bytes;
    if (old) old_max = std::max(old_max, bytes);
    order.push_back(old);
  }
  INFO(old_bytes << " bytes old, " << new_bytes << " new, " << old_max << " in one frame");
  CHECK(!order[1]);  // The frame before it was on its way when the first event was written.
  CHECK(old_bytes > 0);
  CHECK(old_bytes <= new_bytes / static_cast<std::size_t>(limits::kNewPerOld) + 2 * old_max);
  CHECK(old_bytes + 2 * old_max >= new_bytes / static_cast<std::size_t>(limits::kNewPerOld));
}

TEST_CASE("data waits for a link with a cap, and no longer than that", "[engine][node][push]") {
  NodeConfig with = config();
  with.link_bytes_per_second = 1'000;
  with.keepalive = seconds(3600);
  Returned returned(6, with);
  TestNode& node = returned.node;
  node.wait(seconds(1));  // For HELLO and frontier, which count.
  const microseconds start = node.now.steady;
  std::size_t bytes = 0;
  for (int frame = 0; frame < 6; ++frame) {
    const auto delta = returned.next();
    REQUIRE(delta);
    bytes += encode(*delta).size();
    const microseconds through = start + bytes * microseconds(1'000);
    node.now.steady = through - limits::kPaceAhead - microseconds(1);
    node.tick();
    CHECK(node.frames.empty());
    CHECK(*node.wake_at <= through);
    node.now.steady = through;
    node.tick();
  }
}

TEST_CASE("a link with a cap carries acknowledgements while data waits", "[engine][node][push]") {
  NodeConfig with = config();
  with.link_bytes_per_second = 1'000;
  Returned returned(2, with);
  returned.node.wait(seconds(1));
  REQUIRE(returned.next());
  returned.peer.say(returned.peer.delta(1, 4));
  CHECK(only<message::Ack>(returned.peer.hear()).size() == 1);
}

}  // namespace deltamesh::test
