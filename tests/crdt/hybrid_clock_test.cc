// tests/crdt/hybrid_clock_test.cc - stamps only grow, whatever the wall clock and the neighbours say.
#include "crdt/hybrid_clock.h"

#include <catch2/catch.hpp>
#include <limits>

#include "tests/crdt/random.h"

namespace deltamesh {
namespace {

using std::chrono::milliseconds;

HlcStamp stamp(std::uint64_t ms, std::uint64_t counter = 0) {
  return {ms << 16 | counter};
}

}  // namespace

TEST_CASE("a stamp shows the time of the wall clock that made it", "[crdt][hybrid_clock]") {
  HybridClock clock;
  CHECK(clock.now(milliseconds(1'700'000'000'123)).time() == milliseconds(1'700'000'000'123));
}

TEST_CASE("two stamps in one millisecond differ by the counter", "[crdt][hybrid_clock]") {
  HybridClock clock;
  CHECK(clock.now(milliseconds(5)) == stamp(5, 0));
  CHECK(clock.now(milliseconds(5)) == stamp(5, 1));
  CHECK(clock.now(milliseconds(6)) == stamp(6, 0));
}

TEST_CASE("a full counter carries into the milliseconds", "[crdt][hybrid_clock]") {
  HybridClock clock(stamp(5, 0xFFFF));
  CHECK(clock.now(milliseconds(5)) == stamp(6, 0));
}

TEST_CASE("a wall clock that jumps back, below 1970 or beyond all stamps still yields growing stamps",
          "[crdt][hybrid_clock]") {
  const milliseconds walls[] = {milliseconds(100),
                                milliseconds(50),
                                milliseconds(-7),
                                milliseconds::min(),
                                milliseconds(1) * (std::int64_t{1} << 47),
                                milliseconds(3)};
  HybridClock clock;
  HlcStamp last;
  for (const milliseconds wall : walls) {
    const HlcStamp next = clock.now(wall);
    CAPTURE(wall.count());
    CHECK(next > last);
    last = next;
  }
  CHECK(HybridClock().now(milliseconds::max()).time().count() == (std::int64_t{1} << 48) - 1);
  CHECK(HybridClock().now(milliseconds(-1)) == HlcStamp{1});
}

TEST_CASE("the last stamp of all repeats and does not start again at zero", "[crdt][hybrid_clock]") {
  const HlcStamp end{std::numeric_limits<std::uint64_t>::max()};
  CHECK(HybridClock(end).now(milliseconds(0)) == end);
}

TEST_CASE("a stamp that was observed is earlier than the next one", "[crdt][hybrid_clock]") {
  HybridClock clock;
  CHECK(clock.observe(stamp(1'000, 7), milliseconds(900)));
  CHECK(clock.now(milliseconds(901)) == stamp(1'000, 8));
}

TEST_CASE("a remote stamp is adopted up to a minute ahead of the wall clock and no further",
          "[crdt][hybrid_clock]") {
  struct Row {
    HlcStamp remote;
    milliseconds wall;
    bool is_adopted;
  };
  const auto row = GENERATE(values<Row>({
      {stamp(61'000, 0), milliseconds(1'000), true},
      {stamp(61'000, 0xFFFF), milliseconds(1'000), true},  // Still the same millisecond.
      {stamp(61'001, 0), milliseconds(1'000), false},
      {stamp(60'000), milliseconds(-5'000), true},  // A clock before 1970 counts as 1970.
      {stamp(60'001), milliseconds::min(), false},
      {HlcStamp{std::numeric_limits<std::uint64_t>::max()}, milliseconds::max(), true},
  }));
  CAPTURE(row.remote.bits, row.wall.count());
  HybridClock clock;
  CHECK(clock.observe(row.remote, row.wall) == row.is_adopted);
  CHECK((clock.last() == row.remote) == row.is_adopted);
}

TEST_CASE("a clock that ran ahead is set back to the time that becomes known, and only then",
          "[crdt][hybrid_clock]") {
  HybridClock near(stamp(61'000, 0xFFFF));
  CHECK_FALSE(near.set_back(milliseconds(1'000)));
  CHECK(near.last() == stamp(61'000, 0xFFFF));
  HybridClock far(stamp(61'001));
  CHECK(far.set_back(milliseconds(1'000)));
  CHECK(far.now(milliseconds(1'000)) == stamp(1'000, 1));
}

TEST_CASE("a stamp is adopted from however far ahead where its reader says so", "[crdt][hybrid_clock]") {
  HybridClock clock(stamp(5));
  clock.adopt(stamp(1'000'000));
  clock.adopt(stamp(7));
  CHECK(clock.now(milliseconds(6)) == stamp(1'000'000, 1));
}

TEST_CASE("stamps grow through any mixture of walls and remote stamps", "[crdt][hybrid_clock]") {
  Random random(1);
  HybridClock clock;
  for (int i = 0; i < 20'000; ++i) {
    const HlcStamp before = clock.last();
    const milliseconds wall(static_cast<std::int64_t>(random.below(200'000)));
    const HlcStamp remote = stamp(random.below(300'000), random.below(0x10000));
    const bool is_adopted = clock.observe(remote, wall);
    const HlcStamp next = clock.now(wall);
    REQUIRE(next > before);
    if (is_adopted) REQUIRE(next > remote);
  }
}

}  // namespace deltamesh
