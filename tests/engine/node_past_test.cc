// tests/engine/node_past_test.cc - what a machine leaves behind at each start is told in sums, and is there
// all the same wherever somebody lacks some of it.
#include "tests/engine/lives_fixture.h"

namespace deltamesh::test {
TEST_CASE("a life that is over is closed for all who hear of it", "[engine][node][past]") {
  Lives lives(3);
  lives.meet(lives.device, lives.gateway);
  for (const StreamId& stream : lives.streams) {
    CHECK(lives.device.node().knowledge().find(stream)->closed());
    CHECK(lives.gateway.node().knowledge().find(stream)->closed());
    CHECK(lives.gateway.node().knowledge().find(stream)->settled() == 3);
  }
  CHECK(lives.gateway.node().knowledge() == lives.device.node().knowledge());
}

TEST_CASE("of lives that are over on both sides a session says nothing, whether it resumes or not",
          "[engine][node][past]") {
  Lives lives;
  PeerId link = lives.meet(lives.device, lives.gateway);
  lives.check_whole(lives.gateway);
  // They know each other, and differ by a life that neither calls over.
  REQUIRE(lives.gateway.write(events(9000, 1)).ok());
  lives.net.run();
  const std::uint64_t received = lives.device.counters().events_received;
  SECTION("resumed") {}
  SECTION("after both have forgotten each other") {
    lives.net.disconnect(link);
    lives.device.restart();
    lives.gateway.restart();
    link = lives.meet(lives.device, lives.gateway);
  }
  lives.net.disconnect(link);
  REQUIRE(lives.device.write(events(9500, 1)).ok());
  lives.meet(lives.device, lives.gateway);
  CHECK(lives.entries_said() <= 4);
  CHECK(lives.gateway.held(lives.device.stream()) == IntervalSet({1, 1}));
  CHECK(lives.gateway.counters().redundant_events + lives.device.counters().redundant_events == 0);
  CHECK(lives.device.counters().events_received <= received + 1);
  CHECK((lives.device.node().quiet() && lives.gateway.node().quiet()));
}

TEST_CASE("a life that only one side knows reaches the other, and few others are named for it",
          "[engine][node][past]") {
  Lives lives(100);
  lives.meet(lives.device, lives.gateway);
  PeerId link = lives.meet(lives.gateway, lives.cloud);
  lives.check_whole(lives.cloud);
  lives.net.disconnect(link);
  lives.live(101);
  lives.device.restart();
  lives.gateway.restart();
  lives.cloud.restart();
  lives.meet(lives.device, lives.gateway);
  lives.meet(lives.gateway, lives.cloud);
  lives.check_whole(lives.cloud);
  CHECK(lives.entries_said() < 24);
  CHECK(lives.gateway.counters().redundant_events + lives.cloud.counters().redundant_events == 0);
  CHECK(lives.cloud.node().knowledge() == lives.gateway.node().knowledge());
}

TEST_CASE("a life that was taken for over and goes on reaches all, and nothing of it goes twice",
          "[engine][node][past]") {
  TestNode original(1);
  REQUIRE(original.write(events(100, 3)).ok());
  const StreamId stream = original.stream();
  // A card is copied and started elsewhere: for the copy, that life is over.
  TestNode copy(original.store(), 0xb1), gateway(2), cloud(9);
  TestNet net;
  net.connect(copy, gateway);
  net.connect(gateway, cloud);
  net.run();
  for (TestNode* const node : {&gateway, &cloud}) CHECK(node->node().knowledge().find(stream)->closed());
  gateway.restart();
  cloud.restart();
  TestNet again;
  again.connect(gateway, cloud);
  again.run();
  const PeerId link = again.connect(original, gateway);
  again.run();
  REQUIRE(original.write(events(200, 3)).ok());
  again.run();
  for (const TestNode* const node : {&gateway, &cloud}) {
    CHECK(node->held(stream) == IntervalSet({1, 6}));
    CHECK_FALSE(node->node().knowledge().find(stream)->closed());
    CHECK(node->counters().redundant_events == 0);
  }
  again.disconnect(link);
}

TEST_CASE("a damaged block of a life that is over comes back from who turns out to have it",
          "[engine][node][past][damage]") {
  NodeConfig with = config();
  with.scrub_interval = seconds(60);
  Lives lives(3, with);
  PeerId link = lives.meet(lives.device, lives.gateway);
  lives.device.restart();
  lives.gateway.damage(Dot{lives.streams[1], 2});
  lives.gateway.restart();
  link = lives.meet(lives.device, lives.gateway);
  for (int rounds = 0; rounds < 40; ++rounds) {
    lives.device.wait(seconds(60));
    lives.gateway.wait(seconds(60));
    lives.net.run();
    if (!lives.gateway.closes.empty()) link = lives.meet_again(link, lives.device, lives.gateway);
  }
  CHECK(lives.gateway.counters().events_taken_anew == 3);
  CHECK(lives.gateway.store().blocks(lives.streams[1], {1, 3}, 1 << 20).ok());
  lives.check_whole(lives.gateway);
}

TEST_CASE("what a tier has yet to acknowledge of a life that is over, its word is heard on",
          "[engine][node][past][tier]") {
  Lives lives(5, tiered());
  lives.meet(lives.device, lives.gateway);
  // The cloud got it all on another way, and the gateway heard of none of it.
  lives.meet(lives.device, lives.cloud);
  lives.check_whole(lives.cloud);
  lives.device.restart();
  lives.gateway.restart();
  lives.cloud.restart();
  lives.meet(lives.gateway, lives.cloud);
  lives.gateway.wait(limits::kRetentionLook);  // What was heard is stored then.
  for (const StreamId& stream : lives.streams) CHECK(acknowledged(lives.gateway, lives.cloud, stream) == 3);
}

TEST_CASE("a tier that comes back in another life is asked anew what it has of lives that are over",
          "[engine][node][past][tier]") {
  Lives lives(5, tiered());
  lives.meet(lives.device, lives.gateway);
  lives.meet(lives.gateway, lives.cloud);
  lives.gateway.restart();
  lives.cloud.reboot(7, 0xc9);
  for (const StreamId& stream : lives.streams) CHECK(acknowledged(lives.gateway, lives.cloud, stream) == 0);
  lives.meet(lives.gateway, lives.cloud);
  lives.gateway.wait(limits::kRetentionLook);  // What was heard is stored then.
  for (const StreamId& stream : lives.streams) CHECK(acknowledged(lives.gateway, lives.cloud, stream) == 3);
}

TEST_CASE("a third node fills what others call void of a life that is over", "[engine][node][past]") {
  Lives lives(5);
  lives.meet(lives.device, lives.gateway);
  const StreamId stream = lives.streams[2];
  // The cloud heard of that life from somebody who has given some of it up unheard.
  Batch batch;
  StreamKnowledge known;
  known.declare_lost(IntervalSet({2, 3}));
  known.declare_head(3, 4);
  batch.knowledge.push_back({stream, known});
  lives.cloud.store_batch(std::move(batch));
  lives.cloud.restart();
  lives.meet(lives.gateway, lives.cloud);
  lives.check_whole(lives.cloud);
}

TEST_CASE("what turns up of dots that were void on both sides goes to the other all the same",
          "[engine][node][past]") {
  Lives lives(5);
  const StreamId stream = lives.streams[2];
  lives.device.miss({stream, {1, 3}, true});
  Batch batch;
  StreamKnowledge known;
  known.declare_lost(IntervalSet({1, 3}));
  batch.knowledge.push_back({stream, known});
  lives.device.store_batch(std::move(batch));
  lives.device.restart();
  lives.meet(lives.device, lives.gateway);
  lives.meet(lives.gateway, lives.cloud);
  CHECK(lives.cloud.node().knowledge().find(stream)->voided() == IntervalSet({1, 3}));
  lives.gateway.restart();
  lives.cloud.restart();
  lives.meet(lives.gateway, lives.cloud);
  CHECK(lives.entries_said() <= 4);
  ScriptedPeer finder(lives.gateway);
  finder.agree();
  auto found = finder.delta(1, 3);
  found.ref = {0, stream};
  finder.say(found);
  lives.net.run();
  lives.check_whole(lives.gateway);
  lives.check_whole(lives.cloud);
}

TEST_CASE("two nodes that know 2,000 lives of 20 writers meet with fewer than 4 bytes a life, both ways",
          "[engine][node][past]") {
  const bool gone = GENERATE(false, true);
  TestNode a(1), b(2);
  Batch batch;
  for (std::uint8_t writer = 10; writer < 30; ++writer) {
    for (std::uint8_t number = 0; number < 100; ++number) {
      StreamId stream{kTelemetry, StreamClass::kMetric, identity(writer).node, {}};
      stream.incarnation.bytes = {static_cast<std::uint8_t>(number * 41), number};
      StreamKnowledge known;
      gone ? known.drop(Interval{1, 1000}) : known.hold({1, 1000});
      known.close();
      batch.knowledge.push_back({stream, known});
    }
  }
  for (TestNode* const node : {&a, &b}) {
    node->store_batch(batch);
    node->restart();
    CHECK(node->node().streams_aside() == (gone ? 2000 : 0));
  }
  // So that their frontiers are not the same.
  REQUIRE(a.write(events(1, 1)).ok());
  TestNet net;
  net.connect(a, b);
  std::size_t bytes = 0;
  for (bool more = true; more; more = net.step()) {
    for (const TestNode* const node : {&a, &b}) {
      for (const Send& send : node->frames) bytes += send.frame->size();
    }
  }
  CHECK(b.held(a.stream()) == IntervalSet({1, 1}));
  CHECK(bytes < 8000);
  CHECK(a.node().streams_aside() + b.node().streams_aside() == (gone ? 4000 : 0));
}

TEST_CASE(
    "what a tier acknowledges of a life that goes on is handed back through relays that had told it in sums",
    "[engine][node][past][tier]") {
  TestNode original(1, tiered());
  REQUIRE(original.write(events(100, 3)).ok());
  const StreamId stream = original.stream();
  TestNode copy(original.store(), 0xb1, tiered()), near(2, tiered()), far(3, tiered()), cloud(9, tiered());
  TestNet net;
  net.connect(copy, near);
  net.connect(near, far);
  net.connect(far, cloud);
  net.run();
  pass_on(net, {&copy, &near, &far, &cloud});
  REQUIRE(acknowledged(near, cloud, stream) == 3);
  near.restart();
  far.restart();
  cloud.restart();
  TestNet again;
  again.connect(near, far);
  again.connect(far, cloud);
  again.connect(original, near);
  again.run();
  REQUIRE(original.write(events(200, 3)).ok());
  again.run();
  pass_on(again, {&original, &near, &far, &cloud});
  CHECK(acknowledged(original, cloud, stream) == 6);
}

TEST_CASE("a tier that comes back in another life is heard on through a relay, in sessions that go on",
          "[engine][node][past][tier]") {
  Lives lives(3, tiered());
  TestNode relay(3, tiered());
  lives.net.disconnect(lives.meet(lives.device, lives.gateway));
  lives.meet(lives.gateway, relay);
  lives.meet(relay, lives.cloud);
  pass_on(lives.net, {&lives.gateway, &relay, &lives.cloud});
  lives.gateway.restart();
  relay.restart();
  TestNet net;
  net.connect(lives.gateway, relay);
  net.run();
  // Empty, in another life.
  TestNode empty(9, tiered());
  empty.reboot(7, 0xc9);
  net.connect(relay, empty);
  net.run();
  pass_on(net, {&lives.gateway, &relay, &empty});
  lives.check_whole(empty);
  for (const StreamId& stream : lives.streams) CHECK(acknowledged(lives.gateway, empty, stream) == 3);
}

TEST_CASE("who is empty and has two links gets each life once", "[engine][node][past]") {
  Lives lives(10);
  TestNode second(3), empty(4);
  lives.meet(lives.device, lives.gateway);
  lives.meet(lives.gateway, second);
  lives.check_whole(second);
  lives.net.connect(empty, lives.gateway);
  lives.net.connect(empty, second);
  lives.net.run();
  lives.check_whole(empty);
  CHECK(empty.counters().redundant_events == 0);
}

TEST_CASE("where sums stay unequal, those who meet again name only what has changed",
          "[engine][node][past]") {
  Lives lives(40);
  lives.net.disconnect(lives.meet(lives.device, lives.gateway));
  lives.give_up(lives.gateway);
  PeerId link = lives.meet(lives.gateway, lives.cloud);
  CHECK(lives.entries_said() >= 40);
  // Now the cloud has something to say.
  link = lives.meet_again(link, lives.gateway, lives.cloud);
  for (int i = 0; i < 2; ++i) {
    link = lives.meet_again(link, lives.gateway, lives.cloud);
    CHECK(lives.entries_said() <= 3);
  }
  REQUIRE(lives.gateway.write(events(5, 1)).ok());
  lives.net.run();
  link = lives.meet_again(link, lives.gateway, lives.cloud);
  CHECK(lives.entries_said() <= 4);
  // It still knows that the gateway has none of them, and the device all.
  lives.meet(lives.device, lives.cloud);
  lives.check_whole(lives.cloud);
  CHECK(lives.gateway.counters().events_received == 0);
}

TEST_CASE("a peer that goes on from names that are not remembered is refused",
          "[engine][node][past][hostile]") {
  TestNode node(1);
  ScriptedPeer peer(node);
  peer.say(peer.hello());
  message::Frontier frontier;
  frontier.pasts = {{{kTelemetry, identity(5).node}, {1}}};
  peer.say(frontier);
  message::Frontier more;
  more.base = Bytes(message::kDigestBytes, std::byte{1});
  peer.say(more);
  CHECK(peer.end().find("not remembered") != std::string::npos);
}

TEST_CASE(
    "of several who lack nothing of a life that is over, the one is found that has what is damaged here",
    "[engine][node][past][damage]") {
  NodeConfig with = config();
  with.scrub_interval = seconds(5);
  Lives lives(3, with);
  lives.net.disconnect(lives.meet(lives.device, lives.gateway));
  lives.net.disconnect(lives.meet(lives.gateway, lives.cloud));
  const StreamId stream = lives.streams[1];
  Batch batch;
  batch.given_up.push_back({stream, {1, 3}});
  lives.device.store_batch(std::move(batch));
  const bool is_row_gone = GENERATE(false, true);
  is_row_gone ? lives.gateway.lose(Dot{stream, 2}) : lives.gateway.damage(Dot{stream, 2});
  for (TestNode* const node : {&lives.device, &lives.gateway, &lives.cloud}) node->restart();
  std::vector<std::pair<PeerId, TestNode*>> links;
  for (TestNode* const node : {&lives.device, &lives.cloud})
    links.emplace_back(lives.meet(lives.gateway, *node), node);
  for (int rounds = 0; rounds < 60; ++rounds) {
    for (TestNode* const node : {&lives.device, &lives.gateway, &lives.cloud}) {
      node->wait(seconds(5));
      lives.net.run();
    }
    if (lives.gateway.closes.empty()) continue;
    for (auto& [link, node] : links) link = lives.meet_again(link, lives.gateway, *node);
  }
  CHECK(lives.gateway.counters().events_taken_anew == 3);
  const auto blocks = lives.gateway.store().blocks(stream, {1, 3}, 1 << 20);
  REQUIRE(blocks.ok());
  CHECK(blocks->size() == 1);
  CHECK(lives.device.held(stream).empty());
}

TEST_CASE("sums that have no place in a conversation end it", "[engine][node][past][hostile]") {
  TestNode node(1);
  ScriptedPeer peer(node);
  peer.say(peer.hello());
  message::Frontier frontier;
  const auto say_sums_of = [&](DatasetId dataset) {
    frontier.pasts = {{{dataset, identity(5).node}, {1, 2, 3}}};
    peer.say(frontier);
  };
  SECTION("of a map") {
    say_sums_of(kSettings);
    CHECK(peer.end().find("does not share") != std::string::npos);
  }
  SECTION("of a dataset that nobody has") {
    say_sums_of(DatasetId{5});
    CHECK(peer.end().find("does not share") != std::string::npos);
  }
  SECTION("behind the frontier") {
    peer.say(message::Frontier{});
    say_sums_of(kTelemetry);
    CHECK(peer.end().find("behind the frontier") != std::string::npos);
  }
  SECTION("of more writers than there may be") {
    frontier.last = false;
    for (std::size_t i = 0; i <= limits::kStreamsMax && peer.end().empty(); ++i) {
      NodeId writer;
      writer.bytes[0] = static_cast<std::uint8_t>(i);
      writer.bytes[1] = static_cast<std::uint8_t>(i >> 8);
      writer.bytes[2] = static_cast<std::uint8_t>(i >> 16);
      frontier.pasts.push_back({{kTelemetry, writer}, {1}});
      if (frontier.pasts.size() < limits::kPastsPerFrame) continue;
      peer.say(frontier);
      frontier.pasts.clear();
    }
    if (peer.end().empty()) peer.say(frontier);
    CHECK(peer.end().find("more than 65536 writers") != std::string::npos);
  }
}

TEST_CASE("a peer whose sums differ, and that names nothing, is in session all the same once it says so",
          "[engine][node][past][hostile]") {
  TestNode node(1);
  ScriptedPeer peer(node);
  peer.say(peer.hello());
  message::Frontier frontier;
  frontier.pasts = {{{kTelemetry, identity(5).node}, {1}}};
  peer.say(frontier);
  CHECK(node.node().sessions().front().phase == SessionPhase::kPast);
  peer.say(peer.delta(1, 1));
  CHECK(peer.end().find("no place at this point") != std::string::npos);
  ScriptedPeer other(node, 98);
  other.say(other.hello());
  other.say(frontier);
  other.say(message::Frontier{});
  CHECK(node.node().sessions().front().phase == SessionPhase::kLive);
  other.say(other.delta(1, 1));
  CHECK(node.held(other.stream()) == IntervalSet({1, 1}));
}

}  // namespace deltamesh::test
