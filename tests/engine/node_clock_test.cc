// tests/engine/node_clock_test.cc - clocks that are wrong: 1970, 50 years ahead and back, steps in either
// direction.
#include <catch2/catch.hpp>

#include "tests/engine/node_fixture.h"

using namespace deltamesh;
using namespace deltamesh::test;

namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;

constexpr seconds kToday{1'780'000'000};
constexpr hours kYear{8766};
constexpr microseconds k2076 = kToday + 50 * kYear;

void set_clock(TestNode& node, microseconds wall, bool trusted) {
  node.now.wall = wall;
  node.now.trusted = trusted;
}

const MapEntry& entry(const TestNode& node, const std::string& key) {
  return *node.node().map(kSettings)->find_entry(key);
}

// Values in conflict with that of the key, the latest first.
std::vector<std::string> conflicts(const TestNode& node, const std::string& key) {
  std::vector<std::string> values;
  const auto& all = node.node().map(kSettings)->conflicts();
  if (const auto found = all.find(key); found != all.end()) {
    for (const MapEntry& each : found->second) values.push_back(each.value);
  }
  return values;
}

void repair(TestNode& node, const std::string& key) {
  REQUIRE(node.call([&](Node& at, Instant now) { return at.repair(kSettings, key, now); }));
}

// A device and a gateway, linked.
struct Pair {
  TestNode device{1}, gateway{2};
  TestNet net;
  PeerId link = net.connect(device, gateway);

  Pair() { net.run(); }
  void part() { net.disconnect(link); }
  void meet() {
    link = net.connect(device, gateway);
    net.run();
  }
  void write(TestNode& node, const std::string& value) {
    REQUIRE(node.put("key", value));
    net.run();
  }
  [[nodiscard]] bool both_have(const std::string& value) const {
    return device.value("key") == value && gateway.value("key") == value;
  }
  [[nodiscard]] bool are_equal() const {
    return *device.node().map(kSettings) == *gateway.node().map(kSettings);
  }
};

NodeConfig with_floor(milliseconds floor) {
  NodeConfig out = config();
  out.clock_floor = floor;
  return out;
}

}  // namespace

TEST_CASE("a key with a stamp of 2076 takes new values at once, from whoever has seen it",
          "[engine][clock]") {
  const bool believed = GENERATE(true, false);
  CAPTURE(believed);
  Pair pair;
  set_clock(pair.device, k2076, believed);
  pair.write(pair.device, "from the future");
  REQUIRE(pair.both_have("from the future"));
  pair.write(pair.gateway, "of today");
  CHECK(pair.both_have("of today"));
  set_clock(pair.device, kToday, believed);
  pair.write(pair.device, "of today, too");
  CHECK(pair.both_have("of today, too"));
  pair.write(pair.gateway, "last");
  CHECK(pair.both_have("last"));
  CHECK(conflicts(pair.gateway, "key").empty());
  CHECK(pair.are_equal());
}

TEST_CASE("a write made after seeing another wins on every node, whatever the clocks show",
          "[engine][clock]") {
  struct Clock {
    microseconds wall;
    bool trusted;
  };
  const std::vector<Clock> clocks = {{kToday, true},
                                     {kToday - hours(3), true},
                                     {kToday + hours(3), true},
                                     {seconds(5), false},
                                     {k2076, false},
                                     {k2076, true}};
  for (const Clock& a : clocks) {
    for (const Clock& b : clocks) {
      CAPTURE(a.wall.count(), a.trusted, b.wall.count(), b.trusted);
      Pair pair;
      set_clock(pair.device, a.wall, a.trusted);
      set_clock(pair.gateway, b.wall, b.trusted);
      for (int round = 0; round < 3; ++round) {
        pair.write(pair.device, "d" + std::to_string(round));
        CHECK(pair.both_have("d" + std::to_string(round)));
        pair.write(pair.gateway, "g" + std::to_string(round));
        CHECK(pair.both_have("g" + std::to_string(round)));
      }
      CHECK(conflicts(pair.device, "key").empty());
      CHECK(pair.are_equal());
    }
  }
}

TEST_CASE("steps of the clock in either direction lose no sample and no write", "[engine][clock]") {
  const bool trusted = GENERATE(true, false);
  CAPTURE(trusted);
  Pair pair;
  const std::vector<microseconds> walls = {kToday, seconds(1),          kToday + minutes(2), kToday,
                                           k2076,  kToday - 10 * kYear, microseconds(-7),    kToday};
  for (std::size_t i = 0; i < walls.size(); ++i) {
    set_clock(pair.device, walls[i], trusted);
    REQUIRE(pair.device.write(events(static_cast<Ticks>(i) * 10, 3)));
    pair.write(pair.device, std::to_string(i));
    CHECK(pair.both_have(std::to_string(i)));
    if (i == 4) pair.device.restart(), pair.part(), pair.meet();
  }
  CHECK(pair.gateway.held(pair.device.stream()) == IntervalSet(Interval{1, 3 * walls.size()}));
}

