// tests/engine/node_compare_test.cc - a node asks a peer whether it holds the same, and says what it found.
#include <catch2/catch.hpp>

#include "tests/engine/compare_fixture.h"

namespace deltamesh::test {
namespace {

using Catch::Contains;

std::string text_of(const ComparedStream& result) {
  return describe(result.found, "A", "B", result.voided);
}

// A node that holds 3,000 settled events of the peer that it is to compare with, and what it asks that peer.
struct Asked {
  explicit Asked(std::uint32_t events = 3'000) {
    peer.agree();
    for (std::uint32_t first = 1; first <= events; first += 1'000)
      peer.say(first == 1 ? peer.delta(first, 1'000) : later(peer.delta(first, 1'000)));
    peer.hear();
    REQUIRE(start(node, peer.peer()).ok());
  }
  message::RangeQuestion question() {
    const auto asked = only<message::RangeQuestion>(peer.hear());
    REQUIRE(asked.size() == 1);
    return asked.front();
  }
  // So many times that a range is equal; without any, a refusal.
  void answer(const message::RangeQuestion& to, Seq upto, std::size_t equal = 0) {
    message::RangeAnswer answer{to.ref.index, to.number, upto, {}};
    answer.parts.resize(equal);
    peer.say(answer);
  }
  void answer_equal(const message::RangeQuestion& to) { answer(to, to.upto, 1); }

