// tests/engine/node_aside_test.cc - streams that are over and of which nothing is held here: they take no
// room, and are there for whoever speaks of them.
#include <catch2/catch.hpp>

#include "engine/query.h"

#include "tests/engine/lives_fixture.h"

namespace deltamesh::test {
namespace {

// A gateway that had all lives of a device, and has given them up.
struct Left : Lives {
  explicit Left(std::uint8_t lives = 40, NodeConfig with = config()) : Lives(lives, with) {
    net.disconnect(meet(device, gateway));
    check_whole(gateway);
    give_up(gateway);
    put_aside(gateway);
  }
  static void put_aside(TestNode& node) {
    node.wait(limits::kAsideLook);
    node.wait(limits::kAsideLook);
  }
  [[nodiscard]] std::size_t declared(const TestNode& node) const {
    const auto all = node.store().series(kTelemetry, std::nullopt);
    std::size_t count = 0;
    for (const StreamSeries& series : *all)
      count += static_cast<std::size_t>(std::count(streams.begin(), streams.end(), series.stream));
    return count;
  }
};

}  // namespace

TEST_CASE("streams that are over and given up are left to the store, and their names go",
          "[engine][node][aside]") {
  Left left;
  CHECK(left.gateway.node().streams_aside() == 40);
  CHECK(left.declared(left.gateway) == 0);
  for (const StreamId& stream : left.streams) {
    CHECK(left.gateway.node().knowledge().find(stream) == nullptr);
    CHECK(left.gateway.store().knowledge()->find(stream)->dropped() == IntervalSet({1, 3}));
  }
  left.gateway.restart();
  CHECK(left.gateway.node().streams_aside() == 40);
  CHECK(left.gateway.node().knowledge().entries().size() <= 1);
  CHECK(left.declared(left.device) == 40);
  CHECK(left.device.node().streams_aside() == 0);
}

TEST_CASE("what was put aside is neither named to who has it, nor fetched again", "[engine][node][aside]") {
  Left left;
  if (GENERATE(false, true)) left.gateway.restart();
  left.meet(left.device, left.gateway);
  CHECK(left.entries_said() <= 4);
  CHECK(left.gateway.counters().events_received == 0);
  for (int i = 0; i < 5; ++i) {
    left.gateway.wait(limits::kLate);
    left.device.wait(limits::kLate);
    left.net.run();
  }
  CHECK(left.gateway.counters().events_received == 0);
  CHECK(left.gateway.node().streams_aside() == 40);
  REQUIRE(left.device.write(events(5, 1)).ok());
  left.net.run();
  CHECK(left.gateway.held(left.device.stream()) == IntervalSet({1, 1}));
}

TEST_CASE("who is new hears of what was put aside, and it is put aside again", "[engine][node][aside]") {
  Left left;
  left.meet(left.gateway, left.cloud);
  CHECK(left.gateway.node().streams_aside() == 0);
  for (const StreamId& stream : left.streams) {
    const StreamKnowledge* const known = left.cloud.node().knowledge().find(stream);
    REQUIRE(known != nullptr);
    CHECK((known->head() == 3 && known->closed() && known->missing() == IntervalSet({1, 3})));
  }
  Left::put_aside(left.gateway);
  CHECK(left.gateway.node().streams_aside() == 40);
  // And gets it where it is.
  left.meet(left.device, left.cloud);
  left.check_whole(left.cloud);
  CHECK(left.gateway.counters().events_received == 0);
}

TEST_CASE("a stream that was put aside and goes on is there again, but for what was given up",
          "[engine][node][aside]") {
  TestNode original(1);
  REQUIRE(original.write(events(100, 3)).ok());
  const StreamId stream = original.stream();
  TestNode copy(original.store(), 0xb1), gateway(2), cloud(9);
  TestNet net;
  net.connect(copy, gateway);
  const PeerId link = net.connect(gateway, cloud);
  net.run();
  net.disconnect(link);
  Batch batch;
  batch.given_up.push_back({stream, {1, 3}});
  gateway.store_batch(std::move(batch));
  gateway.restart();
  Left::put_aside(gateway);
  REQUIRE(gateway.node().streams_aside() == 1);
  TestNet again;
  again.connect(gateway, cloud);
  again.connect(original, gateway);
  again.run();
  REQUIRE(original.write(events(200, 2)).ok());
  again.run();
  REQUIRE(original.write(events(300, 2)).ok());
  again.run();
  CHECK(gateway.held(stream) == IntervalSet({4, 7}));
  CHECK(gateway.node().knowledge().find(stream)->dropped() == IntervalSet({1, 3}));
  CHECK(cloud.held(stream) == IntervalSet({1, 7}));
  CHECK(gateway.node().streams_aside() == 0);
  // Its series have names again, on disk too.
  gateway.restart();
  SampleQuery query;
  query.dataset = kTelemetry;
  query.series = "room/temperature";
  query.range = {0, 1000};
  const auto answer = query_samples(gateway.store(), query);
  REQUIRE(answer);
  CHECK(answer->samples.size() == 4);
}

TEST_CASE("a comparison names what was put aside as given up", "[engine][node][aside][compare]") {
  Left left(20);
  const PeerId link = left.meet(left.device, left.gateway);
  REQUIRE(left.gateway.node().streams_aside() == 20);
  const auto id = left.gateway.call([&](Node& node, Instant now) { return node.compare(link, now); });
  REQUIRE(id.ok());
  left.net.run();
  REQUIRE(left.gateway.compared.size() == 1);
  std::map<StreamId, int> named;
  for (const ComparedStream& one : left.gateway.compared[0].streams) {
    if (one.a_gave_up == 3) ++named[one.stream];
  }
  for (const StreamId& stream : left.streams) CHECK(named[stream] == 1);
}

TEST_CASE("a device that waits for the tier hears its word of what the gateway has put aside",
          "[engine][node][aside][tier]") {
  Left left(5, tiered());
  // The device has not met the cloud. The gateway has; and what it heard is stored.
  Batch batch;
  for (const StreamId& stream : left.streams)
    batch.acks.push_back({left.cloud.node().identity(), false, stream, IntervalSet({1, 3})});
  left.gateway.store_batch(std::move(batch));
  left.gateway.restart();
  Left::put_aside(left.gateway);
  REQUIRE(left.gateway.node().streams_aside() == 5);
  left.meet(left.device, left.gateway);
  left.device.wait(limits::kRetentionLook);
  for (const StreamId& stream : left.streams) CHECK(acknowledged(left.device, left.cloud, stream) == 3);
}

TEST_CASE("a tier that comes back in another life is asked anew what it has of what was put aside",
          "[engine][node][aside][tier]") {
  Left left(5, tiered());
  TestNode keeper(9, tiered());
  left.net.disconnect(left.meet(left.device, keeper));
  left.check_whole(keeper);
  Batch batch;
  for (const StreamId& stream : left.streams)
    batch.acks.push_back({keeper.node().identity(), false, stream, IntervalSet({1, 3})});
  left.gateway.store_batch(std::move(batch));
  left.gateway.restart();
  Left::put_aside(left.gateway);
  REQUIRE(left.gateway.node().streams_aside() == 5);
  keeper.reboot(7, 0xc9);
  left.meet(left.gateway, keeper);
  left.device.restart();
  left.meet(left.device, left.gateway);
  for (int i = 0; i < 4; ++i) {
    for (TestNode* const node : {&left.device, &left.gateway, &keeper}) node->wait(limits::kRetentionLook);
    left.net.run();
  }
  for (const StreamId& stream : left.streams) CHECK(acknowledged(left.device, keeper, stream) == 3);
}

TEST_CASE("a store that cannot tell what was put aside ends the session, and nothing is lost",
          "[engine][node][aside]") {
  Left left(5);
  left.gateway.fail_reads(Error{ErrorCode::kIo, "the disk said no"});
  const PeerId link = left.meet(left.gateway, left.cloud);
  REQUIRE(left.gateway.closes.size() == 1);
  CHECK(left.gateway.closes[0].reason.find("the disk said no") != std::string::npos);
  left.gateway.fail_reads(std::nullopt);
  left.meet_again(link, left.gateway, left.cloud);
  for (const StreamId& stream : left.streams) CHECK(left.cloud.node().knowledge().find(stream)->head() == 3);
}

TEST_CASE("a stream stays as it is if it cannot be put aside", "[engine][node][aside]") {
  Left left(5);
  left.meet(left.gateway, left.cloud);
  REQUIRE(left.gateway.node().streams_aside() == 0);
  left.gateway.fail_next();
  left.gateway.wait(limits::kAsideLook);
  CHECK(left.gateway.node().streams_aside() == 0);
  CHECK(left.gateway.node().knowledge().find(left.streams[0])->dropped() == IntervalSet({1, 3}));
  Left::put_aside(left.gateway);
  CHECK(left.gateway.node().streams_aside() == 5);
}

TEST_CASE("data that comes while a stream is being put aside keeps it", "[engine][node][aside]") {
  Left left(1);
  left.meet(left.gateway, left.cloud);
  ScriptedPeer peer(left.gateway);
  peer.agree();
  left.gateway.hold_commits();
  left.gateway.wait(limits::kAsideLook);
  auto delta = peer.delta(4, 1);
  delta.ref = {0, left.streams[0]};
  peer.say(delta);
  left.gateway.release_commits();
  CHECK(left.gateway.node().streams_aside() == 0);
  CHECK(left.gateway.held(left.streams[0]) == IntervalSet({4, 4}));
  CHECK(left.declared(left.gateway) == 1);
  left.gateway.restart();
  CHECK(left.gateway.node().knowledge().find(left.streams[0])->dropped() == IntervalSet({1, 3}));
}

}  // namespace deltamesh::test