TEST_CASE("a device that starts in 1970 takes the time from entries of trusted clocks", "[engine][clock]") {
  Pair pair;
  pair.part();
  set_clock(pair.device, seconds(3), false);
  REQUIRE(pair.device.put("key", "of 1970"));
  REQUIRE(pair.gateway.put("key", "of today"));
  pair.meet();
  CHECK(pair.both_have("of today"));
  CHECK(conflicts(pair.device, "key") == std::vector<std::string>{"of 1970"});
  pair.write(pair.device, "decided");
  CHECK(pair.both_have("decided"));
  CHECK(entry(pair.gateway, "key").untrusted);
  CHECK(entry(pair.gateway, "key").version.epoch == 0);
  CHECK(entry(pair.gateway, "key").version.stamp.time() >= milliseconds(kToday));
  CHECK(conflicts(pair.gateway, "key").empty());
}

TEST_CASE(
    "concurrent writes go by true time where both clocks are trusted; else the loser is in the list, on all "
    "nodes",
    "[engine][clock]") {
  struct Row {
    bool device, gateway;
    microseconds device_wall;
    std::string wins;
    std::vector<std::string> in_conflict;
  };
  const auto row = GENERATE(values<Row>({
      {true, true, kToday - seconds(1), "g", {}},
      {true, true, kToday + seconds(1), "d", {}},
      {false, true, kToday - seconds(1), "g", {"d"}},
      {false, true, kToday + seconds(1), "d", {"g"}},
      {true, false, kToday - seconds(1), "g", {"d"}},
      {false, false, kToday + seconds(1), "d", {"g"}},
  }));
  CAPTURE(row.device, row.gateway, row.wins);
  Pair pair;
  pair.part();
  set_clock(pair.device, row.device_wall, row.device);
  set_clock(pair.gateway, kToday, row.gateway);
  REQUIRE(pair.device.put("key", "d"));
  REQUIRE(pair.gateway.put("key", "g"));
  pair.meet();
  CHECK(pair.both_have(row.wins));
  TestNode cloud(3);
  pair.net.connect(pair.gateway, cloud);
  pair.net.run();
  pair.device.restart();
  for (const TestNode* const node : {&pair.device, &pair.gateway, &cloud}) {
    CHECK(conflicts(*node, "key") == row.in_conflict);
    CHECK(node->counters().map_conflicts == row.in_conflict.size());
  }
}

TEST_CASE("a write or a repair by whoever has seen them decides the conflicts of a key everywhere",
          "[engine][clock]") {
  const bool repairs = GENERATE(true, false), at_device = GENERATE(true, false);
  CAPTURE(repairs, at_device);
  Pair pair;
  pair.part();
  set_clock(pair.device, kToday + hours(5), false);
  REQUIRE(pair.device.put("key", "d"));
  REQUIRE(pair.gateway.put("key", "g"));
  pair.meet();
  REQUIRE(conflicts(pair.gateway, "key") == std::vector<std::string>{"g"});
  TestNode& decides = at_device ? pair.device : pair.gateway;
  if (repairs) repair(decides, "key");
  if (!repairs) REQUIRE(decides.put("key", "g"));
  pair.net.run();
  CHECK(pair.both_have(repairs ? "d" : "g"));
  CHECK(conflicts(pair.device, "key").empty());
  CHECK(pair.are_equal());
}

TEST_CASE("a repair keeps what was written last, also if that is not durable yet", "[engine][node][clock]") {
  TestNode node(1);
  REQUIRE(node.put("key", "old"));
  node.hold_commits();
  const bool removed = GENERATE(false, true);
  if (removed) {
    REQUIRE(node.remove("key"));
  } else {
    REQUIRE(node.put("key", "new"));
  }
  repair(node, "key");
  node.release_commits();
  CHECK(node.value("key") == (removed ? "(none)" : "new"));
}

TEST_CASE("a repaired tombstone stays one, and what was never written cannot be repaired",
          "[engine][clock]") {
  Pair pair;
  pair.write(pair.device, "on");
  REQUIRE(pair.device.remove("key"));
  const MapVersion before = entry(pair.device, "key").version;
  repair(pair.device, "key");
  CHECK(entry(pair.device, "key").tombstone);
  CHECK(entry(pair.device, "key").version > before);
  const auto none =
      pair.device.call([](Node& node, Instant now) { return node.repair(kSettings, "none", now); });
  REQUIRE(!none);
  CHECK(none.error().code == ErrorCode::kNotFound);
}

