// tests/engine/node_compare_test.cc - a node asks a peer whether it holds the same, and says what it found.
#include <catch2/catch.hpp>

#include "tests/engine/compare_fixture.h"

namespace deltamesh::test {

TEST_CASE("linked nodes that hold the same hear that each stream is equal and complete to its head",
          "[engine][node][compare]") {
  TestNode a(1), b(2);
  TestNet net;
  const PeerId link = net.connect(a, b);
  REQUIRE(a.write(events(1, 40)).ok());
  REQUIRE(b.write(events(1, 70)).ok());
  REQUIRE(a.put("key", "value").ok());
  net.run();
  REQUIRE(start(a, link).ok());
  converse(net, a, b);
  REQUIRE(a.compared.size() == 1);
  const Compared& result = a.compared[0];
  CHECK(result.status.ok());
  CHECK(result.verdict() == Verdict::kEqual);
  CHECK(result.remote == identity(2));
  REQUIRE(result.streams.size() == 2);
  REQUIRE(result.maps.size() == 1);
  CHECK(text_of(result.streams[0]) == "equal and complete to 40");
  CHECK(text_of(result.streams[1]) == "equal and complete to 70");
  CHECK(b.compared.empty());
}

TEST_CASE("one event that is not the same on both sides is named", "[engine][node][compare]") {
  Two two;
  two.to_a.say(two.to_a.delta(1, 7));
  two.to_b.say(two.to_b.delta(1, 7));
  two.to_a.say(later(two.to_a.delta(8, 1)));
  two.to_b.say(later(with_value(two.to_b.delta(8, 1), 99.5)));
  two.to_a.say(later(two.to_a.delta(9, 3'000)));
  two.to_b.say(later(two.to_b.delta(9, 3'000)));
  REQUIRE(start(two.a, two.link()).ok());
  converse(two.net, two.a, two.b);
  CHECK(text_of(two.result()) == "differ at 8 (1 dot)");
  CHECK(two.a.compared[0].verdict() == Verdict::kDiffer);
}

TEST_CASE("what the peer has not stored yet is named as lacking there, what we have not as lacking here",
          "[engine][node][compare]") {
  Two two;
  two.to_a.say(two.to_a.delta(1, 4));
  auto gap = later(two.to_a.delta(7, 4));
  two.to_a.say(gap);
  two.to_b.say(two.to_b.delta(2, 9));
  two.a.hold_commits();
  two.b.hold_commits();
  REQUIRE(start(two.a, two.link()).ok());
  converse(two.net, two.a, two.b);
  CHECK(text_of(two.result()) == "equal where both hold; A lacks 5-6 (2 dots); B lacks 1 (1 dot)");
  CHECK(two.result().found.equal == 7);
  CHECK(two.a.compared[0].verdict() == Verdict::kEqualWhereBothHold);
}

TEST_CASE("a long stream is compared in pieces, the next one asked about when the one before is done",
          "[engine][node][compare]") {
  Two two;
  two.give_both(20'000);
  REQUIRE(start(two.a, two.link()).ok());
  converse(two.net, two.a, two.b);
  CHECK(text_of(two.result()) == "equal and complete to 20000");
  CHECK(two.a.counters().ranges_compared > 4);
  CHECK(two.a.counters().ranges_compared < 20);

  Asked asked(20'000);
  Seq behind = 0;
  while (asked.node.compared.empty()) {
    const auto question = asked.question();  // One, and no more without an answer.
    asked.node.tick();
    REQUIRE(only<message::RangeQuestion>(asked.peer.hear()).empty());
    CHECK(question.ranges.at(0).dots.first == behind + 1);
    behind = question.upto;
    asked.answer_equal(question);
  }
  CHECK(behind == 20'000);
}

TEST_CASE("a piece that turns out too long to read at once is begun again, shorter",
          "[engine][node][compare]") {
  // What comes after many dots that nobody holds, over which pieces grow.
  Two two;
  constexpr Seq kEmpty = 1u << 22;
  for (Seq first = kEmpty + 1; first < kEmpty + 800'000; first += 8'000) {
    const bool named = first > kEmpty + 1;
    for (ScriptedPeer* const to : {&two.to_a, &two.to_b})
      to->say(named ? later(to->delta(first, 8'000)) : to->delta(first, 8'000));
  }
  REQUIRE(start(two.a, two.link()).ok());
  for (int i = 0; i < 50 && two.a.compared.empty(); ++i) {
    two.a.now.steady += limits::kCompareRetry;
    two.b.now.steady += limits::kCompareRetry;
    converse(two.net, two.a, two.b);
  }
  CHECK(two.result().found.equal == 800'000);
  CHECK(two.result().found.verdict() == Verdict::kEqual);
}

TEST_CASE("a damaged block ends the comparison of its stream with the reason, and of no other",
          "[engine][node][compare]") {
  TestNode a(1), b(2);
  TestNet net;
  const PeerId link = net.connect(a, b);
  REQUIRE(a.write(events(1, 3)).ok());
  REQUIRE(b.write(events(1, 3)).ok());
  net.run();
  a.damage(2);
  REQUIRE(start(a, link).ok());
  converse(net, a, b);
  REQUIRE(a.compared.size() == 1);
  REQUIRE(a.compared[0].streams.size() == 2);
  CHECK(a.compared[0].streams[0].status.error().code == ErrorCode::kCorrupt);
  CHECK(text_of(a.compared[0].streams[1]) == "equal and complete to 3");
  CHECK(a.compared[0].verdict() == Verdict::kUndecided);
}

TEST_CASE("a peer is found by the first digits of its node", "[engine][node][compare]") {
  const auto live = [](std::uint64_t peer, std::uint8_t node) {
    return SessionStatus{PeerId{peer}, SessionPhase::kLive, identity(node), "", 0};
  };
  const std::vector<SessionStatus> two{live(1, 0x1a), live(2, 0x1b), live(3, 0x1a)};
  CHECK(*session_with(two, "1a1a") == PeerId{3});  // The newest link.
  CHECK(*session_with(two, "1b") == PeerId{2});
  CHECK(session_with(two, "1").error().code == ErrorCode::kInvalid);
  CHECK(session_with(two, "2").error().code == ErrorCode::kNotFound);
  CHECK(*session_with({live(5, 0x1a)}, "") == PeerId{5});
  auto early = live(6, 0x1a);
  early.phase = SessionPhase::kFrontier;
  CHECK_FALSE(session_with({early}, "").ok());
}

}  // namespace deltamesh::test
