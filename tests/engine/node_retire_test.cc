// tests/engine/node_retire_test.cc - a node that is gone for good is waited for no more.
#include <catch2/catch.hpp>

#include "tests/engine/compare_fixture.h"

namespace deltamesh::test {
namespace {

Result<WriteId> retire(TestNode& node, const NodeId& gone) {
  return node.call([&](Node& of, Instant) { return of.retire(gone); });
}

const StreamKnowledge& known(const TestNode& node, const StreamId& stream) {
  return *node.node().knowledge().find(stream);
}

// b knows that the writer of a stream had come to 20, and has 1 to 5 and 11 to 15 of it; c is in session with
// b.
struct Gone {
  Gone() {
    writer.agree();
    auto first = writer.delta(1, 5), second = named_before(writer.delta(11, 5));
    first.settled = second.settled = 5;
    first.head = second.head = 20;
    writer.say(first);
    writer.say(second);
    net.connect(b, c);
    net.run();
  }
  TestNode b{2}, c{3};
  ScriptedPeer writer{b};
  const StreamId stream = writer.stream();
  TestNet net;
};

}  // namespace

TEST_CASE("what a retired node wrote and nobody has is void, on all nodes, and its streams are complete",
          "[engine][node][retire]") {
  Gone gone;
  gone.writer.leave();
  REQUIRE(retire(gone.b, gone.stream.node).ok());
  gone.net.run();
  REQUIRE(gone.b.written.size() == 1);
  CHECK(gone.b.written[0].status.ok());
  for (const TestNode* const node : {&gone.b, &gone.c}) {
    CHECK(known(*node, gone.stream).missing().empty());
    CHECK(known(*node, gone.stream).voided() == IntervalSet({6, 20}).minus(IntervalSet({11, 15})));
    CHECK(known(*node, gone.stream).settled() == 20);
    CHECK(node->held(gone.stream).size() == 10);
  }
  gone.b.restart();
  CHECK(known(gone.b, gone.stream).settled() == 20);
}

TEST_CASE("streams of a retired node that were all here are complete, and peers hear of it",
          "[engine][node][retire]") {
  TestNode b(2), c(3), d(4);
  ScriptedPeer writer(b);
  writer.agree();
  auto delta = writer.delta(1, 5);
  delta.settled = 0;
  writer.say(delta);
  TestNet net;
  net.connect(b, c);
  net.connect(c, d);
  net.run();
  CHECK(known(d, writer.stream()).settled() == 0);
  writer.leave();
  REQUIRE(retire(b, writer.stream().node).ok());
  net.run();
  for (const TestNode* const node : {&c, &d}) {
    CHECK(known(*node, writer.stream()).settled() == 5);
    CHECK(known(*node, writer.stream()).voided().empty());
  }
}

TEST_CASE("a node that comes back after it was retired brings what it has", "[engine][node][retire]") {
  Gone gone;
  gone.writer.leave();
  REQUIRE(retire(gone.b, gone.stream.node).ok());
  ScriptedPeer back(gone.b, 99, 1);
  back.agree();
  auto rest = back.delta(1, 25);
  back.say(rest);
  gone.net.run();
  for (const TestNode* const node : {&gone.b, &gone.c}) {
    CHECK(node->held(gone.stream) == IntervalSet({1, 25}));
    CHECK(known(*node, gone.stream).voided().empty());
  }
}

TEST_CASE("what a peer in session has of a retired node is waited for", "[engine][node][retire]") {
  Gone gone;
  gone.writer.leave();
  ScriptedPeer other(gone.b, 98);
  other.say(other.hello());
  message::Frontier told{{{{0, gone.stream}, IntervalSet({6, 8}), {}, 20, 5, {}, {}}}, true, {}};
  other.say(told);
  REQUIRE(retire(gone.b, gone.stream.node).ok());
  CHECK(known(gone.b, gone.stream).missing() == IntervalSet({6, 8}));
  CHECK_FALSE(known(gone.b, gone.stream).voided().intersects(Interval{6, 8}));
}

TEST_CASE("this node, one in session, and one that nobody knows are not retired", "[engine][node][retire]") {
  Gone gone;
  CHECK(retire(gone.b, gone.stream.node).error().code == ErrorCode::kInvalid);
  CHECK(retire(gone.b, identity(2).node).error().code == ErrorCode::kInvalid);
  CHECK(retire(gone.b, identity(55).node).error().code == ErrorCode::kNotFound);
  CHECK(known(gone.b, gone.stream).settled() == 5);
}

TEST_CASE("a retirement that could not be stored has said nothing", "[engine][node][retire]") {
  Gone gone;
  gone.writer.leave();
  gone.b.fail_next();
  REQUIRE(retire(gone.b, gone.stream.node).ok());
  gone.b.wait(seconds(10));
  REQUIRE(gone.b.written.size() == 1);
  CHECK_FALSE(gone.b.written[0].status.ok());
  CHECK(known(gone.b, gone.stream).voided().empty());
  CHECK(known(gone.b, gone.stream).settled() == 5);
}

}  // namespace deltamesh::test
