// tests/engine/node_compare_peer_test.cc - comparisons with a peer that is slow, silent, behind, or breaks
// the rules.
#include <catch2/catch.hpp>

#include "tests/engine/compare_fixture.h"

namespace deltamesh::test {
namespace {

using Catch::Contains;

}  // namespace

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

}  // namespace deltamesh::test
