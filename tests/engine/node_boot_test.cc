// tests/engine/node_boot_test.cc - samples that bring no time of their own, taken while nothing vouches for
// the clock: none is lost, each is shown once, and everywhere with the same time once that is known.
#include <catch2/catch.hpp>
#include <limits>

#include "engine/query.h"
#include "tests/crdt/random.h"
#include "tests/engine/node_fixture.h"

using namespace deltamesh;
using namespace deltamesh::test;

namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

constexpr seconds kToday{1'780'000'000};
constexpr hours kYear{8766};
constexpr TimeRange kAlways{std::numeric_limits<Ticks>::min(), std::numeric_limits<Ticks>::max()};

NodeConfig with_boots(ClockTrust clock = ClockTrust::kAuto) {
  NodeConfig out = config();
  out.clock = clock;
  out.clock_floor = kToday - kYear;
  out.boot.bytes.fill(1);
  return out;
}

void set_clock(TestNode& node, microseconds wall, bool trusted) {
  node.now.wall = wall;
  node.now.trusted = trusted;
}

// A reading without a time, taken `age` ago.
void take(TestNode& node, double value, microseconds age = {}) {
  NamedEvent one = event(0, value);
  one.taken = node.now.steady - age;
  const auto written = node.write({one});
  CAPTURE(written.ok() ? "" : written.error().text);
  REQUIRE(written.ok());
}

using Shown = std::vector<std::tuple<Ticks, double, Quality>>;
Shown shown(const TestNode& node) {
  SampleQuery query;
  query.dataset = kTelemetry;
  query.series = "room/temperature";
  query.range = kAlways;
  const auto answer = query_samples(node.store(), query);
  Shown out;
  if (!answer) return out;
  for (const Sample& one : answer->samples)
    out.emplace_back(one.time, std::get<double>(one.value), one.quality);
  return out;
}

std::vector<Sample> unplaced(const TestNode& node) {
  const auto answer = query_unplaced(node.store(), {kTelemetry, "room/temperature"});
  REQUIRE(answer);
  CHECK(answer->count == answer->samples.size());
  return answer->samples;
}

// Records of boots that the node holds.
std::size_t records(const TestNode& node) {
  std::size_t count = 0;
  for (const auto& [stream, known] : node.node().knowledge().entries()) {
    REQUIRE(node.store().visit_blocks(stream, kAlways.from, kAlways.to, StoreReader::Order::kOldestFirst,
                                      [&](const StoredBlock& block) {
                                        const auto events = decode_block(*block.bytes, limits::kBlock);
                                        for (const Event& one : *events)
                                          count += one.readings.front().series == kBootSeries ? 1 : 0;
                                        return true;
                                      }));
  }
  return count;
}

// A device that was just switched on, in 1970.
struct Device : TestNode {
  explicit Device(ClockTrust clock = ClockTrust::kAuto) : TestNode(1, with_boots(clock)) {
    set_clock(*this, seconds(0), false);
  }
};

constexpr Ticks kTodayTicks = milliseconds(kToday).count();

}  // namespace

