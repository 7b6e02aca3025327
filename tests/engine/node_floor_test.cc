// tests/engine/node_floor_test.cc - removed keys are forgotten, and nothing that was removed comes back.
#include <catch2/catch.hpp>

#include "tests/engine/floor_fixture.h"

namespace deltamesh::test {
namespace {

using Values = std::vector<std::string>;

// Three nodes that have all met a removal, in a line.
FloorFleet& removed(FloorFleet& fleet) {
  fleet.link(0, 1);
  fleet.link(1, 2);
  fleet.put(2, "k", "old");
  fleet.run();
  fleet.remove(0, "k");
  fleet.put(0, "other", "stays");
  fleet.run();
  return fleet;
}

}  // namespace

TEST_CASE("a removed key is forgotten on all nodes once the horizon has passed", "[node][floor]") {
  FloorFleet fleet(3);
  removed(fleet);
  fleet.pass(hours(20));
  fleet.settle();
  for (std::size_t node = 0; node < 3; ++node) CHECK(fleet.knows_key(node, "k"));
  fleet.pass_horizon();
  for (std::size_t node = 0; node < 3; ++node) {
    CAPTURE(node);
    CHECK_FALSE(fleet.knows_key(node, "k"));
    CHECK(fleet.value(node, "other") == "stays");
    CHECK_FALSE(fleet[node].store().entry(kSettings, "k")->has_value());
    CHECK(fleet[node].counters().tombstones_collected == 1);
    CHECK(fleet[node].counters().map_rejoins == 0);
    CHECK(fleet.hold_the_same(node, 0));
  }
}

TEST_CASE("without a keeper tombstones stay, and no frame speaks of floors", "[node][floor]") {
  FloorFleet fleet(3, {{0, config()}});
  removed(fleet);
  fleet.pass_horizon();
  for (std::size_t node = 0; node < 3; ++node) CHECK(fleet.knows_key(node, "k"));
  for (const Message& said : fleet.net().said) CHECK_FALSE(std::holds_alternative<message::Floor>(said));
}

TEST_CASE("a key that was forgotten can be written anew", "[node][floor]") {
  FloorFleet fleet(3);
  removed(fleet);
  fleet.pass_horizon();
  fleet.put(2, "k", "new");
  fleet.run();
  CHECK(fleet.values("k") == Values{"new", "new", "new"});
}

TEST_CASE("trace: a collected tombstone is met by an old peer", "[node][floor][trace]") {
  FloorFleet fleet(3);
  fleet.link(0, 1);
  fleet.link(1, 2);
  fleet.put(2, "k", "old");
  fleet.put(2, "kept", "yes");
  fleet.run();
  fleet.isolate(2);
  fleet.remove(0, "k");
  fleet.run();
  fleet.pass_horizon();
  REQUIRE_FALSE(fleet.knows_key(1, "k"));
  REQUIRE(fleet.value(2, "k") == "old");
  SECTION("the peer comes back") {
    fleet.link(1, 2);
  }
  SECTION("the peer comes back after a restart of both") {
    fleet.crash(1);
    fleet.crash(2);
    fleet.link(1, 2);
  }
  SECTION("the peer comes back and wants to write the key of others") {
    fleet.put(2, "kept", "changed");
    fleet.link(1, 2);
    CHECK(fleet.values("kept") == Values{"changed", "changed", "changed"});
    fleet.put(2, "kept", "yes");
  }
  fleet.settle();
  CHECK(fleet.values("k") == Values{"(none)", "(none)", "(none)"});
  CHECK(fleet.values("kept") == Values{"yes", "yes", "yes"});
  CHECK(fleet[2].counters().map_rejoins == 1);
  CHECK(fleet.surfaced(2).empty());
  CHECK(fleet.hold_the_same(2, 0));
  CHECK_FALSE(fleet[2].node().floor(kSettings).rejoining);
  fleet.put(2, "k", "anew");
  fleet.run();
  CHECK(fleet.values("k") == Values{"anew", "anew", "anew"});
}

TEST_CASE("what a peer wrote while it was away is joined above the floor and surfaced below",
          "[node][floor]") {
  FloorFleet fleet(3);
  fleet.link(0, 1);
  fleet.link(1, 2);
  fleet.put(2, "k", "old");
  fleet.put(2, "both", "old");
  fleet.run();
  fleet.isolate(2);
  fleet.put(2, "k", "late");
  fleet.put(2, "both", "late");
  fleet.pass(minutes(1));
  fleet.remove(0, "k");
  fleet.pass(kHorizon);
  fleet.put(2, "fresh", "kept");
  fleet.pass_horizon();
  fleet.link(1, 2);
  fleet.settle();
  CHECK(fleet.values("k") == Values{"(none)", "(none)", "(none)"});
  CHECK(fleet.values("both") == Values{"old", "old", "old"});
  CHECK(fleet.values("fresh") == Values{"kept", "kept", "kept"});
  REQUIRE(fleet.surfaced(2).size() == 2);
  CHECK(fleet.surfaced(2)[0].value == "late");
  CHECK(fleet.surfaced(2)[1].key == "k");
  CHECK(fleet[2].counters().map_surfaced == 2);
  CHECK(fleet[1].counters().map_surfaced == 0);
  CHECK(fleet.hold_the_same(2, 1));
  fleet.crash(2);
  CHECK(fleet[2].counters().map_surfaced == 2);
}

TEST_CASE("an island that knows what was removed keeps what it wrote since, however old that is",
          "[node][floor]") {
  FloorFleet fleet(3);
  removed(fleet);
  fleet.cut(0, 1);
  fleet.pass(minutes(1));
  fleet.put(2, "k", "again");
  fleet.run();
  fleet.pass_horizon();
  fleet.pass_horizon();
  REQUIRE_FALSE(fleet.knows_key(0, "k"));
  fleet.link(0, 1);
  fleet.settle();
  CHECK(fleet.values("k") == Values{"again", "again", "again"});
  CHECK(fleet[1].counters().map_rejoins == 0);
}

TEST_CASE("a map is taken anew through a node that has taken it anew itself", "[node][floor]") {
  FloorFleet fleet(4);
  fleet.link(0, 1);
  fleet.link(1, 2);
  fleet.link(2, 3);
  fleet.put(0, "k", "old");
  fleet.run();
  fleet.cut(1, 2);
  fleet.remove(0, "k");
  fleet.put(3, "island", "early");
  fleet.run();
  fleet.pass_horizon();
  CHECK(fleet.value(3, "k") == "old");
  fleet.put(3, "island 2", "later");
  fleet.run();
  fleet.link(1, 2);
  fleet.settle();
  CHECK(fleet.values("k") == Values(4, "(none)"));
  CHECK(fleet.values("island 2") == Values(4, "later"));
  CHECK(fleet.values("island") == Values(4, "(none)"));
  CHECK(fleet.surfaced(2).size() + fleet.surfaced(3).size() >= 1);
  CHECK(fleet[3].counters().map_rejoins == 1);
  for (std::size_t node = 1; node < 4; ++node) CHECK(fleet.hold_the_same(node, 0));
}

TEST_CASE("a new node takes a map of which some is forgotten", "[node][floor]") {
  FloorFleet fleet(4);
  removed(fleet);
  fleet.put(3, "own", "first");
  fleet.pass_horizon();
  fleet.put(3, "own 2", "second");
  fleet.link(2, 3);
  fleet.settle();
  CHECK(fleet.values("other") == Values(4, "stays"));
  CHECK(fleet.values("own 2") == Values(4, "second"));
  CHECK(fleet.values("k") == Values(4, "(none)"));
}

TEST_CASE("a map that is taken anew goes on after a cut where it was", "[node][floor]") {
  FloorFleet fleet(3);
  fleet.link(0, 1);
  fleet.link(1, 2);
  for (int i = 0; i < 40; ++i) fleet.put(0, "key " + std::to_string(i), std::string(10'000, 'x'));
  fleet.put(0, "k", "old");
  fleet.run();
  fleet.isolate(2);
  fleet.remove(0, "k");
  fleet.put(0, "key 7", "changed");
  fleet.pass_horizon();
  // The first pages come; then the link is lost before the last.
  TestNet& net = fleet.net();
  for (int attempt = 0; attempt < 8; ++attempt) {
    const PeerId peer = net.connect(fleet[1], fleet[2]);
    for (int steps = 0; steps < 3 + attempt; ++steps) net.step();
    net.disconnect(peer);
    fleet[2].restart();
  }
  net.said.clear();
  fleet.link(1, 2);
  fleet.settle();
  std::size_t entries = 0;
  for (const Message& said : net.said) {
    if (const auto* const page = std::get_if<message::MapDelta>(&said)) entries += page->entries.size();
  }
  CHECK(entries < 40);
  CHECK(fleet.values("k") == Values(3, "(none)"));
  CHECK(fleet.values("key 7") == Values(3, "changed"));
  CHECK(fleet.value(2, "key 39") == std::string(10'000, 'x'));
  CHECK_FALSE(fleet[2].node().floor(kSettings).rejoining);
}

TEST_CASE("who only tells a map is watched, since it cannot take it anew", "[node][floor]") {
  NodeConfig teller = config();
  teller.datasets[1].scope = Scope::kPush;
  FloorFleet fleet(2, {{1, teller}});
  fleet.link(0, 1);
  fleet.put(1, "k", "old");
  fleet.put(1, "state", "1");
  fleet.run();
  fleet.isolate(1);
  fleet.put(1, "k", "late");
  fleet.pass(minutes(1));
  fleet.remove(0, "k");
  fleet.pass_horizon();
  REQUIRE_FALSE(fleet.knows_key(0, "k"));
  fleet.put(1, "state", "2");
  fleet.link(0, 1);
  fleet.settle();
  CHECK(fleet.value(0, "k") == "(none)");
  CHECK(fleet.value(0, "state") == "2");
  REQUIRE(fleet.surfaced(0).size() == 1);
  CHECK(fleet.surfaced(0)[0].value == "late");
  fleet.put(1, "state", "3");
  fleet.put(1, "k", "anew");
  fleet.run();
  CHECK(fleet.value(0, "state") == "3");
  CHECK(fleet.value(0, "k") == "anew");
}

TEST_CASE("nothing is collected while a peer in session does not know of it", "[node][floor]") {
  FloorFleet fleet(3);
  fleet.link(1, 2);
  fleet.put(1, "k", "v");
  fleet.run();
  fleet.isolate(2);
  fleet.remove(1, "k");
  fleet.pass(kHorizon + hours(2));
  // The tombstone is old when the other two hear of it, and one of them cannot store it.
  fleet[2].hold_commits();
  fleet.link(1, 2);
  fleet.link(0, 1);
  for (int i = 0; i < 300; ++i) fleet.pass(seconds(25));
  REQUIRE_FALSE(fleet[1].node().floor(kSettings).empty());
  CHECK(fleet.knows_key(1, "k"));
  CHECK(fleet.value(2, "k") == "v");
  fleet[2].release_commits();
  fleet.settle();
  CHECK_FALSE(fleet.knows_key(1, "k"));
  CHECK(fleet.values("k") == Values(3, "(none)"));
  CHECK(fleet[2].counters().map_rejoins == 0);
}

TEST_CASE("who has heard of a floor writes above it, whatever its clock shows", "[node][floor]") {
  NodeConfig device = config();
  device.clock = ClockTrust::kUntrusted;
  FloorFleet fleet(2, {{1, device}});
  fleet[1].now.wall = seconds(0);
  fleet.link(0, 1);
  fleet.put(0, "k", "v");
  fleet.remove(0, "k");
  fleet.pass_horizon();
  REQUIRE_FALSE(fleet.knows_key(1, "k"));
  fleet.put(1, "k", "anew");
  const MapFloor& floor = fleet[1].node().floor(kSettings);
  CHECK_FALSE(floor.is_below(fleet[1].node().map(kSettings)->find("k")->version));
  fleet.run();
  CHECK(fleet.value(0, "k") == "anew");
}

TEST_CASE("a floor from the future is refused", "[node][floor]") {
  FloorFleet fleet(1);
  ScriptedPeer peer(fleet[0]);
  message::Floor told{kSettings, {}};
  told.floor.stamp.bits =
      static_cast<std::uint64_t>(
          std::chrono::duration_cast<std::chrono::milliseconds>(fleet[0].now.wall).count() + 120'000)
      << 16;
  peer.agree();
  peer.say(told);
  CHECK_THAT(peer.end(), Catch::Contains("in the future"));
  CHECK(fleet[0].node().floor(kSettings).empty());
}

}  // namespace deltamesh::test
