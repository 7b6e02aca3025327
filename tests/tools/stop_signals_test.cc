// tests/tools/stop_signals_test.cc - what main() waits for.
#include "tools/stop_signals.h"

#include <catch2/catch.hpp>
#include <thread>

namespace deltamesh {
namespace {

using Clock = std::chrono::steady_clock;

TEST_CASE("a program can be told to end from one of its own threads", "[stop]") {
  StopSignals signals;
  CHECK_FALSE(signals.wait_until(Clock::now()));
  std::thread elsewhere([] { StopSignals::request(); });
  CHECK(signals.wait() == "SIGTERM");
  elsewhere.join();
}

TEST_CASE("a wait until some time ends early with a signal", "[stop]") {
  StopSignals signals;
  StopSignals::request();
  CHECK(signals.wait_until(Clock::now() + std::chrono::hours(1)));
}

}  // namespace
}  // namespace deltamesh