TEST_CASE("samples of a clock in 1970 are shown with their time on every node, once it is known",
          "[engine][boot]") {
  TestNode device(1, with_boots()), gateway(2, with_boots()), cloud(3, with_boots());
  set_clock(device, seconds(0), false);
  TestNet net;
  net.connect(device, gateway), net.connect(gateway, cloud);
  net.run();
  device.wait(seconds(10));
  take(device, 1.0);
  device.wait(seconds(10));
  take(device, 2.0, seconds(4));
  net.run();
  for (const TestNode* const node : {&device, &gateway, &cloud}) {
    CHECK(shown(*node).empty());
    REQUIRE(unplaced(*node).size() == 2);
    CHECK(unplaced(*node)[0].boot == 1);
    CHECK(unplaced(*node)[0].time == 10'000);
    CHECK(unplaced(*node)[1].time == 16'000);
  }
  CHECK(device.counters().boots_without_offset == 1);
  set_clock(device, kToday, true);
  device.tick();
  take(device, 3.0);
  net.run();
  const Shown all{{kTodayTicks - 10'000, 1.0, Quality::kGood},
                  {kTodayTicks - 4'000, 2.0, Quality::kGood},
                  {kTodayTicks, 3.0, Quality::kGood}};
  for (const TestNode* const node : {&device, &gateway, &cloud}) {
    CHECK(shown(*node) == all);
    CHECK(unplaced(*node).empty());
    CHECK(records(*node) == 1);
  }
  CHECK(device.counters().boots_without_offset == 0);
  CHECK(device.counters().events_from_boot == 2);
}

TEST_CASE("the record of a boot is written once, whatever the clock does then", "[engine][boot]") {
  Device device;
  take(device, 1.0);
  set_clock(device, kToday, true);
  device.wait(seconds(1));
  for (const microseconds wall : std::vector<microseconds>{kToday - hours(5), kToday + hours(7), kToday}) {
    set_clock(device, wall, true);
    device.wait(seconds(60));
    set_clock(device, wall, false);
    device.wait(seconds(60));
    take(device, 2.0 + static_cast<double>(wall.count()));
  }
  device.restart();
  device.wait(seconds(60));
  CHECK(records(device) == 1);
  CHECK(shown(device).size() == 4);
  CHECK(std::get<0>(shown(device).front()) == kTodayTicks - 1'000);
}

TEST_CASE("steps of a clock that nothing vouches for do not move samples", "[engine][boot]") {
  Device device(ClockTrust::kUntrusted);
  for (const microseconds wall :
       std::vector<microseconds>{seconds(0), kToday + 50 * kYear, kToday - 50 * kYear, microseconds(-9)}) {
    device.wait(seconds(1));
    set_clock(device, wall, false);
    take(device, 1.0);
  }
  const auto waiting = unplaced(device);
  REQUIRE(waiting.size() == 4);
  for (std::size_t i = 0; i < 4; ++i) CHECK(waiting[i].time == static_cast<Ticks>(i + 1) * 1000);
}

TEST_CASE("samples that bring their own time keep it, whatever the clock shows", "[engine][boot]") {
  Device device;
  REQUIRE(device.write({event(77), event(-5)}));
  CHECK(shown(device) == Shown{{-5, 1.5, Quality::kGood}, {77, 1.5, Quality::kGood}});
  CHECK(device.counters().events_from_boot == 0);
}

TEST_CASE("a process that is started anew within one boot goes on counting from it", "[engine][boot]") {
  const bool new_incarnation = GENERATE(false, true);
  CAPTURE(new_incarnation);
  Device device;
  device.wait(seconds(10));
  take(device, 1.0);
  const microseconds up = device.now.up;
  new_incarnation ? device.reboot(1, 0x77) : device.restart();
  device.now.up = up;
  device.wait(seconds(10));
  take(device, 2.0);
  for (const Sample& one : unplaced(device)) CHECK(one.boot == 1);
  set_clock(device, kToday, true);
  device.tick();
  CHECK(shown(device) ==
        Shown{{kTodayTicks - 10'000, 1.0, Quality::kGood}, {kTodayTicks, 2.0, Quality::kGood}});
  CHECK(records(device) == (new_incarnation ? 2 : 1));
}

TEST_CASE("a boot that met no clock ended no later than the next one began", "[engine][boot]") {
  const bool new_incarnation = GENERATE(false, true);
  CAPTURE(new_incarnation);
  Device device;
  TestNode gateway(2, with_boots());
  take(device, 1.0);
  device.wait(seconds(30));
  take(device, 2.0);
  new_incarnation ? device.reboot(2, 0x77) : device.reboot(2);
  device.tick();
  device.wait(seconds(5));
  take(device, 3.0);
  device.wait(seconds(15));
  set_clock(device, kToday, true);
  device.tick();
  const Ticks began = kTodayTicks - 20'000;
  const Shown all{{began - 30'000, 1.0, Quality::kEstimated},
                  {began, 2.0, Quality::kEstimated},
                  {began + 5'000, 3.0, Quality::kGood}};
  CHECK(shown(device) == all);
  CHECK(records(device) == 2);
  TestNet net;
  net.connect(device, gateway);
  net.run();
  CHECK(shown(gateway) == all);
}

TEST_CASE("a store that moves to a machine that has been up for long takes no boot with it",
          "[engine][boot]") {
  Device device;
  take(device, 1.0);
  device.reboot(2, 0x77);
  device.now.up = hours(1'000);
  device.tick();
  take(device, 2.0);
  device.wait(seconds(30));
  set_clock(device, kToday, true);
  device.tick();
  CHECK(shown(device) ==
        Shown{{kTodayTicks - 30'000, 1.0, Quality::kEstimated}, {kTodayTicks - 30'000, 2.0, Quality::kGood}});
}

TEST_CASE("boots in a row that met no clock follow each other", "[engine][boot]") {
  Device device;
  for (std::uint8_t boot = 1; boot <= 4; ++boot) {
    if (boot > 1) device.reboot(boot, static_cast<std::uint8_t>(0x70 + boot));
    take(device, boot);
    device.wait(seconds(10));
    take(device, boot + 0.5);
  }
  device.reboot(9, 0x79);
  set_clock(device, kToday, true);
  device.tick();
  const Shown all = shown(device);
  REQUIRE(all.size() == 8);
  for (std::size_t i = 0; i < 8; ++i) {
    CHECK(std::get<2>(all[i]) == Quality::kEstimated);
    CHECK(std::get<0>(all[i]) == kTodayTicks - 40'000 + static_cast<Ticks>((i + 1) / 2) * 10'000);
  }
  device.restart();
  device.wait(seconds(60));
  CHECK(records(device) == 4);
}

TEST_CASE("a clock that nothing vouches for and that may be right places samples until one does",
          "[engine][boot]") {
  Device device;
  set_clock(device, kToday + hours(3), false);
  take(device, 1.0);
  device.tick();
  CHECK(shown(device) == Shown{{kTodayTicks + 3 * 3'600'000, 1.0, Quality::kUncertain}});
  SECTION("in the same boot") {
    set_clock(device, kToday, true);
    device.wait(seconds(7));
    CHECK(shown(device) == Shown{{kTodayTicks - 7'000, 1.0, Quality::kGood}});
  }
  SECTION("in a later boot, before which this one was over") {
    device.reboot(2);
    set_clock(device, kToday, true);
    device.tick();
    CHECK(shown(device) == Shown{{kTodayTicks, 1.0, Quality::kEstimated}});
  }
  SECTION("in a later boot that bears it out") {
    device.reboot(2);
    set_clock(device, kToday + hours(9), true);
    device.tick();
    CHECK(shown(device) == Shown{{kTodayTicks + 3 * 3'600'000, 1.0, Quality::kEstimated}});
  }
}

TEST_CASE("once somebody sets a clock that nothing vouches for, what comes then goes by it",
          "[engine][boot]") {
  Device device;
  set_clock(device, kToday, false);
  take(device, 1.0);
  device.tick();
  set_clock(device, kToday + hours(12), false);
  device.wait(seconds(30));
  take(device, 2.0);
  set_clock(device, kToday + hours(12) + limits::kBootLook, false);
  device.wait(limits::kBootLook);
  CHECK(shown(device) == Shown{{kTodayTicks, 1.0, Quality::kUncertain},
                               {kTodayTicks + 12 * 3'600'000, 2.0, Quality::kUncertain}});
  set_clock(device, kToday + hours(12) + limits::kBootLook, true);
  device.tick();
  CHECK(shown(device) == Shown{{kTodayTicks + 12 * 3'600'000 - 30'000, 1.0, Quality::kGood},
                               {kTodayTicks + 12 * 3'600'000, 2.0, Quality::kGood}});
}

TEST_CASE("a node that waits for the commit of its record is not woken for nothing", "[engine][boot]") {
  NodeConfig slow = with_boots();
  slow.commit_interval = seconds(30);
  TestNode device(1, slow);
  set_clock(device, kToday, false);
  take(device, 1.0);
  device.tick();
  set_clock(device, kToday, true);
  device.tick();
  CHECK(device.wake_at > device.now.steady);
  for (int turn = 1; turn <= 2; ++turn) {
    set_clock(device, kToday + turn * seconds(31), true);
    device.wait(seconds(31));
  }
  CHECK(shown(device) == Shown{{kTodayTicks, 1.0, Quality::kGood}});
}

TEST_CASE("rows that say a machine was up for ever move no sum about boots out of its range",
          "[engine][boot]") {
  TestNode device(1, with_boots());
  set_clock(device, seconds(0), false);
  take(device, 1.0);
  Batch batch;
  for (std::uint64_t place = 10; place < 400; ++place) {
    BootId id;
    id.bytes.fill(static_cast<std::uint8_t>(place / 2));
    batch.own_boots.push_back({place, device.stream(), 1, id, microseconds::max() - seconds(place)});
  }
  device.store_batch(std::move(batch));
  device.reboot(2);
  set_clock(device, kToday, true);
  device.tick();
  CHECK(shown(device).size() + unplaced(device).size() == 1);
}

TEST_CASE("boots beyond those that have a number leave their samples without a place", "[engine][boot]") {
  TestNode device(1, with_boots());
  set_clock(device, seconds(0), false);
  take(device, 1.0);
  Batch batch;
  BootId id;
  id.bytes.fill(9);
  batch.own_boots.push_back({7, device.stream(), limits::kBootsPerStreamMax, id, {}});
  device.store_batch(std::move(batch));
  device.reboot(2);
  take(device, 2.0);
  set_clock(device, kToday, true);
  device.tick();
  take(device, 3.0);
  CHECK(shown(device).back() == std::tuple{kTodayTicks, 3.0, Quality::kGood});
  REQUIRE(unplaced(device).size() == 1);
  CHECK(unplaced(device)[0].time == 0);
  CHECK(unplaced(device)[0].boot == limits::kBootsPerStreamMax + 1);
}

TEST_CASE("a peer does not say when our present boot was", "[engine][boot]") {
  TestNode node(2, with_boots());
  set_clock(node, seconds(0), false);
  take(node, 1.0);
  ScriptedPeer peer(node);
  peer.agree();
  StreamId ours = node.stream();
  ours.incarnation.bytes.fill(0);
  message::Delta delta = peer.delta(1, 1);
  delta.ref = {0, ours};
  delta.declarations.clear();
  const std::vector<Event> record{{0,
                                   0,
                                   Quality::kGood,
                                   std::nullopt,
                                   {{kBootSeries, encode(BootRecord{node.stream().incarnation, 1, 5})}}}};
  delta.block = *encode_block(record, limits::kBlock);
  peer.say(delta);
  CHECK(peer.end() == "");
  CHECK(node.counters().offsets_refused == 1);
  CHECK(shown(node).empty());
  node.restart();
  set_clock(node, kToday, true);
  node.tick();
  CHECK(shown(node) == Shown{{kTodayTicks, 1.0, Quality::kGood}});
}

TEST_CASE("samples without a place are told within limits", "[engine][boot]") {
  Device device;
  for (int i = 0; i < 5; ++i) take(device, i);
  UnplacedQuery query{kTelemetry, "room/temperature"};
  query.limit = 2;
  auto answer = query_unplaced(device.store(), query);
  REQUIRE(answer);
  CHECK(answer->samples.size() == 2);
  CHECK(answer->count == 5);
  CHECK(answer->complete);
  query.blocks_max = 3;
  answer = query_unplaced(device.store(), query);
  REQUIRE(answer);
  CHECK(answer->count == 3);
  CHECK_FALSE(answer->complete);
}

TEST_CASE("a record that could not be stored is written again", "[engine][boot]") {
  Device device;
  take(device, 1.0);
  set_clock(device, kToday, true);
  device.fail_next();
  device.tick();
  CHECK(shown(device).empty());
  set_clock(device, kToday + seconds(2), true);
  device.wait(seconds(2));
  CHECK(shown(device) == Shown{{kTodayTicks, 1.0, Quality::kGood}});
  CHECK(records(device) == 1);
}

TEST_CASE("a record places samples that come before it, after it and without it", "[engine][boot]") {
  Device device;
  take(device, 1.0);
  set_clock(device, kToday, true);
  device.tick();
  const bool record_first = GENERATE(true, false);
  TestNode third(3, with_boots());
  ScriptedPeer peer(third, 1);
  peer.agree();
  std::vector<StoredBlock> blocks = *device.store().blocks(device.stream(), {1, 9}, 1u << 20);
  REQUIRE(blocks.size() == 2);
  if (record_first) std::swap(blocks[0], blocks[1]);
  for (const StoredBlock& block : blocks) {
    message::Delta delta = peer.delta(block.first, block.events);
    delta.head = delta.settled = 2;
    delta.declarations = {{1, "room/temperature", "Cel", ValueType::kDouble}};
    delta.block = *block.bytes;
    peer.say(delta.first == blocks[0].first ? delta : named_before(delta));
  }
  CHECK(shown(third) == shown(device));
  CHECK(shown(third).size() == 1);
  const auto asked = only<message::SeriesWanted>(peer.hear());
  CHECK(asked.empty());
}

TEST_CASE("a restored store goes on in another incarnation, and both its lives are placed",
          "[engine][boot]") {
  Device device;
  TestNode gateway(2, with_boots());
  device.wait(seconds(10));
  take(device, 1.0);
  const MemoryStore backup = device.store();
  device.wait(seconds(10));
  take(device, 2.0);
  TestNet net;
  const PeerId link = net.connect(device, gateway);
  net.run();
  net.disconnect(link);
  TestNode restored(backup, 0x77, with_boots());
  restored.now = device.now;
  restored.wait(seconds(10));
  take(restored, 3.0);
  net.connect(restored, gateway);
  net.run();
  set_clock(restored, kToday, true);
  restored.tick();
  net.run();
  const Shown all{{kTodayTicks - 20'000, 1.0, Quality::kGood},
                  {kTodayTicks - 10'000, 2.0, Quality::kGood},
                  {kTodayTicks, 3.0, Quality::kGood}};
  CHECK(shown(restored) == all);
  CHECK(shown(gateway) == all);
}

TEST_CASE("what a peer says of boots breaks nothing, and what is no record is counted", "[engine][boot]") {
  constexpr Ticks kMin = std::numeric_limits<Ticks>::min(), kMax = std::numeric_limits<Ticks>::max();
  struct Row {
    Value reading;
    Quality quality;
    bool is_record;
    std::size_t placed = 0;  // Of the events at both ends of what Ticks hold.
  };
  TestNode node(2, with_boots());
  ScriptedPeer peer(node);
  peer.agree();
  const Incarnation incarnation = peer.stream().incarnation;
  Bytes cut = encode(BootRecord{incarnation, 1, 5});
  cut.pop_back();
  const auto row = GENERATE_COPY(values<Row>({
      {encode(BootRecord{incarnation, 1, kMax}), Quality::kGood, true, 1},
      {encode(BootRecord{incarnation, 1, kMin}), Quality::kGood, true, 1},
      {encode(BootRecord{incarnation, limits::kBootsPerStreamMax, 0}), Quality::kUncertain, true},
      {encode(BootRecord{incarnation, limits::kBootsPerStreamMax + 1, 0}), Quality::kGood, false},
      {encode(BootRecord{incarnation, 0, 0}), Quality::kGood, false},
      {encode(BootRecord{incarnation, 1, 0}), Quality::kBad, false},
      {cut, Quality::kGood, false},
      {Value(std::int64_t{7}), Quality::kGood, false},
  }));
  message::Delta delta = peer.delta(1, 3);
  std::vector<Event> some(3);
  some[0] = {kMax, 1, Quality::kGood, std::nullopt, {{1, 20.5}}};
  some[1] = {kMin, 1, Quality::kGood, std::nullopt, {{1, 20.5}}};
  some[2] = {0, 0, row.quality, std::nullopt, {{kBootSeries, row.reading}}};
  delta.declarations = {{1, "room/temperature", "bar", ValueType::kDouble}};
  delta.block = *encode_block(some, limits::kBlock);
  peer.say(delta);
  CHECK(peer.end() == "");
  CHECK(node.counters().offsets_learnt == (row.is_record ? 1 : 0));
  CHECK(node.counters().offsets_refused == (row.is_record ? 0 : 1));
  CHECK(shown(node).size() == row.placed);
  CHECK(unplaced(node).size() == 2 - row.placed);
}

TEST_CASE("a mark is no record of a boot, and none that says nothing usable", "[engine][boot][forget]") {
  TestNode node(2, with_boots());
  ScriptedPeer peer(node);
  peer.agree();
  message::Delta delta = peer.delta(1, 1);
  delta.block = *encode_block(
      std::vector<Event>{{0, 0, Quality::kGood, std::nullopt, {{kBootSeries, Bytes{}}}}}, limits::kBlock);
  peer.say(delta);
  CHECK(node.held(peer.stream()) == IntervalSet({1, 1}));
  CHECK(node.counters().offsets_learnt == 0);
  CHECK(node.counters().offsets_refused == 0);
  CHECK(shown(node).empty());
}

TEST_CASE("a record of a boot has these bytes", "[engine][boot][format]") {
  BootRecord record{{}, 1, kTodayTicks};
  record.incarnation.bytes.fill(0x22);
  const Bytes bytes = encode(record);
  std::string text;
  for (const std::byte byte : bytes)
    text += "0123456789abcdef"[std::to_integer<int>(byte >> 4)],
        text += "0123456789abcdef"[std::to_integer<int>(byte & std::byte{15})];
  CHECK(text == "222222222222222222222222222222220180a0a484ce67");
  CHECK(decode_boot_record(bytes) == record);
}

TEST_CASE("of all records about a boot the same one counts, in whatever order they come", "[engine][boot]") {
  Random random(7);
  for (int round = 0; round < 100; ++round) {
    std::vector<BootOffset> all;
    for (int i = 0; i < 6; ++i)
      all.push_back({kFar,
                     1,
                     static_cast<Ticks>(random.below(1000)),
                     static_cast<Quality>(random.below(3)),
                     {kFar, static_cast<Seq>(i + 1)}});
    std::vector<BootOffset> winners;
    for (int order = 0; order < 4; ++order) {
      for (std::size_t i = all.size(); i > 1; --i) std::swap(all[i - 1], all[random.below(i)]);
      MemoryStore store(identity(1), MemoryStore::Sync::kAuto);
      for (const BootOffset& one : all) {
        Batch batch;
        batch.offsets = {one};
        store.commit(std::move(batch), nullptr);
      }
      winners.push_back(*store.offsets(kFar)->find(1));
      CHECK(winners.back() == winners.front());
    }
  }
}

TEST_CASE("whatever the clock does, no sample is lost and each is shown once", "[engine][boot]") {
  Random random(11);
  for (int round = 0; round < 60; ++round) {
    CAPTURE(round);
    Device device;
    TestNode gateway(2, with_boots());
    TestNet net;
    PeerId link = net.connect(device, gateway);
    std::set<double> taken;
    for (int step = 0; step < 40; ++step) {
      const auto chance = random.below(100);
      device.wait(milliseconds(random.below(100'000)));
      if (chance < 50) {
        take(device, step, milliseconds(random.below(5'000)));
        taken.insert(step);
      } else if (chance < 75) {
        const microseconds walls[] = {seconds(0),          kToday,
                                      kToday - hours(30),  kToday + 50 * kYear,
                                      kToday - 50 * kYear, microseconds(-1)};
        set_clock(device, walls[random.below(6)], random.chance(30));
      } else if (chance < 95) {
        net.disconnect(link);
        const microseconds up = device.now.up;
        const auto id = static_cast<std::uint8_t>(10 + step);
        if (chance < 80) device.restart();
        if (chance >= 80 && chance < 88) device.reboot(id);
        if (chance >= 88) device.reboot(id, id);
        if (chance < 80) device.now.up = up;
        link = net.connect(device, gateway);
      }
      net.run();
    }
    set_clock(device, kToday, true);
    device.wait(seconds(10));
    net.disconnect(link);  // One side may have taken the other for dead.
    net.connect(device, gateway);
    net.run();
    for (const TestNode* const node : std::initializer_list<const TestNode*>{&device, &gateway}) {
      std::set<double> seen;
      const Shown all = shown(*node);
      for (const auto& [time, value, quality] : all) CHECK(seen.insert(value).second);
      if (!taken.empty()) CHECK(unplaced(*node).empty());
      CHECK(seen == taken);
    }
    CHECK(shown(device) == shown(gateway));
  }
}
