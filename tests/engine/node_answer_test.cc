// tests/engine/node_answer_test.cc - a node answers what it holds of a range, anew when data comes, and not
// without bound.
#include <catch2/catch.hpp>

#include "tests/engine/compare_fixture.h"

namespace deltamesh::test {
namespace {

using message::RangeAnswer;
using message::RangeQuestion;

RangeQuestion question(std::uint32_t number, Seq upto, std::size_t ranges = 1) {
  RangeQuestion out{{0, std::nullopt}, number, upto, {}};
  const Seq step = upto / ranges;
  for (Seq i = 0; i < ranges; ++i) out.ranges.push_back({{i * step + 1, (i + 1) * step}, {}, false});
  return out;
}

// A node that holds some of the peer's stream.
struct Answering {
  Answering() {
    peer.agree();
    peer.hear();
  }
  RangeAnswer ask(const RangeQuestion& about) {
    peer.say(about);
    const auto answers = only<RangeAnswer>(peer.hear());
    REQUIRE(answers.size() == 1);
    return answers.front();
  }
  [[nodiscard]] IntervalSet held(std::uint32_t number) {
    return std::get<IntervalSet>(ask(question(number, 20)).parts.at(0));
  }

  TestNode node{1};
  ScriptedPeer peer{node};
};

message::Delta settled_to(message::Delta delta, Seq settled) {
  delta.head = delta.settled = settled;
  return delta;
}

}  // namespace

TEST_CASE("what has arrived since the last question is in the next answer", "[engine][node][compare]") {
  Answering at;
  at.peer.say(settled_to(at.peer.delta(1, 9), 20));
  CHECK(at.held(1) == IntervalSet(Interval{1, 9}));
  at.peer.say(later(settled_to(at.peer.delta(12, 3), 20)));
  IntervalSet both(Interval{1, 9});
  both.add({12, 14});
  CHECK(at.held(2) == both);
}

TEST_CASE("a declaration that comes later is in the next answer", "[engine][node][compare]") {
  Answering at;
  auto bare = at.peer.delta(1, 1);
  const auto declared = std::exchange(bare.declarations, {});
  at.peer.say(bare);
  auto about = question(1, 1);
  about.ranges[0].runs_known = true;
  const auto before = std::get<RangeAnswer::Cells>(at.ask(about).parts.at(0));
  at.peer.say(message::SeriesGiven{at.peer.stream(), declared});
  const auto after = std::get<RangeAnswer::Cells>(at.ask(about).parts.at(0));
  CHECK(before.sums.at(0).count == after.sums.at(0).count);
  CHECK(before.sums.at(0) != after.sums.at(0));
}

TEST_CASE("a question beyond what is settled is told how far it may go, one about a map nothing",
          "[engine][node][compare]") {
  Answering at;
  at.peer.say(at.peer.delta(1, 9));
  const auto beyond = at.ask(question(1, 20));
  CHECK(beyond.parts.empty());
  CHECK(beyond.upto == 9);
  auto about_map = question(2, 5);
  about_map.ref = {1, at.peer.map_stream()};
  const auto map = at.ask(about_map);
  CHECK(map.parts.empty());
  CHECK(map.upto == 0);
  CHECK(map.index == 1);
}

TEST_CASE("a peer that asks without end is put off, and answered again when time has passed",
          "[engine][node][compare][hostile]") {
  Answering at;
  at.peer.say(at.peer.delta(1, 1'000));
  std::uint32_t number = 0;
  RangeAnswer last;
  do {
    last = at.ask(question(++number, 1'000, limits::kRangesPerQuestion));
    REQUIRE(number < 10'000);
  } while (!last.parts.empty());
  CHECK(number > 10);
  CHECK(last.upto == 1'000);  // Not "cannot tell", but "not now".
  CHECK(at.peer.end().empty());
  CHECK(at.node.counters().range_questions_answered == number - 1);
  CHECK(at.node.counters().range_questions_refused == 1);
  at.node.now.steady += seconds(1);
  CHECK_FALSE(at.ask(question(++number, 1'000, limits::kRangesPerQuestion)).parts.empty());
}

TEST_CASE(
    "a question that costs more than is allowed at a time is answered when it has been asked often enough",
    "[engine][node][compare]") {
  Answering at;
  constexpr std::uint32_t kEvents = 1'000'000, kBlock = 8'000;
  for (Seq first = 1; first < kEvents; first += kBlock) {
    const auto block = at.peer.delta(first, kBlock);
    at.peer.say(first == 1 ? block : later(block));
  }
  at.peer.hear();
  std::uint32_t asked = 1;
  while (at.ask(question(asked, kEvents)).parts.empty()) {
    REQUIRE(++asked < 10);
    at.node.now.steady += seconds(1);
  }
  CHECK(asked > 1);
}

TEST_CASE("who cannot read what is asked about says that it cannot tell", "[engine][node][compare]") {
  TestNode node(1);
  ScriptedPeer peer(node);
  REQUIRE(node.write(events(1, 5)).ok());
  peer.agree();
  peer.hear();
  node.damage(3);
  RangeQuestion about = question(1, 5);
  about.ref = {0, node.stream()};
  peer.say(about);
  const auto answers = only<RangeAnswer>(peer.hear());
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].parts.empty());
  CHECK(answers[0].upto == 0);
  CHECK(peer.end().empty());
  CHECK(node.counters().range_questions_refused == 1);
}

}  // namespace deltamesh::test
