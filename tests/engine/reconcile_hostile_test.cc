// tests/engine/reconcile_hostile_test.cc - peers that lie, break the rules or change while they are compared.
#include <algorithm>
#include <catch2/catch.hpp>

#include "engine/limits.h"
#include "engine/range_cells.h"
#include "tests/engine/reconcile_fixture.h"

using namespace deltamesh;
using namespace deltamesh::testing;
using Catch::Contains;
using message::RangeAnswer;
using message::RangeQuestion;

namespace {

constexpr Seq kUpto = Seq{1} << 40;

IntervalSet everything() {
  return IntervalSet(Interval{1, kUpto});
}

RangeSum random_sum(Random& random, std::uint64_t count_max) {
  return {random.below(count_max + 1), {random.next(), random.next()}};
}

// Cells that fit `dots`, with sums of nothing.
RangeAnswer::Part made_up_cells(Random& random, Interval dots) {
  const auto cut = RangeCells::at_most(limits::kAnswerCellsMax, dots);
  RangeAnswer::Cells cells{static_cast<std::uint8_t>(cut.shift()), {}};
  for (std::uint64_t i = 0; i < cut.count(); ++i) cells.sums.push_back(random_sum(random, cut.at(i).size()));
  return cells;
}

RangeAnswer::Part made_up_part(Random& random, const RangeQuestion::Range& range) {
  const Interval dots = range.dots;
  if (random.chance(10)) return RangeAnswer::Equal{};
  if (!range.runs_known && random.chance(50)) {
    IntervalSet runs;
    for (std::uint64_t n = random.below(64); n > 0; --n) {
      const Seq first = random.between(dots.first, dots.last);
      runs.add({first, random.between(first, std::min(dots.last, first + dots.size() / 64))});
    }
    return runs;
  }
  return made_up_cells(random, dots);
}

// Asks a peer that answers with whatever `part` makes up, to the end.
template <class MakePart>
Result<Reconciled> ask_liar(RangeSource& source, MakePart part) {
  Reconciler asker({1, kUpto});
  while (true) {
    auto question = asker.ask(source);
    if (!question) return question.error();
    if (!*question) return asker.result();
    REQUIRE((*question)->ranges.size() <= limits::kRangesPerQuestion);
    RangeAnswer answer{0, (*question)->number, (*question)->upto, {}};
    for (const auto& range : (*question)->ranges) answer.parts.push_back(part(range));
    Traffic traffic;
    if (const Status status = asker.take(over_the_wire(answer, traffic), source); !status)
      return status.error();
  }
}

// The first question of a stream, answered with `answer`.
std::string refusal(RangeAnswer answer, Interval dots = {1, 1'000}) {
  SyntheticSource source{everything()};
  Reconciler asker(dots);
  const auto question = asker.ask(source);
  REQUIRE((question && *question));
  const Status status = asker.take(answer, source);
  return status ? "accepted" : status.error().text;
}

RangeAnswer with(RangeAnswer::Part part) {
  return {0, 1, 1'000, {std::move(part)}};
}

RangeAnswer::Cells cells(std::uint8_t shift, std::size_t count, std::uint64_t events = 1) {
  return {shift, std::vector<RangeSum>(count, {events, {7, 7}})};
}

}  // namespace

TEST_CASE("a peer that makes up its answers is asked no longer than the bounds allow",
          "[engine][reconcile][hostile]") {
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    Random random(seed);
    SyntheticSource source{everything()};
    if (seed % 2 == 1) {
      for (Seq i = 0; i < 10'000; ++i) source.lose({1 + i * 1'000, 1 + i * 1'000});
    }
    const auto result = ask_liar(source, [&](const auto& range) { return made_up_part(random, range); });
    if (!result) FAIL(result.error().text);
    CHECK(result->questions <= limits::kReconcileRoundsMax);
    CHECK(result->verdict() != Verdict::kEqual);
    CHECK(result->a_lacks.first().intervals().size() <= limits::kReconcileRunsMax);
  }
}

TEST_CASE("a peer whose every cell is another is asked no longer than the bounds allow",
          "[engine][reconcile][hostile]") {
  Random random(1);
  SyntheticSource source{everything()};
  const auto result = ask_liar(source, [&](const auto& range) -> RangeAnswer::Part {
    const auto cut = RangeCells::at_most(limits::kAnswerCellsMax, range.dots);
    RangeAnswer::Cells cells{static_cast<std::uint8_t>(cut.shift()), {}};
    for (std::uint64_t i = 0; i < cut.count(); ++i)
      cells.sums.push_back({cut.at(i).size(), {random.next(), random.next()}});
    return cells;
  });
  REQUIRE(result.ok());
  CHECK(result->questions <= limits::kReconcileRoundsMax);
  CHECK_FALSE(result->undecided.empty());
}

TEST_CASE("an answer that breaks the rules is refused with its reason", "[engine][reconcile][hostile]") {
  struct Row {
    RangeAnswer answer;
    const char* text;
  };
  const std::vector<Row> rows{
      {with(cells(5, 32)), "accepted"},
      {with(IntervalSet(Interval{1, 1'000})), "accepted"},
      {{0, 2, 1'000, {RangeAnswer::Equal{}}}, "nobody asked"},
      {{0, 1, 1'000, {RangeAnswer::Equal{}, RangeAnswer::Equal{}}}, "not one part for each range"},
      {with(IntervalSet(Interval{1, 1'001})), "beyond their range"},
      {with(cells(5, 31)), "do not cut"},
      {with(cells(5, 33)), "do not cut"},
      {with(cells(10, 1)), "do not cut"},
      {with(cells(62, 1)), "do not cut"},
      {with(cells(63, 1)), "do not cut"},
      {with(cells(64, 1)), "do not cut"},
      {with(cells(5, 32, 33)), "more events than dots"},
      {{0, 1, 0, {}}, "cannot tell"},
      {{0, 1, 900, {}}, "settled the stream up to 900"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    CHECK_THAT(refusal(row.answer), Contains(row.text));
  }
}

TEST_CASE("a peer cannot name the same runs twice instead of narrowing", "[engine][reconcile][hostile]") {
  SyntheticSource source{everything()};
  const auto result = ask_liar(source, [](const auto& range) { return IntervalSet(range.dots); });
  REQUIRE_FALSE(result.ok());
  CHECK_THAT(result.error().text, Contains("runs that were known"));
}

TEST_CASE("an answer that nobody waits for is refused", "[engine][reconcile][hostile]") {
  SyntheticSource source{everything()};
  Reconciler asker({1, 10});
  CHECK_FALSE(asker.take({0, 0, 10, {}}, source).ok());
}

TEST_CASE("a question beyond what its receiver has settled is answered with that number",
          "[engine][reconcile]") {
  SyntheticSource a{everything()}, b{everything()};
  Reconciler asker({1, 1'000});
  Traffic traffic;
  const Status status = converse(asker, a, b, 900, traffic);
  REQUIRE_FALSE(status.ok());
  CHECK(status.error().code == ErrorCode::kMismatch);
  CHECK_THAT(status.error().text, Contains("up to 900") && Contains("about 1000"));
}

TEST_CASE("events that come or go while they are compared leave it undecided there, and never differ",
          "[engine][reconcile]") {
  const bool peer_changes = GENERATE(true, false);
  SyntheticSource a{everything()}, b{everything()};
  const Interval gap{5'000, 5'010};
  b.lose(gap);
  b.alter(900'000);
  Reconciler asker({1, 1'000'000});
  const auto first = *asker.ask(a);
  REQUIRE(first);
  REQUIRE(asker.take(*answer_ranges(*first, kUpto, b), a).ok());
  peer_changes ? b.hold({5'005, 5'006}) : a.lose({7'000, 7'000});
  Traffic traffic;
  REQUIRE(converse(asker, a, b, kUpto, traffic).ok());
  const Reconciled& result = asker.result();
  CHECK(result.b_lacks.first() == IntervalSet(gap));  // As it was.
  CHECK_FALSE(result.undecided.empty());
  CHECK(result.differ.first().minus(IntervalSet(Interval{900'000, 900'000})).empty());
}

TEST_CASE("an event that comes while the answer is on its way is no different event", "[engine][reconcile]") {
  SyntheticSource a{everything()}, b{everything()};
  const Seq last = GENERATE(values<Seq>({5, 6, 2'000}));
  a.lose({5, 5});
  Reconciler asker({5, last});
  const auto question = *asker.ask(a);
  REQUIRE(question);
  a.hold({5, 5});
  REQUIRE(asker.take(*answer_ranges(*question, kUpto, b), a).ok());
  Traffic traffic;
  REQUIRE(converse(asker, a, b, kUpto, traffic).ok());
  CHECK(asker.result().verdict() == Verdict::kEqual);
  CHECK(asker.result().equal == last - 4);
}