TEST_CASE("two writes to a key that are not durable yet are no conflict", "[engine][clock]") {
  Pair pair;
  pair.device.hold_commits();
  set_clock(pair.device, k2076, true);
  REQUIRE(pair.device.put("key", "first"));
  set_clock(pair.device, kToday, GENERATE(true, false));
  REQUIRE(pair.device.put("key", "second"));
  pair.device.release_commits();
  pair.net.run();
  CHECK(pair.both_have("second"));
  CHECK(conflicts(pair.gateway, "key").empty());
}

// --- Stamps ahead ----------------------------------------------------------------------------------------

TEST_CASE(
    "who has a trusted clock tells a peer whose stamps run ahead, once, and the peer mends what it wrote",
    "[engine][clock]") {
  Pair pair;
  set_clock(pair.device, k2076, false);
  pair.write(pair.device, "from the future");
  REQUIRE(pair.device.put("other", "from the future, too"));
  pair.net.run();
  CHECK(only<message::ClockAhead>(pair.net.said).size() == 1);
  CHECK(pair.device.counters().clock_ahead_heard == 1);
  CHECK(pair.device.counters().entries_mended == 1);
  const MapEntry& mended = entry(pair.gateway, "key");
  CHECK(mended.value == "from the future");
  CHECK(mended.version.epoch == 1);
  CHECK(mended.version.stamp.time() <= milliseconds(kToday + minutes(1)));
  CHECK(mended.untrusted);
  CHECK(entry(pair.gateway, "other").version.epoch == 0);
  CHECK(pair.are_equal());
}

TEST_CASE("whose clock becomes right mends what it wrote, also after a restart", "[engine][clock]") {
  const bool restarts = GENERATE(true, false);
  CAPTURE(restarts);
  TestNode device(1);
  set_clock(device, k2076, false);
  REQUIRE(device.put("key", "from the future"));
  if (restarts) device.restart();
  set_clock(device, kToday, false);
  device.tick();
  CHECK(entry(device, "key").version.epoch == 0);
  set_clock(device, kToday, true);
  device.tick();
  CHECK(entry(device, "key").version.epoch == 1);
  CHECK(entry(device, "key").version.stamp.time() == milliseconds(kToday));
  CHECK(device.store().image()->clock.time() == milliseconds(kToday));
}

TEST_CASE("all entries of a map are mended, however many", "[engine][clock]") {
  TestNode device(1);
  set_clock(device, k2076, false);
  const std::size_t keys = 2 * limits::kMendAtOnce + 3;
  for (std::size_t i = 0; i < keys; ++i) REQUIRE(device.put("key-" + std::to_string(i), "v"));
  set_clock(device, kToday, true);
  device.tick();
  CHECK(device.counters().entries_mended == keys);
  for (const auto& [key, each] : device.node().map(kSettings)->entries()) CHECK(each.version.epoch == 1);
}

TEST_CASE("mending decides nothing, whoever has told the time", "[engine][clock]") {
  const bool by_itself = GENERATE(true, false);
  CAPTURE(by_itself);
  Pair pair;
  pair.part();
  set_clock(pair.device, k2076, false);
  REQUIRE(pair.device.put("key", "d"));
  REQUIRE(pair.gateway.put("key", "g"));
  if (by_itself) set_clock(pair.device, kToday + minutes(5), true);
  pair.meet();
  CHECK(entry(pair.gateway, "key").version.epoch == 1);
  CHECK(pair.both_have("d"));
  CHECK(conflicts(pair.gateway, "key") == std::vector<std::string>{"g"});
  CHECK(pair.are_equal());
}

TEST_CASE("who does not know the time tells nobody, and who knows it believes nobody", "[engine][clock]") {
  Pair pair;
  const bool device = GENERATE(true, false);
  set_clock(pair.device, k2076, device);
  set_clock(pair.gateway, kToday, device);
  pair.write(pair.device, "v");
  pair.write(pair.device, "w");
  CHECK(only<message::ClockAhead>(pair.net.said).size() == (device ? 1 : 0));
  CHECK(pair.gateway.counters().stamps_ahead == (device ? 2 : 0));
  CHECK(entry(pair.gateway, "key").version.epoch == 0);
  CHECK(pair.device.counters().clock_ahead_heard == 0);
}

TEST_CASE("only the author of an entry is told", "[engine][clock]") {
  Pair pair;
  set_clock(pair.device, k2076, false);
  set_clock(pair.gateway, kToday, false);
  TestNode cloud(3);
  pair.net.connect(pair.gateway, cloud);
  pair.write(pair.device, "v");
  CHECK(cloud.value("key") == "v");
  CHECK(cloud.counters().stamps_ahead == 1);
  CHECK(cloud.counters().clock_ahead_told == 0);
}

