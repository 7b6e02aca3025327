// tests/sim/wall_clock_test.cc - clocks of simulated nodes show what their faults say.
#include <catch2/catch.hpp>

#include "tests/sim/wall_clock.h"

namespace deltamesh::sim {

constexpr Micros kSecond{1'000'000};

TEST_CASE("a clock that nobody touched shows the right time", "[sim][clock]") {
  const WallClock clock;
  CHECK(clock.at(5 * kSecond) == kToday + 5 * kSecond);
  CHECK(clock.is_trusted());
}

TEST_CASE("a clock is trusted again once it was set right", "[sim][clock]") {
  WallClock clock;
  SECTION("it jumped") {
    clock.jump(kSecond);
  }
  SECTION("it was in 1970") {
    clock.set(3 * kSecond, Micros(0));
  }
  CHECK_FALSE(clock.is_trusted());
  clock.set(4 * kSecond, kToday + 4 * kSecond);
  CHECK(clock.is_trusted());
  clock.drift(5 * kSecond, 1);
  CHECK_FALSE(clock.is_trusted());
}

TEST_CASE("a clock that jumped stays ahead by as much", "[sim][clock]") {
  WallClock clock;
  clock.jump(60 * kSecond);
  CHECK(clock.at(Micros(0)) == kToday + 60 * kSecond);
  CHECK(clock.at(9 * kSecond) == kToday + 69 * kSecond);
}

TEST_CASE("a clock that drifts does so from then on, also once it was set", "[sim][clock]") {
  struct Row {
    std::int64_t per_mille;
    Micros shown;  // Ten seconds later.
  };
  const auto row = GENERATE(values<Row>({{-500, 5 * kSecond}, {0, 10 * kSecond}, {1000, 20 * kSecond}}));
  WallClock clock;
  clock.drift(4 * kSecond, row.per_mille);
  CHECK(clock.at(4 * kSecond) == kToday + 4 * kSecond);
  CHECK(clock.at(14 * kSecond) == kToday + 4 * kSecond + row.shown);
  clock.set(20 * kSecond, Micros(0));
  CHECK(clock.at(20 * kSecond) == Micros(0));
  CHECK(clock.at(30 * kSecond) == row.shown);
}

}  // namespace deltamesh::sim