  TestNode node{1};
  ScriptedPeer peer{node};
};

}  // namespace

TEST_CASE("linked nodes that hold the same hear that each stream is equal and complete to its head",
          "[engine][node][compare]") {
  TestNode a(1), b(2);
  TestNet net;
  const PeerId link = net.connect(a, b);
  REQUIRE(a.write(events(1, 40)).ok());
  REQUIRE(b.write(events(1, 70)).ok());
  REQUIRE(a.put("key", "a map is not compared").ok());
  net.run();
  REQUIRE(start(a, link).ok());
  converse(net, a, b);
  REQUIRE(a.compared.size() == 1);
  const Compared& result = a.compared[0];
  CHECK(result.status.ok());
  CHECK(result.verdict() == Verdict::kEqual);
  CHECK(result.remote == identity(2));
  REQUIRE(result.streams.size() == 2);
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

TEST_CASE("a stream whose writer claims more events than anybody has is compared in few questions",
          "[engine][node][compare][hostile]") {
  TestNode node(1);
  ScriptedPeer peer(node);
  peer.agree();
  auto delta = peer.delta(1, 9);
  delta.head = delta.settled = Seq{1} << 62;
  peer.say(delta);
  peer.hear();
  REQUIRE(start(node, peer.peer()).ok());
  int questions = 0;
  while (node.compared.empty()) {
    for (const auto& question : only<message::RangeQuestion>(peer.hear())) {
      message::RangeAnswer answer{question.ref.index, question.number, question.upto, {}};
      answer.parts.resize(question.ranges.size());
      peer.say(answer);
    }
    REQUIRE(++questions < 200);
    node.tick();
  }
  CHECK(node.compared[0].verdict() == Verdict::kEqual);
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

TEST_CASE("a peer that does not answer is waited for no longer than the limit", "[engine][node][compare]") {
  Asked asked;
  asked.node.wait(limits::kCompareAnswer - microseconds(1));
  CHECK(asked.node.compared.empty());
  asked.node.wait(microseconds(1));
  REQUIRE(asked.node.compared.size() == 1);
  CHECK_THAT(asked.node.compared[0].status.error().text, Contains("no answer within 30 s"));
  CHECK(asked.node.compared[0].verdict() == Verdict::kUndecided);
}

TEST_CASE("a comparison ends with its session, and says so", "[engine][node][compare]") {
  Asked asked;
  asked.peer.leave();
  REQUIRE(asked.node.compared.size() == 1);
  CHECK(asked.node.compared[0].status.error().code == ErrorCode::kClosed);
  asked.node.wait(limits::kCompareAnswer);
  CHECK(asked.node.compared.size() == 1);
}

TEST_CASE("one comparison at a time is under way with a peer", "[engine][node][compare]") {
  Asked asked;
  CHECK(start(asked.node, asked.peer.peer()).error().code == ErrorCode::kFull);
  asked.answer(asked.question(), 0);
  asked.node.tick();
  REQUIRE(asked.node.compared.size() == 1);
  CHECK(start(asked.node, asked.peer.peer()).ok());
  CHECK(start(asked.node, PeerId{77}).error().code == ErrorCode::kNotFound);
}

TEST_CASE("a stream is named before the question, so that who skips the question stays in step",
          "[engine][node][compare]") {
  TestNode node(1);
  ScriptedPeer writer(node, 50), peer(node, 51);
  writer.agree();
  peer.agree();
  // The peer has the stream from elsewhere, so that nothing of it was sent and its number never told.
  message::Frontier has;
  has.entries = {{{0, writer.stream()}, IntervalSet(Interval{1, 10}), {}, 10, 10}};
  peer.say(has);
  writer.say(writer.delta(1, 10));
  peer.hear();
  REQUIRE(start(node, peer.peer()).ok());
  const auto said = peer.hear();
  REQUIRE(said.size() == 2);
  const auto& naming = std::get<message::Frontier>(said[0]).entries;
  REQUIRE(naming.size() == 1);
  CHECK(naming[0].ref.stream == writer.stream());
  CHECK(std::get<message::RangeQuestion>(said[1]).ref == message::StreamRef{naming[0].ref.index, {}});
}

TEST_CASE("a peer that has settled less is compared with up to there", "[engine][node][compare]") {
  Asked asked;
  asked.answer_equal(asked.question());  // Dots 1 to 1,024.
  asked.node.tick();
  asked.answer(asked.question(), 1'500);
  asked.node.tick();
  const auto question = asked.question();
  CHECK(question.upto == 1'500);
  asked.answer_equal(question);
  asked.node.tick();
  REQUIRE(asked.node.compared.size() == 1);
  CHECK(text_of(asked.node.compared[0].streams.at(0)) == "equal and complete to 1500");
}

TEST_CASE("a peer that settles less with each answer is asked no more", "[engine][node][compare]") {
  Asked asked;
  asked.answer(asked.question(), 900);
  asked.node.tick();
  asked.answer(asked.question(), 800);
  asked.node.tick();
  REQUIRE(asked.node.compared.size() == 1);
  CHECK(asked.node.compared[0].streams.at(0).status.error().code == ErrorCode::kMismatch);
}

TEST_CASE("a peer that is asked too much is asked again after a while, and not for ever",
          "[engine][node][compare]") {
  Asked asked;
  for (int i = 0; i < limits::kCompareRefusalsMax; ++i) {
    const auto question = asked.question();
    asked.answer(question, question.upto);
    asked.node.tick();
    REQUIRE(only<message::RangeQuestion>(asked.peer.hear()).empty());
    asked.node.wait(limits::kCompareRetry);
  }
  const bool goes_on = GENERATE(true, false);
  const auto question = asked.question();
  goes_on ? asked.answer_equal(question) : asked.answer(question, question.upto);
  asked.node.wait(limits::kCompareRetry);
  CHECK(asked.node.compared.empty() == goes_on);
  if (!goes_on) CHECK(asked.node.compared.at(0).streams.at(0).status.error().code == ErrorCode::kFull);
}

TEST_CASE("an answer that nobody waits for is passed over, one that breaks the rules ends the session",
          "[engine][node][compare][hostile]") {
  Asked asked;
  const auto question = asked.question();
  auto other = question;
  ++other.number;
  asked.answer_equal(other);
  CHECK(asked.peer.end().empty());
  CHECK(asked.node.counters().ranges_compared == 0);
  const bool two_parts = GENERATE(true, false);
  auto bad = question;
  if (!two_parts) ++bad.ref.index;
  asked.answer(bad, question.upto, two_parts ? 2 : 1);
  CHECK_THAT(asked.peer.end(), Contains("range answer"));
  REQUIRE(asked.node.compared.size() == 1);
  CHECK(asked.node.compared[0].status.error().code == ErrorCode::kClosed);
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
