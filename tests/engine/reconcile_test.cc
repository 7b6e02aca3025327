// tests/engine/reconcile_test.cc - every verdict exact, and found with few bytes and round trips.
#include "engine/reconcile.h"

#include <rapidcheck.h>
#include <rapidcheck/catch.h>
#include <catch2/catch.hpp>

#include "engine/limits.h"
#include "tests/engine/reconcile_fixture.h"

using namespace deltamesh;
using namespace deltamesh::testing;

namespace {

constexpr Seq kMany = Seq{1} << 30;
constexpr Seq kHole = 1'024'000;

IntervalSet without(IntervalSet set, Interval hole) {
  set.remove(hole);
  return set;
}

IntervalSet everything(Seq upto = kMany) {
  return IntervalSet(Interval{1, upto});
}

// Every `step`-th dot from `first` on, `count` of them.
IntervalSet comb(Seq first, Seq step, std::size_t count) {
  IntervalSet set;
  for (Seq i = 0; i < count; ++i) set.add({first + i * step, first + i * step});
  return set;
}

// Few long runs, or many short ones, or something between.
IntervalSet random_held(Random& random, Seq upto) {
  const Seq length_max = random.chance(50) ? 5 : 1 + upto / 3;
  IntervalSet held;
  for (Seq at = random.below(length_max + 1); at < upto;) {
    const Seq last = std::min(upto, at + random.between(1, length_max));
    held.add({at + 1, last});
    at = last + random.between(1, random.chance(20) ? length_max : 3);
  }
  return held;
}

// The same with a few dots more and less.
IntervalSet nearly(Random& random, IntervalSet held, Seq upto) {
  for (std::uint64_t n = random.below(6); n > 0; --n) {
    const Seq first = random.between(1, upto);
    const Interval dots{first, std::min(upto, first + random.below(20))};
    random.chance(50) ? held.add(dots) : held.remove(dots);
  }
  return held;
}

// Two sides that differ in dots and in events, and what a comparison has to find.
struct Sides {
  Interval dots;
  SyntheticSource a, b;
  explicit Sides(Random& random) : Sides(random, random.chance(50) ? 60 : 4'000) {}
  Sides(Random& random, Seq upto) : dots{1, upto}, a(random_held(random, upto)), b(other(random, a, upto)) {
    for (std::uint64_t n = random.chance(40) ? 0 : random.below(8); n > 0; --n)
      b.alter(random.between(1, upto));
  }
  static IntervalSet other(Random& random, const SyntheticSource& a, Seq upto) {
    return random.chance(30) ? random_held(random, upto) : nearly(random, a.all(), upto);
  }
  [[nodiscard]] IntervalSet both() const { return a.all().intersect(b.all()); }
  [[nodiscard]] IntervalSet differ() const { return both().intersect(b.altered()); }
};

Verdict expected_verdict(const Sides& sides) {
  if (!sides.differ().empty()) return Verdict::kDiffer;
  return sides.a.all() == sides.b.all() ? Verdict::kEqual : Verdict::kEqualWhereBothHold;
}

}  // namespace

TEST_CASE("what each side lacks and where they differ is found exactly", "[engine][reconcile]") {
  rc::prop("as a comparison dot by dot finds it", [](std::uint64_t seed) {
    for (std::uint64_t i = 0; i < 20; ++i) {
      Random random(seed * 20 + i);
      Sides sides(random);
      const Reconciled result = compare(sides.a, sides.b, sides.dots);
      RC_ASSERT(result.a_lacks.first() == sides.b.all().minus(sides.a.all()));
      RC_ASSERT(result.b_lacks.first() == sides.a.all().minus(sides.b.all()));
      RC_ASSERT(result.differ.first() == sides.differ());
      RC_ASSERT(result.a_lacks.total() == result.a_lacks.first().size());
      RC_ASSERT(result.b_lacks.total() == result.b_lacks.first().size());
      RC_ASSERT(result.undecided.empty());
      RC_ASSERT(result.equal == sides.both().size() - sides.differ().size());
      RC_ASSERT(result.verdict() == expected_verdict(sides));
    }
  });
}

TEST_CASE("a part of a stream is compared as a whole one is", "[engine][reconcile]") {
  SyntheticSource a(without(everything(5'000), {100, 120})), b(without(everything(5'000), {3'000, 3'000}));
  b.alter(2'000);
  const Reconciled result = compare(a, b, {1'500, 4'000});
  CHECK(result.a_lacks.empty());
  CHECK(result.b_lacks.first() == IntervalSet(Interval{3'000, 3'000}));
  CHECK(result.differ.first() == IntervalSet(Interval{2'000, 2'000}));
  CHECK(result.equal == 2'499);
}

TEST_CASE("equal streams cost one short round trip, however long they are", "[engine][reconcile]") {
  SyntheticSource a(everything()), b(everything());
  Traffic traffic;
  CHECK(compare(a, b, {1, kMany}, traffic).verdict() == Verdict::kEqual);
  CHECK(traffic.round_trips == 1);
  CHECK(traffic.bytes <= 120);
}

TEST_CASE("a hole of 1,024,000 events among 2^30 is found with at most 4 round trips and 4 KB",
          "[engine][reconcile][wire]") {
  const Interval hole{777'777'777, 777'777'777 + kHole - 1};
  struct Row {
    const char* what;
    IntervalSet a, b;
  };
  // Gaps that both sides have since long ago make the held sets too long to be told.
  const IntervalSet old_gaps = comb(10'000, kMany / 16'000, 15'900);
  const IntervalSet gapped = everything().minus(old_gaps);
  const auto row = GENERATE_COPY(values<Row>({
      {"the asker has it", without(everything(), hole), everything()},
      {"the peer has it", everything(), without(everything(), hole)},
      {"both have 15,900 other gaps", gapped, without(gapped, hole)},
  }));
  SyntheticSource a(row.a), b(row.b);
  Traffic traffic;
  const Reconciled result = compare(a, b, {1, kMany}, traffic);
  CAPTURE(row.what, traffic.round_trips, traffic.bytes);
  CHECK(result.a_lacks.first() == row.b.minus(row.a));
  CHECK(result.b_lacks.first() == row.a.minus(row.b));
  CHECK(result.verdict() == Verdict::kEqualWhereBothHold);
  CHECK(traffic.round_trips <= 4);
  CHECK(traffic.bytes <= 4096);
}

TEST_CASE("one event among 2^30 that is not the same is named", "[engine][reconcile][wire]") {
  const Seq altered = GENERATE(values<Seq>({1, 777'777'777, kMany}));
  SyntheticSource a(everything()), b(everything());
  b.alter(altered);
  Traffic traffic;
  const Reconciled result = compare(a, b, {1, kMany}, traffic);
  CAPTURE(altered, traffic.round_trips, traffic.bytes);
  CHECK(result.differ.first() == IntervalSet(Interval{altered, altered}));
  CHECK(result.equal == kMany - 1);
  CHECK(traffic.round_trips <= 4);
  CHECK(traffic.bytes <= 4096);
}

TEST_CASE("of many differences the first are named and all are counted", "[engine][reconcile][limits]") {
  SyntheticSource a(everything(100'000)), b(everything(100'000));
  const IntervalSet altered = comb(7, 10, 3'000);
  b.alter(altered);
  const Reconciled result = compare(a, b, {1, 100'000});
  CHECK(result.differ.total() == 3'000);
  CHECK(result.differ.cut());
  CHECK(result.differ.first() == comb(7, 10, limits::kReconcileRunsMax));
  CHECK(result.equal == 97'000);
}

TEST_CASE("two streams with nothing in common end within the bounds", "[engine][reconcile][limits]") {
  SyntheticSource a(everything(), 1), b(everything(), 2);
  const Reconciled result = compare(a, b, {1, kMany});
  CHECK(result.verdict() == Verdict::kDiffer);
  CHECK(result.questions == limits::kReconcileRoundsMax);
  CHECK(result.differ.first() == IntervalSet(Interval{1, result.differ.total()}));
  CHECK(result.differ.total() > 10'000);
  CHECK(result.equal == 0);
  CHECK(result.differ.total() + result.undecided.total() == kMany);
}

TEST_CASE("more gaps than may wait to be compared are named all the same", "[engine][reconcile][limits]") {
  const IntervalSet gaps = comb(10, 10, limits::kRangesPendingMax + 100);
  const Interval all{1, 1'000'000};
  SyntheticSource a(IntervalSet(all).minus(gaps)), b{IntervalSet(all)};
  const Reconciled result = compare(a, b, all);
  CHECK(result.a_lacks.total() == gaps.size());
  CHECK(result.a_lacks.first() == comb(10, 10, limits::kReconcileRunsMax));
  CHECK_FALSE(result.undecided.empty());
  CHECK(result.undecided.total() + result.equal + gaps.size() == all.size());
}

TEST_CASE("the verdict in words", "[engine][reconcile]") {
  SyntheticSource a(without(everything(1'000), {5, 9})), b(without(everything(1'000), {12, 12}));
  CHECK(describe(compare(a, a, {10, 1'000}), "A", "B") == "equal and complete to 1000");
  CHECK(describe(compare(a, a, {1, 1'000}), "A", "B") == "equal to 1000; neither holds 5 of the dots");
  CHECK(describe(compare(a, a, {1, 1'000}), "A", "B", 5) == "equal and complete to 1000");
  CHECK(describe(compare(a, b, {1, 1'000}), "gateway", "cloud") ==
        "equal where both hold; gateway lacks 5-9 (5 dots); cloud lacks 12 (1 dot)");
  b.alter(comb(100, 3, 2));
  CHECK(describe(compare(a, b, {20, 1'000}), "A", "B") == "differ at 100, 103 (2 dots)");
}
