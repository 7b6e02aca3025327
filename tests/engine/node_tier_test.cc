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

// A block of 100,000 bytes that do not shrink.
std::vector<NamedEvent> block(Ticks time) {
  std::string noise(10'000, 'x');
  std::vector<NamedEvent> out;
  for (std::size_t n = 0; n < 10; ++n) {
    for (std::size_t i = 0; i < noise.size(); ++i)
      noise[i] = static_cast<char>('a' + (static_cast<std::size_t>(time) * 31 + n * 17 + i * i) % 26);
    out.push_back({time, 0, Quality::kGood, std::nullopt, {{"log", "", noise}}});
  }
  return out;
}

void write_blocks(TestNode& node, int count) {
  for (int i = 0; i < count; ++i) REQUIRE(node.write(block(i)).ok());
}

StreamKnowledge known(const TestNode& node, const StreamId& stream) {
  const StreamKnowledge* const known = node.node().knowledge().find(stream);
  return known == nullptr ? StreamKnowledge() : *known;
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
  TestNode gateway(1, small()), cloud(kCloud), device(3);
  TestNet net;
  // First what the cloud never hears of, then what it acknowledges.
  const PeerId link = net.connect(device, gateway);
  net.run();
  write_blocks(device, 5);
  net.run();
  net.disconnect(link);
  const IntervalSet unheard = gateway.held(device.stream());
  REQUIRE(unheard.size() == 50);
  NodeConfig deaf = config();
  deaf.datasets[0].scope = Scope::kBoth;
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
  TestNode again(empty, 0x77, tiered());  // Its disk is new; of what it had it knows nothing.
  NodeConfig mute = tiered();
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
  message::Frontier naming;
  naming.entries.push_back({{0, device.stream()}, {}, {}, 0, 0});
  stranger.say(naming);
  stranger.say(message::TierAck{identity(5), false, {{0, IntervalSet({1, 30})}}});
  for (std::uint32_t i = 0; i < 2 * limits::kAckersMax; ++i) {
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
  message::Frontier naming;
  naming.entries.push_back({{0, device.stream()}, {}, {}, 0, 0});
  stranger.say(naming);
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
