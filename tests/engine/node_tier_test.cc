// tests/engine/node_tier_test.cc - what a tier has acknowledged goes first; what it has not, last and loudly.
#include <catch2/catch.hpp>

#include "tests/engine/node_fixture.h"

namespace deltamesh::test {
namespace {

using std::chrono::minutes;

constexpr std::uint8_t kCloud = 9;

NodeConfig tiered(std::uint64_t bytes = 0) {
  NodeConfig out = config();
  out.tiers = {{"cloud", {identity(kCloud).node}, 1}};
  out.datasets[0].keep_until = "cloud";
  out.store_bytes_max = bytes;
  return out;
}

NodeConfig small() {
  return tiered(limits::kStoreBytesMin);
}

// Each of 100,000 bytes.
void write_blocks(TestNode& node, int count) {
  for (int i = 0; i < count; ++i) REQUIRE(node.write(noisy_events(i, 10, 10'000)).ok());
}

StreamKnowledge known(const TestNode& node, const StreamId& stream) {
  const StreamKnowledge* const known = node.node().knowledge().find(stream);
  return known == nullptr ? StreamKnowledge() : *known;
}

// As the first of those that the peer speaks of.
void name_stream(ScriptedPeer& peer, const StreamId& stream) {
  message::Frontier naming;
  naming.entries.push_back({{0, stream}, {}, {}, 0, 0});
  peer.say(naming);
}

// News of acknowledgements wait for company.
void pass_on(TestNet& net, std::initializer_list<TestNode*> nodes) {
  for (int i = 0; i < 3; ++i) {
    for (TestNode* const node : nodes) node->wait(limits::kTierNews);
    net.run();
  }
}

}  // namespace

TEST_CASE("what the tier has goes before what it has not, however old that is", "[tier]") {
  TestNode gateway(1, small()), device(3);
  TestNet net;
  // First what the cloud never hears of, then what it acknowledges.
  const PeerId link = net.connect(device, gateway);
  net.run();
  write_blocks(device, 5);
  net.run();
  net.disconnect(link);
  const IntervalSet unheard = gateway.held(device.stream());
  REQUIRE(unheard.size() == 50);
  ScriptedPeer acker(gateway, kCloud);
  acker.agree();
  write_blocks(gateway, 12);
  message::Frontier all;
  all.entries.push_back({{0, gateway.stream()}, gateway.held(gateway.stream()), {}, 120, 120});
  acker.say(all);
  acker.leave();
  write_blocks(gateway, 12);
  CHECK(known(gateway, gateway.stream()).dropped().size() > 0);
  CHECK(gateway.held(device.stream()) == unheard);
  CHECK(gateway.counters().events_unacknowledged == 0);
  CHECK(gateway.counters().events_lost == 0);
}

TEST_CASE("data that must go unacknowledged is counted, and void for all to know, exactly", "[tier]") {
  TestNode device(1, small()), cloud(kCloud, tiered());
  TestNet net;
  PeerId link = net.connect(device, cloud);
  net.run();
  write_blocks(device, 3);
  net.run();
  net.disconnect(link);
  write_blocks(device, 50);
  const StreamKnowledge own = known(device, device.stream());
  const IntervalSet lost = own.dropped().minus(cloud.held(device.stream()));
  REQUIRE(lost.size() > 0);
  CHECK(own.lost() == lost);
  CHECK(device.counters().events_lost == lost.size());
  CHECK(device.counters().events_given_up == own.dropped().size());
  device.restart();
  CHECK(known(device, device.stream()) == own);
  net.connect(device, cloud);
  net.run();
  const StreamKnowledge there = known(cloud, device.stream());
  CHECK(there.lost() == lost);
  CHECK(there.missing().empty());
  IntervalSet all = there.held();
  all.join(lost);
  CHECK(all == IntervalSet({1, own.head()}));
}

TEST_CASE("a third node that still holds part of what was lost fills it, and nobody fetches it back",
          "[tier]") {
  TestNode device(1, small()), neighbour(2), cloud(kCloud, tiered());
  TestNet net;
  const PeerId link = net.connect(device, neighbour);
  net.run();
  write_blocks(device, 20);
  net.run();
  net.disconnect(link);
  write_blocks(device, 30);
  const IntervalSet lost = known(device, device.stream()).lost();
  REQUIRE(lost.intersects({1, 1}));
  net.connect(device, cloud);
  net.run();
  net.connect(neighbour, cloud);
  net.run();
  const StreamKnowledge there = known(cloud, device.stream());
  CHECK(there.held().contains(Interval{1, 200}));
  CHECK(there.lost() == lost.minus(IntervalSet({1, 200})));
  CHECK(device.held(device.stream()).minus(IntervalSet({201, 500})).empty());
  CHECK(device.counters().redundant_events == 0);
}

// A peer that has stored these of the device's stream.
void acknowledge(TestNode& device, std::uint8_t number, const IntervalSet& dots, std::uint8_t life = 0) {
  ScriptedPeer acker(device, number);
  message::Hello hello = acker.hello();
  if (life != 0) hello.identity.incarnation.bytes.fill(life);
  acker.say(hello);
  message::Frontier frontier;
  frontier.entries.push_back({{0, device.stream()}, dots, {}, dots.last(), dots.last()});
  acker.say(frontier);
  REQUIRE(acker.end().empty());
  acker.leave();
}

TEST_CASE("of one stream, too, what the tier has goes before older events that it lacks", "[tier]") {
  TestNode device(1, small());
  write_blocks(device, 16);
  // It took the newest first, and then the link broke.
  acknowledge(device, kCloud, IntervalSet({61, 160}));
  write_blocks(device, 8);
  const StreamKnowledge own = known(device, device.stream());
  CHECK(own.held().contains(Interval{1, 60}));
  CHECK(own.lost().empty());
  CHECK(own.dropped().contains(Interval{61, 70}));
  CHECK(IntervalSet({61, 160}).includes(own.dropped()));
  write_blocks(device, 12);
  CHECK(known(device, device.stream()).lost().contains(Interval{1, 10}));
  CHECK(*device.store().bytes_used() <= limits::kStoreBytesMin);
}

TEST_CASE("data that the tier has is not taken in where only what the tier lacks could go for it", "[tier]") {
  TestNode device(1, small()), other(3), cloud(kCloud, tiered());
  TestNet net;
  const PeerId link = net.connect(other, cloud);
  net.run();
  write_blocks(other, 10);
  net.run();
  net.disconnect(link);
  write_blocks(device, 30);
  const IntervalSet before = known(device, device.stream()).lost();
  net.connect(device, cloud);
  net.run();
  // Its own backlog went up first; of the other's data it took what there was room for then.
  CHECK(known(device, device.stream()).lost().minus(before).size() <= 20);
  CHECK(cloud.held(device.stream()).size() + known(device, device.stream()).lost().size() == 300);
  CHECK(known(cloud, device.stream()).lost() == known(device, device.stream()).lost());
}

TEST_CASE("a full relay takes in the backlog that the tier lacks", "[tier]") {
  TestNode relay(2, small()), device(1);
  write_blocks(relay, 30);
  acknowledge(relay, kCloud, IntervalSet({1, 300}));
  write_blocks(device, 10);
  TestNet net;
  net.connect(device, relay);
  net.run();
  CHECK(relay.held(device.stream()) == IntervalSet({1, 100}));
  CHECK(relay.counters().blocks_refused == 0);
}

TEST_CASE("who no longer has what a peer sends says so before it acknowledges", "[tier]") {
  // The centre had the newer half, and gave it up for what came after.
  NodeConfig with = config();
  with.store_bytes_max = limits::kStoreBytesMin;
  TestNode cloud(kCloud, with);
  ScriptedPeer sender(cloud, 1);
  sender.agree();
  sender.say(sender.delta(101, 50));
  while (known(cloud, sender.stream()).dropped().empty()) write_blocks(cloud, 1);
  sender.hear();
  REQUIRE(known(cloud, sender.stream()).dropped().contains(Interval{1, 150}));
  message::Delta older = sender.delta(51, 50);
  older.ref.stream.reset();
  sender.say(older);
  CHECK(sender.end() == "");
  IntervalSet told;
  bool acknowledged = false;
  for (const Message& message : sender.hear()) {
    if (const auto* const frontier = std::get_if<message::Frontier>(&message)) {
      for (const auto& entry : frontier->entries) told.join(entry.dropped);
    }
    if (const auto* const ack = std::get_if<message::Ack>(&message); ack != nullptr && ack->deltas > 0) {
      acknowledged = true;
      CHECK(told.contains(Interval{51, 100}));
    }
  }
  CHECK(acknowledged);
}

TEST_CASE("a writer that gives up for what a peer sends tells that peer what is lost", "[tier]") {
  TestNode device(1, small()), neighbour(2);
  write_blocks(device, 15);
  write_blocks(neighbour, 15);
  TestNet net;
  net.connect(device, neighbour);
  net.run();
  const StreamKnowledge own = known(device, device.stream());
  REQUIRE(own.lost().size() > 0);
  CHECK(known(neighbour, device.stream()).lost() == own.lost().minus(neighbour.held(device.stream())));
}

TEST_CASE("a batch that failed has declared nothing lost", "[tier]") {
  TestNode device(1, small());
  write_blocks(device, 18);
  device.hold_commits();
  device.fail_next();
  write_blocks(device, 4);
  device.release_commits();
  device.wait(std::chrono::seconds(2));
  const StreamKnowledge own = known(device, device.stream());
  CHECK(own.voided().intersect(own.held()).empty());
  CHECK(own.lost() == own.dropped());
  CHECK(device.counters().events_lost == own.lost().size());
  CHECK(own.missing().empty());
}

TEST_CASE("while two lives of a store are heard of, only what both have counts", "[tier]") {
  TestNode device(1, small());
  write_blocks(device, 5);
  ScriptedPeer relay(device, 5);
  relay.agree();
  name_stream(relay, device.stream());
  Identity first = identity(kCloud), second = first;
  second.incarnation.bytes.fill(0x77);
  relay.say(message::TierAck{first, false, {{0, IntervalSet({1, 50})}}});
  relay.say(message::TierAck{second, false, {{0, IntervalSet({1, 20})}}});
  write_blocks(device, 25);
  CHECK_FALSE(known(device, device.stream()).lost().intersects({1, 20}));
  CHECK(known(device, device.stream()).lost().contains(Interval{21, 50}));
}

TEST_CASE("once a node was met, nobody's word counts for its other lives", "[tier]") {
  TestNode device(1, small());
  write_blocks(device, 5);
  acknowledge(device, kCloud, IntervalSet({1, 1}), 0x77);
  ScriptedPeer relay(device, 5);
  relay.agree();
  name_stream(relay, device.stream());
  relay.say(message::TierAck{identity(kCloud), false, {{0, IntervalSet({1, 50})}}});
  write_blocks(device, 25);
  CHECK(known(device, device.stream()).lost().contains(Interval{2, 50}));
}

TEST_CASE("nothing unacknowledged goes for its age", "[tier]") {
  NodeConfig with = tiered();
  with.datasets[0].keep_for = std::chrono::hours(24);
  TestNode device(1, with);
  TestNode cloud(kCloud);
  REQUIRE(device.write(events(0, 5)).ok());
  for (int i = 0; i < 72; ++i) device.wait(std::chrono::hours(1));
  CHECK(device.held(device.stream()).size() == 5);
  TestNet net;
  net.connect(device, cloud);
  net.run();
  for (int i = 0; i < 3; ++i) device.wait(minutes(2));
  CHECK(device.held(device.stream()).empty());
  CHECK(device.counters().events_lost == 0);
  CHECK(cloud.held(device.stream()).size() == 5);
}

TEST_CASE("acknowledgements travel back over nodes between, and survive a restart", "[tier]") {
  TestNode device(1, small()), gateway(2, tiered()), cloud(kCloud, tiered());
  TestNet net;
  net.connect(device, gateway);
  net.connect(gateway, cloud);
  net.run();
  write_blocks(device, 10);
  net.run();
  pass_on(net, {&device, &gateway, &cloud});
  device.wait(minutes(2));
  device.restart();
  write_blocks(device, 15);
  CHECK(known(device, device.stream()).dropped().size() > 0);
  CHECK(known(device, device.stream()).lost().empty());
  CHECK(device.counters().events_unacknowledged == 0);
}

TEST_CASE("what a store acknowledged before it lost its life counts no more", "[tier]") {
  TestNode device(1, small()), gateway(2, tiered());
  TestNet net;
  MemoryStore empty(identity(kCloud));
  {
    TestNode cloud(kCloud, tiered());
    net.connect(device, gateway);
    const PeerId link = net.connect(gateway, cloud);
    net.run();
    write_blocks(device, 5);
    net.run();
    pass_on(net, {&device, &gateway, &cloud});
    net.disconnect(link);
  }
  NodeConfig mute = tiered();  // Its disk is new; of what it had it knows nothing, nor learns it.
  mute.datasets[0].scope = Scope::kNeither;
  TestNode deaf(empty, 0x78, mute);
  net.connect(gateway, deaf);
  net.run();
  pass_on(net, {&device, &gateway, &deaf});
  write_blocks(device, 30);
  CHECK(known(device, device.stream()).lost().contains(Interval{1, 50}));
}

TEST_CASE("of two copies that a tier asks for, one is not enough", "[tier]") {
  NodeConfig with = small();
  with.tiers[0].nodes.push_back(identity(8).node);
  with.tiers[0].copies = 2;
  TestNode device(1, with), one(kCloud), two(8);
  TestNet net;
  const PeerId first = net.connect(device, one);
  const PeerId second = net.connect(device, two);
  net.run();
  write_blocks(device, 5);
  net.run();
  net.disconnect(second);
  write_blocks(device, 5);
  net.run();
  net.disconnect(first);
  write_blocks(device, 25);
  CHECK(known(device, device.stream()).lost().intersects({51, 100}));
  CHECK_FALSE(known(device, device.stream()).lost().intersects({1, 50}));
}

TEST_CASE("nobody can claim to be of a tier, and made-up lives of its nodes fill no memory", "[tier]") {
  TestNode device(1, small());
  ScriptedPeer stranger(device, 5);
  stranger.agree();
  write_blocks(device, 3);
  name_stream(stranger, device.stream());
  stranger.say(message::TierAck{identity(5), false, {{0, IntervalSet({1, 30})}}});
  for (std::uint32_t i = 0; i < 2000; ++i) {
    Identity made_up = identity(kCloud);
    made_up.incarnation.bytes[0] = static_cast<std::uint8_t>(i);
    made_up.incarnation.bytes[1] = static_cast<std::uint8_t>(i >> 8);
    stranger.say(message::TierAck{made_up, i % 2 == 0, {}});
  }
  write_blocks(device, 30);
  CHECK(known(device, device.stream()).lost().contains(Interval{1, 30}));
  CHECK(stranger.end().empty());
}

TEST_CASE("an acknowledgement of numbers that were never used ends the session", "[tier]") {
  TestNode device(1, small());
  ScriptedPeer stranger(device, 5);
  stranger.agree();
  write_blocks(device, 1);
  name_stream(stranger, device.stream());
  SECTION("of our own stream") {
    stranger.say(message::TierAck{identity(kCloud), false, {{0, IntervalSet({1, 11})}}});
    CHECK(stranger.end().find("which itself has written 10") != std::string::npos);
  }
  SECTION("of a stream that was never named") {
    stranger.say(message::TierAck{identity(kCloud), false, {{1, IntervalSet({1, 1})}}});
    CHECK(stranger.end().find("never named") != std::string::npos);
  }
}

}  // namespace deltamesh::test
