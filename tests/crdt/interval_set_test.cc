// tests/crdt/interval_set_test.cc - interval algebra against a bitmap, and the bytes of interval sets.
#include "crdt/interval_set.h"

#include <bitset>
#include <catch2/catch.hpp>

#include "tests/crdt/generators.h"
#include "tests/crdt/golden.h"

namespace deltamesh {
namespace {

constexpr std::size_t kBits = 512;
using Bitmap = std::bitset<kBits>;

// Bit i stands for the number base + i; the second window ends at the largest number there is.
constexpr Seq kBases[] = {1, kSeqMax - (kBits - 1)};

IntervalSet of(std::initializer_list<Interval> intervals) {
  IntervalSet set;
  for (const Interval& interval : intervals) set.add(interval);
  return set;
}

IntervalList list(std::initializer_list<Interval> intervals) {
  IntervalList out;
  out.append(intervals.begin(), intervals.end());
  return out;
}

// The one canonical form, built in a way that cannot be wrong: maximal runs of ones.
IntervalList runs(const Bitmap& bits, Seq base) {
  IntervalList out;
  for (std::size_t i = 0; i < kBits; ++i) {
    if (!bits[i]) continue;
    if (i > 0 && bits[i - 1]) {
      out.back().last = base + i;
    } else {
      out.push_back({base + i, base + i});
    }
  }
  return out;
}

struct Pair {
  IntervalSet set;
  Bitmap bits;
};

Interval random_range(Random& random, std::size_t& from, std::size_t& to, Seq base) {
  from = random.below(kBits);
  to = std::min<std::size_t>(kBits - 1, from + random.below(random.chance(20) ? 200 : 8));
  return {base + from, base + to};
}

Pair random_pair(Random& random, Seq base) {
  Pair pair;
  for (std::uint64_t n = random.below(random.chance(10) ? 120 : 20); n > 0; --n) {
    std::size_t from = 0, to = 0;
    const Interval range = random_range(random, from, to, base);
    const bool is_added = random.chance(70);
    is_added ? pair.set.add(range) : pair.set.remove(range);
    for (std::size_t i = from; i <= to; ++i) pair.bits[i] = is_added;
    if (pair.set.intervals() != runs(pair.bits, base)) FAIL("add or remove differs from the bitmap");
  }
  return pair;
}

std::optional<Interval> first_run(const Bitmap& bits, Seq base) {
  const auto all = runs(bits, base);
  if (all.empty()) return std::nullopt;
  return all.front();
}

std::optional<Interval> last_run(const Bitmap& bits, Seq base) {
  const auto all = runs(bits, base);
  if (all.empty()) return std::nullopt;
  return all.back();
}

void check_algebra(const Pair& a, const Pair& b, const Pair& c, Seq base) {
  IntervalSet joined = a.set;
  joined.join(b.set);
  REQUIRE(joined.intervals() == runs(a.bits | b.bits, base));
  REQUIRE(a.set.minus(b.set).intervals() == runs(a.bits & ~b.bits, base));
  REQUIRE(a.set.intersect(b.set).intervals() == runs(a.bits & b.bits, base));
  REQUIRE(joined.includes(a.set));
  REQUIRE(a.set.includes(b.set) == (b.bits & ~a.bits).none());
  REQUIRE(a.set.size() == a.bits.count());

  // The run that is missing ends where `a` or the coverage begins anew, so it lies in one interval of `a`.
  REQUIRE(a.set.first_missing(b.set, c.set) == first_run(a.bits & ~b.bits & ~c.bits, base));
  REQUIRE(a.set.last_missing(b.set, c.set) == last_run(a.bits & ~b.bits & ~c.bits, base));
}

void check_questions(Random& random, const Pair& a, Seq base) {
  std::size_t from = 0, to = 0;
  const Interval range = random_range(random, from, to, base);
  std::size_t ones = 0;
  for (std::size_t i = from; i <= to; ++i) ones += a.bits[i] ? 1 : 0;
  REQUIRE(a.set.contains(range.first) == a.bits[from]);
  REQUIRE(a.set.contains(range) == (ones == to - from + 1));
  REQUIRE(a.set.intersects(range) == (ones > 0));
}

Result<IntervalSet> decode(const std::string& hex_digits, std::size_t intervals_max = 1000) {
  const Bytes bytes = from_hex(hex_digits);
  ByteView in = bytes;
  return IntervalSet::decode(in, intervals_max);
}

const std::map<std::string, IntervalSet>& golden_sets() {
  static const std::map<std::string, IntervalSet> kSets = {
      {"empty", {}},
      {"first", of({{1, 1}})},
      {"late start", of({{5, 9}})},
      {"gaps", of({{1, 1000}, {1002, 1002}, {1300, 2000}})},
      {"largest", of({{kSeqMax, kSeqMax}})},
      {"everything", of({{1, kSeqMax}})},
  };
  return kSets;
}

}  // namespace

TEST_CASE("interval algebra does what a bitmap does, also at the largest numbers", "[crdt][interval_set]") {
  for (const Seq base : kBases) {
    for (std::uint64_t seed = 0; seed < 5'000; ++seed) {
      CAPTURE(base, seed);
      Random random(seed);
      const Pair a = random_pair(random, base), b = random_pair(random, base), c = random_pair(random, base);
      check_algebra(a, b, c, base);
      check_questions(random, a, base);
    }
  }
}

TEST_CASE("intervals that touch become one", "[crdt][interval_set]") {
  CHECK(of({{1, 3}, {4, 6}}).intervals() == list({{1, 6}}));
  CHECK(of({{5, 6}, {1, 3}, {4, 4}}).intervals() == list({{1, 6}}));
  CHECK(of({{1, 3}, {5, 6}}).intervals() == list({{1, 3}, {5, 6}}));
  CHECK(of({{kSeqMax, kSeqMax}, {kSeqMax - 1, kSeqMax - 1}}).intervals().size() == 1);
}

TEST_CASE("no number is below 1, and the set of all numbers has a size", "[crdt][interval_set]") {
  CHECK_FALSE(of({{1, 5}}).contains(Seq{0}));
  CHECK(of({{1, kSeqMax}}).size() == kSeqMax);
  CHECK(of({}).last() == 0);
  CHECK(of({{1, kSeqMax}}).last() == kSeqMax);
}

TEST_CASE("a run is found by any of its members", "[crdt][interval_set]") {
  const IntervalSet set = of({{2, 4}, {8, 8}});
  CHECK(set.run_at(3) == Interval{2, 4});
  CHECK(set.run_at(8) == Interval{8, 8});
  CHECK_FALSE(set.run_at(5));
  CHECK_FALSE(set.run_at(9));
}

TEST_CASE("a set joined with itself, added to or taken from itself stays whole", "[crdt][interval_set]") {
  IntervalSet set = of({{2, 4}, {8, 9}});
  const IntervalSet before = set;
  CHECK_FALSE(set.join(set));
  CHECK(set == before);
  CHECK(set.minus(set).empty());
}

TEST_CASE("interval sets survive their bytes", "[crdt][interval_set][format]") {
  for (std::uint64_t seed = 0; seed < 2'000; ++seed) {
    Random random(seed);
    const IntervalSet set = random_intervals(random);
    Bytes bytes;
    set.encode(bytes);
    bytes.push_back(std::byte{0xEE});
    ByteView in = bytes;
    const auto back = IntervalSet::decode(in, 1000);
    REQUIRE(back);
    REQUIRE(*back == set);
    REQUIRE(in.size() == 1);  // What follows is left for the next reader.
  }
}

TEST_CASE("bytes of interval sets, version 0, never change", "[crdt][interval_set][format]") {
  const auto golden = golden_cases("intervals_v0.hex");
  CHECK(golden.size() == golden_sets().size());
  for (const auto& [name, set] : golden_sets()) {
    CAPTURE(name);
    REQUIRE(golden.count(name) == 1);
    Bytes bytes;
    set.encode(bytes);
    CHECK(to_hex(bytes) == golden.at(name));
    const auto back = decode(golden.at(name));
    REQUIRE(back);
    CHECK(*back == set);
  }
}

TEST_CASE("bytes that encode no canonical interval set are refused with a reason",
          "[crdt][interval_set][format]") {
  struct Row {
    const char* bytes;
    ErrorCode code;
    const char* reason;
  };
  const auto row = GENERATE(values<Row>({
      {"", ErrorCode::kInvalid, "count"},
      {"80", ErrorCode::kInvalid, "count"},
      {"8000", ErrorCode::kInvalid, "count"},  // Zero in two bytes.
      {"01", ErrorCode::kInvalid, "fewer bytes"},
      {"0100", ErrorCode::kInvalid, "fewer bytes"},
      {"ffffffffffffffffff01", ErrorCode::kLimit, "1000 are allowed"},
      {"e907", ErrorCode::kLimit, "1001 where 1000"},
      {"e807", ErrorCode::kInvalid, "fewer bytes"},  // 1000 promised, nothing there.
      {"01008000", ErrorCode::kInvalid, "canonical"},
      {"0200000000", ErrorCode::kInvalid, "touch"},
      {"01ffffffffffffffffff0100", ErrorCode::kInvalid, "overflows"},  // Starts after the largest number.
      {"01feffffffffffffffff0101", ErrorCode::kInvalid, "overflows"},  // Starts at the largest and goes on.
      {"0200feffffffffffffffff010100", ErrorCode::kInvalid, "overflows"},  // A second one after the largest.
  }));
  CAPTURE(row.bytes);
  const auto set = decode(row.bytes);
  REQUIRE_FALSE(set);
  CHECK(set.error().code == row.code);
  CHECK_THAT(set.error().text, Catch::Contains(row.reason));
}

TEST_CASE("whatever is accepted as an interval set is what encode writes", "[crdt][interval_set][format]") {
  std::size_t accepted = 0;
  for (std::uint64_t seed = 0; seed < 20'000; ++seed) {
    Random random(seed);
    Bytes bytes(1 + random.below(8));
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random.below(random.chance(70) ? 4 : 256));
    ByteView in = bytes;
    const auto set = IntervalSet::decode(in, 100);
    if (!set) continue;
    ++accepted;
    Bytes again;
    set->encode(again);
    REQUIRE(std::equal(again.begin(), again.end(), bytes.begin(),
                       bytes.end() - static_cast<std::ptrdiff_t>(in.size())));
  }
  CHECK(accepted > 1'000);
}

}  // namespace deltamesh
