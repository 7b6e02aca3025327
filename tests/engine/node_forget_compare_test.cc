// tests/engine/node_forget_compare_test.cc - comparisons and rules: nodes with the same rules are equal,
// those with others put it off, and nobody waits for ever.
#include "tests/engine/compare_fixture.h"
#include "tests/engine/forget_fixture.h"

namespace deltamesh::test {
namespace {

const ForgetRule kPressure = {"telemetry", "pump/pressure", 1'010, 1'019};

std::string verdict_of(const Compared& compared, const StreamId& stream) {
  for (const ComparedStream& one : compared.streams) {
    if (one.stream == stream)
      return one.status ? describe(one.found, "A", "B", one.voided) : one.status.error().text;
  }
  return "(none)";
}

}  // namespace

TEST_CASE("nodes under the same rules are equal before and after either has removed what they name",
          "[engine][forget][compare]") {
  Two two;
  two.give_both(100);
  const PeerId link = two.link();
  two.b.hold_commits();
  REQUIRE(forget(two.a, kPressure).ok());
  converse(two.net, two.a, two.b);
  two.b.sync();  // In effect at b, and nothing is removed there.
  converse(two.net, two.a, two.b);
  REQUIRE(two.b.node().rules().size() == 1);
  REQUIRE(picture(two.a, two.to_a.stream()) != picture(two.b, two.to_a.stream()));
  REQUIRE(start(two.a, link).ok());
  converse(two.net, two.a, two.b);
  REQUIRE(two.a.compared.size() == 1);
  CHECK(two.a.compared[0].status.ok());
  CHECK_THAT(verdict_of(two.a.compared[0], two.to_a.stream()), Catch::Contains("equal"));
  two.b.release_commits();
  obey(two.b);
  REQUIRE(picture(two.a, two.to_a.stream()) == picture(two.b, two.to_a.stream()));
  REQUIRE(start(two.b, link).ok());
  converse(two.net, two.a, two.b);
  REQUIRE(two.b.compared.size() == 1);
  CHECK_THAT(verdict_of(two.b.compared[0], two.to_a.stream()), Catch::Contains("equal"));
}

TEST_CASE("what was summed before a rule took effect is summed anew", "[engine][forget][compare]") {
  Two two;
  two.give_both(100);
  const PeerId link = two.link();
  REQUIRE(start(two.a, link).ok());
  converse(two.net, two.a, two.b);
  REQUIRE(two.a.compared.size() == 1);
  REQUIRE(forget(two.a, kPressure).ok());
  converse(two.net, two.a, two.b);
  REQUIRE(two.b.node().rules().size() == 1);
  two.net.disconnect(link);
  two.a.restart();  // It remembers no sums.
  const PeerId again = two.net.connect(two.a, two.b);
  two.net.run();
  REQUIRE(start(two.a, again).ok());
  converse(two.net, two.a, two.b);
  REQUIRE(two.a.compared.size() == 2);
  CHECK_THAT(verdict_of(two.a.compared[1], two.to_a.stream()), Catch::Contains("equal"));
}

TEST_CASE("a real difference is found beside what rules remove", "[engine][forget][compare]") {
  Two two;
  two.give_both(10);
  two.to_a.say(later(two.to_a.delta(11, 1)));
  two.to_b.say(later(with_value(two.to_b.delta(11, 1), 99.5)));
  const PeerId link = two.link();
  REQUIRE(forget(two.a, {"telemetry", "pump/pressure", kTimeOpenFrom, 1'008}).ok());
  converse(two.net, two.a, two.b);
  REQUIRE(start(two.a, link).ok());
  converse(two.net, two.a, two.b);
  const ComparedStream result = two.result();
  CHECK(result.status.ok());
  CHECK(result.found.differ.total() == 1);
}

TEST_CASE("a question under other rules is refused as such", "[engine][forget][compare]") {
  Asked asked(100);
  const auto question = asked.question();
  CHECK(question.rules.empty());
  message::RangeQuestion theirs = question;
  theirs.ref = {0, std::nullopt};
  theirs.rules = Bytes(16, std::byte{3});
  asked.peer.say(theirs);
  const auto answers = only<message::RangeAnswer>(asked.peer.hear());
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].other_rules);
  CHECK(answers[0].parts.empty());
}

TEST_CASE("a comparison with a peer that has other rules is put off, and ends with that as its reason",
          "[engine][forget][compare]") {
  Asked asked(100);
  int questions = 0;
  for (; asked.node.compared.empty() && questions < 1'000; ++questions) {
    const auto question = asked.question();
    message::RangeAnswer answer{question.ref.index, question.number, 0, {}};
    answer.other_rules = true;
    asked.peer.say(answer);
    asked.node.wait(limits::kCompareRetry);
    asked.node.wait(limits::kCompareRetry);
  }
  CHECK(questions == limits::kCompareRefusalsMax + 1);
  REQUIRE(asked.node.compared.size() == 1);
  REQUIRE_FALSE(asked.node.compared[0].status.ok());
  CHECK_THAT(asked.node.compared[0].status.error().text, Catch::Contains("other rules"));
  CHECK_THAT(verdict_of(asked.node.compared[0], asked.peer.stream()), Catch::Contains("other rules"));
}

TEST_CASE("a comparison goes on once the peer has come to the same rules", "[engine][forget][compare]") {
  Asked asked(100);
  auto question = asked.question();
  message::RangeAnswer other{question.ref.index, question.number, 0, {}};
  other.other_rules = true;
  asked.peer.say(other);
  asked.node.wait(limits::kCompareRetry);
  question = asked.question();
  asked.answer_equal(question);
  asked.node.tick();
  REQUIRE(asked.node.compared.size() == 1);
  CHECK(asked.node.compared[0].status.ok());
}

TEST_CASE("a rule that takes effect ends a comparison of streams with a result",
          "[engine][forget][compare]") {
  Asked asked(100);
  const auto question = asked.question();
  REQUIRE(forget(asked.node, kPressure).ok());
  REQUIRE(asked.node.compared.size() == 1);
  REQUIRE_FALSE(asked.node.compared[0].status.ok());
  CHECK(asked.node.compared[0].status.error().code == ErrorCode::kFull);
  CHECK_THAT(asked.node.compared[0].status.error().text, Catch::Contains("compare again"));
  asked.answer_equal(question);  // Nobody waits for it.
  CHECK(asked.peer.end().empty());
  CHECK(asked.node.compared.size() == 1);
  REQUIRE(start(asked.node, asked.peer.peer()).ok());
  CHECK(only<message::RangeQuestion>(asked.peer.hear()).back().rules.size() == 16);
}

TEST_CASE("a rule that comes while two nodes compare leaves both with an end, and equal the next time",
          "[engine][forget][compare]") {
  const int steps = GENERATE(range(0, 6));
  CAPTURE(steps);
  Two two;
  two.give_both(3'000);
  const PeerId link = two.link();
  REQUIRE(start(two.a, link).ok());
  REQUIRE(start(two.b, link).ok());
  for (int i = 0; i < steps; ++i) {
    two.net.step();
    two.a.tick();
  }
  REQUIRE(forget(two.b, kPressure).ok());
  for (int i = 0; i < 100; ++i) {
    converse(two.net, two.a, two.b);
    two.a.wait(limits::kCompareRetry);
    two.b.wait(limits::kCompareRetry);
  }
  CHECK(two.a.compared.size() == 1);
  CHECK(two.b.compared.size() == 1);
  for (TestNode* const node : {&two.a, &two.b}) {
    for (const Compared& compared : node->compared) {
      for (const ComparedStream& one : compared.streams) CHECK(one.found.differ.empty());
    }
  }
  REQUIRE(start(two.a, link).ok());
  converse(two.net, two.a, two.b);
  REQUIRE(two.a.compared.size() == 2);
  CHECK(two.a.compared[1].status.ok());
  CHECK_THAT(verdict_of(two.a.compared[1], two.to_a.stream()), Catch::Contains("equal"));
}

TEST_CASE("a peer that claims our rules and sums by others is found to differ, and nothing worse",
          "[engine][forget][compare][hostile]") {
  Asked asked(100);
  asked.question();
  REQUIRE(forget(asked.node, kPressure).ok());
  REQUIRE(start(asked.node, asked.peer.peer()).ok());
  for (int i = 0; i < 20 && asked.node.compared.size() < 2; ++i) {
    const auto questions = only<message::RangeQuestion>(asked.peer.hear());
    if (questions.empty()) asked.node.tick();
    for (const auto& question : questions) {
      message::RangeAnswer answer{question.ref.index, question.number, question.upto, {}};
      for (const auto& range : question.ranges) {
        message::RangeAnswer::Cells cells;
        while ((Seq{1} << cells.shift) < range.dots.size()) ++cells.shift;
        const auto parts =
            ((range.dots.last - 1) >> cells.shift) - ((range.dots.first - 1) >> cells.shift) + 1;
        cells.sums.resize(parts);
        for (Seq part = 0; part < parts; ++part)
          cells.sums[part] = {1, Fingerprint(7, range.dots.first + part)};
        answer.parts.emplace_back(cells);
      }
      asked.peer.say(answer);
    }
  }
  CHECK(asked.node.node().rules().size() == 1);
  CHECK(shown(asked.node, "pump/pressure").size() == 990);
}

TEST_CASE("the scrub takes no rule for a difference", "[engine][forget][compare][scrub]") {
  Two two(scrubbing());
  two.give_both(100);
  two.link();
  pass(two, 3);
  two.b.hold_commits();
  REQUIRE(forget(two.a, kPressure).ok());
  pass(two, 3);
  two.b.sync();
  pass(two, 3);
  two.b.release_commits();
  pass(two, 6);
  CHECK(two.a.counters().ranges_different == 0);
  CHECK(two.b.counters().ranges_different == 0);
  CHECK(two.a.counters().ranges_compared > 0);
}

}  // namespace deltamesh::test
