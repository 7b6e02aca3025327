// tests/engine/node_source_test.cc - each stream comes from one peer, and from another when that one fails.
#include <catch2/catch.hpp>

#include <algorithm>

#include "tests/engine/node_fixture.h"

namespace deltamesh::test {
namespace {

struct Ring {
  Ring() : links{net.connect(a, b), net.connect(b, c), net.connect(c, a)} { net.run(); }

  void write_at_a() {
    REQUIRE(a.write(events(++last, 1)).ok());
    net.run();
  }
  [[nodiscard]] std::uint64_t redundant() const {
    return a.counters().redundant_events + b.counters().redundant_events + c.counters().redundant_events;
  }

  TestNode a{1}, b{2}, c{3};
  TestNet net;
  std::array<PeerId, 3> links;
  Ticks last = 0;
};

// A node between a writer and another node; its disk is slow.
struct Relay {
  Relay() : link(net.connect(b, c)), a(b) {
    a.agree();
    net.run();
    b.hold_commits();
    a.say(a.delta(1, 2));
    net.run();
  }

  TestNode b{2}, c{3};
  TestNet net;
  PeerId link;
  ScriptedPeer a;
};

// What a node asked its peer for and told it since the last look.
struct Wishes {
  explicit Wishes(ScriptedPeer& peer) {
    for (const auto& ack : only<message::Ack>(peer.hear())) {
      haves += ack.haves.size();
      subscribed += ack.subscribed.size();
      unsubscribed += ack.unsubscribed.size();
    }
  }
  std::size_t haves = 0, subscribed = 0, unsubscribed = 0;
};

message::Delta far(const ScriptedPeer& peer, Seq first, std::uint32_t count) {
  message::Delta delta = peer.delta(first, count);
  delta.ref.stream = kFar;
  return delta;
}

}  // namespace

TEST_CASE("in a ring no event but a stream's first comes twice", "[engine][node][source]") {
  Ring ring;
  ring.write_at_a();
  const std::uint64_t first = ring.redundant();
  for (int i = 0; i < 20; ++i) ring.write_at_a();
  CHECK(ring.redundant() == first);
  CHECK(ring.b.held(ring.a.stream()) == IntervalSet({1, 21}));
  CHECK(ring.c.held(ring.a.stream()) == IntervalSet({1, 21}));
}

TEST_CASE("who loses the peer that brings a stream gets it from another", "[engine][node][source]") {
  Ring ring;
  for (int i = 0; i < 3; ++i) ring.write_at_a();
  const auto lost = GENERATE(0, 2);  // Between a and b, between c and a.
  ring.net.disconnect(ring.links[static_cast<std::size_t>(lost)]);
  for (int i = 0; i < 3; ++i) ring.write_at_a();
  for (TestNode* const node : {&ring.b, &ring.c}) node->wait(limits::kLate);
  ring.net.run();
  CHECK(ring.b.held(ring.a.stream()) == IntervalSet({1, 6}));
  CHECK(ring.c.held(ring.a.stream()) == IntervalSet({1, 6}));
}

TEST_CASE("an event is passed on before its commit and acknowledged after it", "[engine][node][source]") {
  Relay relay;
  CHECK(relay.c.held(relay.a.stream()) == IntervalSet({1, 2}));
  CHECK(relay.b.held(relay.a.stream()).empty());
  CHECK(only<message::Ack>(relay.a.hear()).empty());
  relay.b.release_commits();
  CHECK(relay.b.held(relay.a.stream()) == IntervalSet({1, 2}));
  REQUIRE(only<message::Ack>(relay.a.hear()).size() == 1);
  relay.net.run();
  CHECK(relay.c.counters().redundant_events == 0);
}

TEST_CASE("what was passed on and could not be stored here is fetched again", "[engine][node][source]") {
  Relay relay;
  REQUIRE(relay.c.held(relay.a.stream()) == IntervalSet({1, 2}));
  relay.b.fail_next();
  relay.b.release_commits();
  CHECK(relay.b.held(relay.a.stream()).empty());
  CHECK(relay.b.node().sessions().empty());  // Nobody who knows of it goes on as though b had it.
  relay.net.disconnect(relay.link);
  relay.net.connect(relay.b, relay.c);
  relay.net.run();
  CHECK(relay.b.held(relay.a.stream()) == IntervalSet({1, 2}));
}

TEST_CASE("the slower of two peers is told to stop, and tells what it has", "[engine][node][source]") {
  TestNode node(1);
  ScriptedPeer fast(node, 50), slow(node, 51);
  fast.agree();
  slow.agree();
  fast.say(far(fast, 1, 1));
  slow.hear();
  slow.say(far(slow, 1, 1));
  CHECK(Wishes(slow).unsubscribed == 1);
  CHECK(Wishes(fast).unsubscribed == 0);

  SECTION("news of what is here already asks for nothing") {
    message::Ack news;
    news.haves = {{{0, std::nullopt}, IntervalSet({1, 1})}};
    slow.say(news);
    node.wait(limits::kLate);
    CHECK(Wishes(slow).subscribed == 0);
  }
  SECTION("an event that was told of and does not come is asked for, after a while") {
    message::Ack news;
    news.haves = {{{0, std::nullopt}, IntervalSet({2, 2})}};
    slow.say(news);
    CHECK(Wishes(slow).subscribed == 0);
    CHECK_FALSE(node.node().quiet());
    node.wait(limits::kLate);
    CHECK(Wishes(slow).subscribed == 1);
    slow.say(named_before(far(slow, 2, 1)));
    CHECK(node.held(kFar) == IntervalSet({1, 2}));
    node.wait(limits::kLate);
    CHECK(Wishes(slow).subscribed == 0);
  }
  SECTION("at once, if the faster peer is gone") {
    fast.leave();
    message::Ack news;
    news.haves = {{{0, std::nullopt}, IntervalSet({2, 2})}};
    slow.say(news);
    CHECK(Wishes(slow).subscribed == 1);
  }
}

TEST_CASE("a peer that unsubscribes gets news, and what it lacks once it subscribes",
          "[engine][node][source]") {
  TestNode node(1);
  ScriptedPeer peer(node);
  peer.agree();
  REQUIRE(node.write(events(1, 1)).ok());
  REQUIRE(only<message::Delta>(peer.hear()).size() == 1);
  message::Ack stop;
  stop.unsubscribed = {0};
  peer.say(stop);
  REQUIRE(node.write(events(2, 1)).ok());
  const auto heard = peer.hear();
  CHECK(only<message::Delta>(heard).empty());
  const auto acks = only<message::Ack>(heard);
  REQUIRE(acks.size() == 1);
  REQUIRE(acks[0].haves.size() == 1);
  CHECK(acks[0].haves[0].dots == IntervalSet({2, 2}));

  message::Ack start;
  start.subscribed = {{0, IntervalSet({1, 1})}};
  peer.say(start);
  const auto deltas = only<message::Delta>(peer.hear());
  REQUIRE(deltas.size() == 1);
  CHECK(deltas[0].first == 2);
}

TEST_CASE("a second session brings what only its peer has", "[engine][node][source]") {
  TestNode a(1), b(2), c(3);
  TestNet net;
  REQUIRE(b.write(events(1, 5)).ok());
  net.connect(b, c);
  net.run();
  REQUIRE(c.write(events(1, 5)).ok());
  net.run();
  net.connect(a, b);
  net.connect(a, c);
  net.run();
  a.wait(limits::kLate);
  net.run();
  CHECK(a.held(b.stream()) == IntervalSet({1, 5}));
  CHECK(a.held(c.stream()) == IntervalSet({1, 5}));
  CHECK(a.counters().redundant_events == 0);
}

TEST_CASE("nodes that know 1,000 streams alike meet again for at most 400 bytes", "[engine][node][source]") {
  TestNode a(1), b(2);
  ScriptedPeer peer(a);
  peer.agree();
  for (std::uint32_t i = 0; i < 1000; ++i) {
    auto delta = peer.delta(1, 1);
    delta.ref = {i, peer.stream()};
    delta.ref.stream->node.bytes[0] = static_cast<std::uint8_t>(i);
    delta.ref.stream->node.bytes[1] = static_cast<std::uint8_t>(i >> 8);
    peer.say(delta);
  }
  REQUIRE(a.node().knowledge().entries().size() == 1000);
  TestNet net;
  const PeerId link = net.connect(a, b);
  net.run();
  REQUIRE(b.node().knowledge() == a.node().knowledge());
  net.disconnect(link);
  const std::uint64_t before = a.counters().frame_bytes_sent + b.counters().frame_bytes_sent;
  net.connect(a, b);
  net.run();
  const std::uint64_t bytes = a.counters().frame_bytes_sent + b.counters().frame_bytes_sent - before;
  CAPTURE(bytes);
  CHECK(bytes <= 400);
  REQUIRE(a.write(events(1, 1)).ok());
  net.run();
  CHECK(b.held(a.stream()) == IntervalSet({1, 1}));
}

TEST_CASE("alarms go before the backlog of other telemetry", "[engine][node][source]") {
  NodeConfig with = config();
  with.datasets.push_back(
      {"alarms", DatasetKind::kTelemetry, Resolution::kMilliseconds, StreamClass::kAlarm});
  TestNode node(1, with);
  ScriptedPeer peer(node);
  message::Hello hello = peer.hello();
  hello.datasets = with.datasets;
  hello.credit = 0;
  peer.say(hello);
  peer.say(message::Frontier{});
  for (Ticks time = 1; time <= 5; ++time) REQUIRE(node.write(events(time, 1)).ok());
  const auto write_alarm = [](Node& at, Instant now) {
    return at.write(dataset_id("alarms"), events(9, 1), now);
  };
  REQUIRE(node.call(write_alarm).ok());
  CHECK(only<message::Delta>(peer.hear()).empty());
  message::Ack credit;
  credit.credit = limits::kCreditBytes;
  peer.say(credit);
  const auto deltas = only<message::Delta>(peer.hear());
  REQUIRE(deltas.size() > 1);
  REQUIRE(deltas[0].ref.stream);
  CHECK(deltas[0].ref.stream->cls == StreamClass::kAlarm);
}

TEST_CASE("maps go before the backlog of telemetry", "[engine][node][source]") {
  TestNode node(1);
  ScriptedPeer peer(node);
  message::Hello hello = peer.hello();
  hello.credit = 0;
  peer.say(hello);
  peer.say(message::Frontier{});
  for (Ticks time = 1; time <= 5; ++time) REQUIRE(node.write(events(time, 1)).ok());
  REQUIRE(node.put("fan/speed", "40").ok());
  const auto held_back = peer.hear();
  CHECK(only<message::Delta>(held_back).empty());
  CHECK(only<message::MapDelta>(held_back).empty());
  message::Ack credit;
  credit.credit = limits::kCreditBytes;
  peer.say(credit);
  const auto heard = peer.hear();
  const auto first = std::find_if(heard.begin(), heard.end(), [](const Message& message) {
    return std::holds_alternative<message::Delta>(message) ||
           std::holds_alternative<message::MapDelta>(message);
  });
  REQUIRE(first != heard.end());
  CHECK(std::holds_alternative<message::MapDelta>(*first));
  CHECK_FALSE(only<message::Delta>(heard).empty());
}

TEST_CASE("a subscription to a stream without a name ends the session", "[engine][node][source]") {
  TestNode node(1);
  ScriptedPeer peer(node);
  peer.agree();
  message::Ack ack;
  SECTION("subscribed") {
    ack.subscribed = {{7, {}}};
  }
  SECTION("unsubscribed") {
    ack.unsubscribed = {7};
  }
  peer.say(ack);
  CHECK_THAT(peer.end(), Catch::Contains("unnamed stream"));
}

TEST_CASE("nobody has news of events of ours that we did not write", "[engine][node][source]") {
  TestNode node(1);
  ScriptedPeer peer(node);
  peer.agree();
  message::Ack ack;
  ack.haves = {{{0, node.stream()}, IntervalSet({1, 1})}};
  peer.say(ack);
  CHECK_THAT(peer.end(), Catch::Contains("another copy of it runs"));
}

}  // namespace deltamesh::test
