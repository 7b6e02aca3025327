// tests/engine/node_scrub_test.cc - linked nodes compare a little now and then, and speak up only about what
// contradicts belief.
#include <catch2/catch.hpp>

#include "tests/engine/compare_fixture.h"

namespace deltamesh::test {
namespace {

using Catch::Contains;

}  // namespace

TEST_CASE("without an interval nobody asks", "[engine][node][scrub]") {
  Two two;
  two.give_both(3'000);
  two.link();
  pass(two, 100);
  CHECK(only<message::RangeQuestion>(two.net.said).empty());
}

TEST_CASE("each interval compares one piece, round and round, and equal nodes say nothing of it",
          "[engine][node][scrub]") {
  Two two(scrubbing());
  two.give_both(3'000);
  two.link();
  pass(two, 1);
  CHECK(two.a.counters().ranges_compared == 1);
  pass(two, 9);
  CHECK(two.a.counters().ranges_compared == 10);
  CHECK(two.b.counters().ranges_compared == 10);
  Seq highest = 0;
  std::size_t from_first = 0;
  for (const auto& question : only<message::RangeQuestion>(two.net.said)) {
    highest = std::max(highest, question.upto);
    from_first += question.ranges[0].dots.first == 1 ? 1 : 0;
  }
  CHECK(highest == 3'000);
  CHECK(from_first > 2);
  CHECK(warnings(two.a).empty());
  CHECK(two.a.counters().ranges_different == 0);
}

TEST_CASE("an event that is not the same is told of once it was found twice", "[engine][node][scrub]") {
  Two two(scrubbing());
  two.to_a.say(two.to_a.delta(1, 5));
  two.to_b.say(with_value(two.to_b.delta(1, 5), 3.5));
  two.link();
  pass(two, 1);
  CHECK(warnings(two.a).empty());
  pass(two, 1);
  REQUIRE(warnings(two.a).size() == 1);
  CHECK_THAT(warnings(two.a)[0], Contains("differ at 1-5 (5 dots)"));
  CHECK(two.a.counters().ranges_different == 1);
}

TEST_CASE("what is only under way is nothing to tell of", "[engine][node][scrub]") {
  Two two(scrubbing());
  two.to_a.say(two.to_a.delta(1, 9));
  auto part = two.to_b.delta(1, 4);
  part.head = part.settled = 9;
  two.to_b.say(part);
  two.b.hold_commits();
  two.link();
  pass(two, 4);
  CHECK(two.a.counters().ranges_compared == 4);
  CHECK(two.b.held(two.to_b.stream()) == IntervalSet(Interval{1, 4}));
  std::size_t not_equal = 0;
  for (const auto& answer : only<message::RangeAnswer>(two.net.said)) {
    for (const auto& one : answer.parts) not_equal += std::holds_alternative<IntervalSet>(one) ? 1 : 0;
  }
  CHECK(not_equal > 0);
  CHECK(warnings(two.a).empty());
}

TEST_CASE("an event that the store has lost without knowing it is told of", "[engine][node][scrub]") {
  Two two(scrubbing());
  two.give_both(9);
  two.link();
  two.b.lose({two.to_b.stream(), 4});
  pass(two, 2);
  REQUIRE_FALSE(warnings(two.a).empty());
  CHECK_THAT(warnings(two.a)[0], Contains("the peer lacks 1-9"));
  REQUIRE_FALSE(warnings(two.b).empty());
  CHECK_THAT(warnings(two.b)[0], Contains("this node lacks 1-9"));
}

TEST_CASE("a damaged block here is told of, and the scrub goes on behind it", "[engine][node][scrub]") {
  Two two(scrubbing());
  two.give_both(3'000);
  two.link();
  two.a.damage(Dot{two.to_a.stream(), 500});
  two.a.fail_next();  // It cannot be taken anew for now.
  pass(two, 3);
  const auto told = warnings(two.a);
  CHECK(std::count_if(told.begin(), told.end(), [](const std::string& text) {
          return text.starts_with("cannot compare with the peer");
        }) == 1);
  CHECK(two.a.counters().ranges_compared == 2);
}

TEST_CASE("a peer that lets a question go unanswered is not scrubbed any more", "[engine][node][scrub]") {
  TestNode node(1, scrubbing());
  ScriptedPeer peer(node);
  peer.agree();
  peer.say(peer.delta(1, 9));
  std::size_t asked = 0;
  for (int i = 0; i < 60; ++i) {
    node.wait(kInterval);
    peer.say(message::Pong{});
    asked += only<message::RangeQuestion>(peer.hear()).size();
  }
  CHECK(asked == 1);
}

TEST_CASE("whoever asks for a comparison does not wait for a scrub", "[engine][node][scrub]") {
  Two two(scrubbing());
  two.give_both(9);
  const PeerId link = two.link();
  two.a.wait(kInterval);  // Its question is on its way.
  REQUIRE(start(two.a, link).ok());
  converse(two.net, two.a, two.b);
  CHECK(two.result().found.verdict() == Verdict::kEqual);
  pass(two, 1);
  CHECK(two.a.counters().ranges_compared == 2);
}

}  // namespace deltamesh::test
