// tests/transport/log_limit_test.cc - lines a second, and the count of those left out.
#include "transport/log_limit.h"

#include <catch2/catch.hpp>

namespace deltamesh {
namespace {

using std::chrono::milliseconds;

TEST_CASE("lines beyond the rate are left out, and the next second tells how many", "[log_limit]") {
  LogLimit limit(3);
  const milliseconds start(5'000);
  for (int i = 0; i < 3; ++i) CHECK(limit.admit(start + milliseconds(i)) == 0u);
  for (int i = 3; i < 50; ++i) CHECK_FALSE(limit.admit(start + milliseconds(i)));
  CHECK_FALSE(limit.admit(start + milliseconds(999)));
  CHECK(limit.admit(start + milliseconds(1'000)) == 48u);
  CHECK(limit.admit(start + milliseconds(1'001)) == 0u);
}

TEST_CASE("a quiet log is never limited", "[log_limit]") {
  LogLimit limit(1);
  for (int second = 0; second < 100; ++second) CHECK(limit.admit(milliseconds(1'000 * second)) == 0u);
}

}  // namespace
}  // namespace deltamesh
