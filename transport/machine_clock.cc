// transport/machine_clock.cc - what the system says of its clock.
#include "transport/machine_clock.h"

#include <time.h>

#include <algorithm>
#include <fstream>
#include <random>
#include <string>

#ifdef __linux__
#include <sys/timex.h>
#endif

namespace deltamesh {
namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;

// Between two looks; more, and somebody has set the clock.
constexpr std::chrono::milliseconds kClockStep{50};

bool is_kept() {
#ifdef __linux__
  timex state{};
  const int answer = adjtimex(&state);  // -1: a sandbox does not let us ask.
  return answer >= 0 && answer != TIME_ERROR && (state.status & STA_UNSYNC) == 0;
#else
  return false;
#endif
}

// With the time that it was suspended.
microseconds up_time(microseconds steady) {
#ifdef __linux__
  timespec since{};
  if (clock_gettime(CLOCK_BOOTTIME, &since) == 0)
    return std::chrono::seconds(since.tv_sec) +
           duration_cast<microseconds>(std::chrono::nanoseconds(since.tv_nsec));
#endif
  return steady;
}

}  // namespace

Instant MachineClock::now() {
  const auto steady = duration_cast<microseconds>(std::chrono::steady_clock::now().time_since_epoch());
  const auto wall = duration_cast<microseconds>(std::chrono::system_clock::now().time_since_epoch());
  const bool was_set = std::chrono::abs(wall - steady - ahead_) > kClockStep;
  if (!asked_ || was_set || steady >= *asked_ + std::chrono::seconds(1)) {
    asked_ = steady;
    kept_ = is_kept();
  }
  ahead_ = wall - steady;
  return {steady, wall, kept_, up_time(steady)};
}

BootId machine_boot() {
  std::string text;
  std::getline(std::ifstream("/proc/sys/kernel/random/boot_id"), text);
  std::erase(text, '-');
  if (const auto bytes = parse_hex128(text)) return {*bytes};
  BootId made_up;
  std::random_device random;
  std::generate(made_up.bytes.begin(), made_up.bytes.end(),
                [&random] { return static_cast<std::uint8_t>(random()); });
  return made_up;
}

std::chrono::milliseconds built_at() {
  return std::chrono::seconds(DELTAMESH_BUILT_AT);
}

}  // namespace deltamesh
