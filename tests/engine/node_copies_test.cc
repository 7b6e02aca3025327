// tests/engine/node_copies_test.cc - restored stores and clones: what every life of a node wrote is
// everywhere.
#include <catch2/catch.hpp>

#include "engine/query.h"
#include "tests/engine/node_fixture.h"

namespace deltamesh::test {
namespace {

void check_equal(const std::vector<TestNode*>& nodes) {
  for (const TestNode* node : nodes) {
    CHECK(node->node().knowledge() == nodes[0]->node().knowledge());
    CHECK(node->node().map(kSettings)->entries() == nodes[0]->node().map(kSettings)->entries());
    for (const auto& entry : node->node().knowledge().entries()) CHECK(entry.known.missing().empty());
  }
}

// How many samples of room/temperature a node shows.
std::size_t shown(const TestNode& node) {
  SampleQuery query;
  query.dataset = kTelemetry;
  query.series = "room/temperature";
  query.range = {0, 1'000'000};
  const auto answer = query_samples(node.store(), query);
  REQUIRE(answer);
  return answer->samples.size();
}

}  // namespace

TEST_CASE("a restored node that writes offline and meets first who knows less loses nothing of either life",
          "[engine][node][copies]") {
  TestNode node(1), near(2), cloud(3);
  TestNet net;
  net.connect(node, cloud);
  const PeerId to_near = net.connect(node, near);
  REQUIRE(node.write(events(1, 10)).ok());
  REQUIRE(node.put("mode", "backed up").ok());
  net.run();
  const MemoryStore backup = node.store();
  REQUIRE(node.write(events(101, 10)).ok());
  net.run();
  net.disconnect(to_near);
  REQUIRE(node.write(events(201, 10)).ok());
  REQUIRE(node.put("mode", "first life").ok());
  net.run();

  TestNode restored(backup, 0xb1);
  REQUIRE(restored.write(events(301, 10)).ok());
  REQUIRE(restored.put("limit", "second life").ok());
  net.connect(restored, near);
  net.run();
  CHECK(shown(near) == 30);
  net.connect(restored, cloud);
  net.run();
  check_equal({&restored, &near, &cloud});
  for (const TestNode* one : {&restored, &near, &cloud}) {
    CHECK(shown(*one) == 40);
    CHECK(one->value("mode") == "first life");
    CHECK(one->value("limit") == "second life");
  }
  CHECK(restored.rolled_back.empty());
  CHECK(restored.closes.empty());
}

TEST_CASE("two clones of one node may even be linked, and say that they are two", "[engine][node][copies]") {
  TestNode node(1), cloud(3);
  TestNet net;
  REQUIRE(node.write(events(1, 10)).ok());
  TestNode clone(node.store(), 0xb1);
  net.connect(node, clone);
  net.connect(node, cloud);
  net.connect(clone, cloud);
  net.run();
  REQUIRE(node.write(events(101, 10)).ok());
  REQUIRE(clone.write(events(201, 10)).ok());
  REQUIRE(node.put("key", "of the one").ok());
  net.run();
  REQUIRE(clone.put("key", "of the other").ok());
  net.run();
  check_equal({&node, &clone, &cloud});
  CHECK(shown(cloud) == 30);
  CHECK(cloud.value("key") == "of the other");
  CHECK(node.counters().clones_met == 1);
  CHECK(clone.counters().clones_met == 1);
  CHECK(cloud.counters().clones_met == 0);
}

TEST_CASE(
    "a copy that shares its incarnation is found by who holds what the other wrote, and nothing is "
    "overwritten",
    "[engine][node][copies]") {
  TestNode node(1), cloud(3);
  TestNet net;
  REQUIRE(node.write(events(1, 10)).ok());
  TestNode copy(node.store());
  REQUIRE(node.write(events(101, 5)).ok());
  REQUIRE(copy.write(events(201, 5)).ok());
  net.connect(node, cloud);
  net.run();
  const StreamId stream = node.stream();
  SECTION("as many on both sides") {}
  SECTION("more in the copy, which the cloud would take for news") {
    REQUIRE(node.write(events(110, 5)).ok());
    net.run();
  }
  net.connect(copy, cloud);
  net.run();
  CHECK(cloud.counters().forks_found == 1);
  REQUIRE(copy.rolled_back.size() == 1);
  CHECK_THAT(copy.rolled_back[0], Catch::Contains("two copies of it run"));
  CHECK(copy.node().sessions().empty());
  CHECK(cloud.held(stream) == node.held(stream));

  TestNode anew(copy.store(), 0xb1);  // As its driver opens it then.
  REQUIRE(anew.write(events(301, 5)).ok());
  net.connect(anew, cloud);
  net.run();
  CHECK(anew.rolled_back.empty());
  CHECK(cloud.held(anew.stream()) == IntervalSet({1, 5}));
}

TEST_CASE("what cannot be compared with its writer's word is no fork", "[engine][node][copies]") {
  TestNode node(1);
  ScriptedPeer peer(node);
  peer.agree();
  message::Delta delta = peer.delta(1, 3);
  bool fork = false;
  Seq head = 3;
  SECTION("other events, which is one") {
    fork = true;
  }
  SECTION("the names of series have not come yet") {
    delta.declarations.clear();
  }
  SECTION("some of the events are not here") {
    head = 4;
  }
  SECTION("another cell is meant") {
    head = 5'000;
  }
  peer.say(delta);
  REQUIRE(peer.end() == "");
  REQUIRE(node.held(peer.stream()) == IntervalSet({1, 3}));
  peer.leave();
  ScriptedPeer again(node, 99, 1);
  message::Hello hello = again.hello();
  hello.own = {{again.stream(), head, Bytes(16, std::byte{7})}};
  again.say(hello);
  CHECK(again.end().empty() != fork);
  CHECK(node.counters().forks_found == (fork ? 1 : 0));
}

TEST_CASE("numbers that failed are void once their incarnation is over", "[engine][node][copies]") {
  TestNode node(1);
  REQUIRE(node.write(events(1, 2)).ok());
  node.fail_next();
  REQUIRE(node.write(events(3, 2)).ok());
  MemoryStore store = node.store();
  Batch batch;
  const StreamId stream = node.stream();
  batch.knowledge.push_back({stream, {}});
  batch.knowledge[0].known.declare_head(9, 2);
  store.commit(std::move(batch), nullptr);
  store.sync();
  const TestNode next(store, 0xb1);
  const StreamKnowledge* const known = next.node().knowledge().find(stream);
  REQUIRE(known != nullptr);
  CHECK(known->missing().empty());
  CHECK(known->settled() == 9);
}

}  // namespace deltamesh::test
