// tests/transport/backoff_test.cc - waits between attempts.
#include "transport/backoff.h"

#include <rapidcheck.h>
#include <rapidcheck/catch.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>
#include <vector>

namespace deltamesh {
namespace {

using std::chrono::milliseconds;

Backoff::Pace any_pace() {
  Backoff::Pace pace;
  pace.base = milliseconds(*rc::gen::inRange(1, 5'000));
  pace.max = pace.base + milliseconds(*rc::gen::inRange(0, 100'000));
  pace.stable = milliseconds(*rc::gen::inRange(1, 100'000));
  return pace;
}

TEST_CASE("each wait lies between zero and a bound that doubles up to the maximum", "[backoff]") {
  rc::prop("waits and bounds", [] {
    const auto pace = any_pace();
    Backoff backoff(pace, *rc::gen::arbitrary<std::uint64_t>());
    milliseconds bound = pace.base;
    for (int attempt = 0; attempt < 70; ++attempt) {
      RC_ASSERT(backoff.bound() == bound);
      const auto wait = backoff.next();
      RC_ASSERT(wait >= milliseconds(0));
      RC_ASSERT(wait <= bound);
      bound = std::min(bound * 2, pace.max);
    }
  });
}

TEST_CASE("only what worked for long enough makes the waits short again", "[backoff]") {
  rc::prop("reset", [] {
    const auto pace = any_pace();
    Backoff backoff(pace, 1);
    for (int attempt = *rc::gen::inRange(1, 20); attempt > 0; --attempt) backoff.next();
    const auto grown = backoff.bound();
    backoff.worked_for(pace.stable - milliseconds(1));
    RC_ASSERT(backoff.bound() == grown);
    backoff.worked_for(pace.stable);
    RC_ASSERT(backoff.bound() == pace.base);
  });
}

TEST_CASE("the longest possible maximum does not overflow", "[backoff]") {
  Backoff backoff({milliseconds(1), milliseconds::max(), milliseconds(1)}, 1);
  for (int attempt = 0; attempt < 200; ++attempt) CHECK(backoff.next() >= milliseconds(0));
  CHECK(backoff.bound() == milliseconds::max());
}

std::vector<milliseconds> waits(std::uint64_t seed) {
  Backoff backoff({}, seed);
  std::vector<milliseconds> all;
  for (int attempt = 0; attempt < 20; ++attempt) all.push_back(backoff.next());
  return all;
}

TEST_CASE("equal seeds wait alike, different seeds do not", "[backoff]") {
  CHECK(waits(1) == waits(1));
  std::set<std::vector<milliseconds>> distinct;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) distinct.insert(waits(seed));
  CHECK(distinct.size() == 1000);
}

TEST_CASE("a thousand nodes spread over the whole bound", "[backoff]") {
  std::vector<int> tenths(10);
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    Backoff backoff({milliseconds(999), milliseconds(999), milliseconds(1)}, seed);
    ++tenths[static_cast<std::size_t>(backoff.next().count() / 100)];
  }
  for (const int in_tenth : tenths) CHECK(in_tenth > 50);
}

}  // namespace
}  // namespace deltamesh