TEST_CASE("a peer that lies about the time is believed seldom, and not below the time of the build",
          "[engine][clock]") {
  TestNode device(1, with_floor(kToday - kYear));
  set_clock(device, kToday, false);
  REQUIRE(device.put("key", "v"));
  ScriptedPeer peer(device);
  peer.agree();
  peer.say(message::ClockAhead{kToday - 2 * kYear});
  CHECK(device.counters().clock_ahead_heard == 0);
  peer.say(message::ClockAhead{kToday - hours(1)});
  CHECK(device.counters().clock_ahead_heard == 1);
  CHECK(entry(device, "key").version.epoch == 1);
  peer.say(message::ClockAhead{kToday - hours(2)});
  CHECK(device.counters().clock_ahead_heard == 1);
  CHECK(peer.end().empty());
  device.now.steady += limits::kClockToldInterval;
  peer.say(message::ClockAhead{kToday - hours(2)});
  CHECK(device.counters().clock_ahead_heard == 2);
  CHECK(entry(device, "key").version.epoch == 2);
}

TEST_CASE("the time that a peer told goes on with the steady clock, whatever the wall clock shows",
          "[engine][clock]") {
  TestNode device(1);
  set_clock(device, k2076, false);
  REQUIRE(device.put("key", "v"));
  ScriptedPeer peer(device);
  peer.agree();
  peer.say(message::ClockAhead{kToday});
  device.now.steady += minutes(5);
  set_clock(device, seconds(9), false);
  REQUIRE(device.put("key", "w"));
  CHECK(entry(device, "key").version.stamp.time() == milliseconds(kToday + minutes(5)));
}

TEST_CASE("a clock before the time of the build is not trusted, and no stamp is behind it",
          "[engine][clock]") {
  TestNode device(1, with_floor(kToday - kYear));
  set_clock(device, seconds(3), true);
  REQUIRE(device.put("key", "v"));
  CHECK(entry(device, "key").untrusted);
  CHECK(entry(device, "key").version.stamp.time() == milliseconds(kToday - kYear));
  set_clock(device, kToday, true);
  REQUIRE(device.put("key", "w"));
  CHECK_FALSE(entry(device, "key").untrusted);
}

TEST_CASE("the operator's word on a clock goes before the machine's", "[engine][clock]") {
  const auto word = GENERATE(ClockTrust::kTrusted, ClockTrust::kUntrusted, ClockTrust::kAuto);
  const bool vouched = GENERATE(true, false);
  NodeConfig with = config();
  with.clock = word;
  TestNode device(1, with);
  set_clock(device, kToday, vouched);
  REQUIRE(device.put("key", "v"));
  const bool trusted = word == ClockTrust::kAuto ? vouched : word == ClockTrust::kTrusted;
  CHECK(entry(device, "key").untrusted == !trusted);
}

TEST_CASE("conflicts come over each link once", "[engine][clock]") {
  Pair pair;
  pair.part();
  set_clock(pair.device, kToday - seconds(9), false);
  REQUIRE(pair.device.put("key", "d"));
  REQUIRE(pair.gateway.put("key", "g"));
  pair.meet();
  TestNode cloud(3);
  pair.net.connect(pair.gateway, cloud);
  pair.net.run();
  CHECK(conflicts(cloud, "key") == std::vector<std::string>{"d"});
  CHECK(cloud.counters().redundant_events == 0);
  CHECK(pair.device.counters().redundant_events == 0);
}

TEST_CASE("a write that decides conflicts while their page waits travels once in their place",
          "[engine][clock]") {
  TestNode node(1);
  set_clock(node, kToday, false);
  REQUIRE(node.put("first", std::string(limits::kMapPageBytes, 'x')));
  REQUIRE(node.put("key", "mine"));
  ScriptedPeer writer(node);
  writer.agree();
  MapEntry other{"key", {0, {1}, {{}, 1}}, false, "other", true, {}};
  writer.say(message::MapDelta{1, true, {{0, writer.map_stream()}}, {}, {{0, other}}});
  REQUIRE(conflicts(node, "key") == std::vector<std::string>{"other"});

  ScriptedPeer reader(node, 50);
  message::Hello hello = reader.hello();
  hello.credit = 1;
  reader.say(hello);
  reader.say(message::Frontier{});
  REQUIRE(only<message::MapDelta>(reader.hear()).size() == 1);
  REQUIRE(node.put("key", "decided"));
  message::Ack more;
  more.credit = limits::kCreditBytes;
  reader.say(more);
  std::vector<std::string> values;
  for (const auto& page : only<message::MapDelta>(reader.hear())) {
    for (const auto& each : page.entries) values.push_back(each.entry.value);
  }
  CHECK(values == std::vector<std::string>{"decided"});
}
