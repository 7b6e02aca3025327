// tests/tools/stop_signals_test.cc - what main() waits for.
#include "tools/stop_signals.h"

#include <catch2/catch.hpp>
#include <thread>

#include <unistd.h>

namespace deltamesh {
namespace {

using Clock = std::chrono::steady_clock;

TEST_CASE("a wait ends by a request of one of the program's own threads", "[stop]") {
  StopSignals signals;
  CHECK_FALSE(signals.wait_until(Clock::now()).has_value());
  std::thread elsewhere([] { StopSignals::request(); });
  CHECK(signals.wait() == StopSignals::kRequest);
  elsewhere.join();
  StopSignals::request();
  CHECK(signals.wait_until(Clock::now() + std::chrono::hours(1)) == StopSignals::kRequest);
}

TEST_CASE("a request hides no signal that comes at the same time", "[stop]") {
  StopSignals signals;
  StopSignals::request();
  kill(getpid(), SIGTERM);
  const std::string first = signals.wait(), second = signals.wait();
  CHECK((first == "SIGTERM") != (second == "SIGTERM"));
}

}  // namespace
}  // namespace deltamesh
