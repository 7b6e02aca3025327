// transport/machine_clock.cc - what the system says of its clock.
#include "transport/machine_clock.h"

#ifdef __linux__
#include <sys/timex.h>
#endif

namespace deltamesh {
namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;

bool is_kept() {
#ifdef __linux__
  timex state{};
  const int answer = adjtimex(&state);  // -1: a sandbox does not let us ask.
  return answer >= 0 && answer != TIME_ERROR && (state.status & STA_UNSYNC) == 0;
#else
  return false;
#endif
}

}  // namespace

Instant MachineClock::now() {
  const auto steady = duration_cast<microseconds>(std::chrono::steady_clock::now().time_since_epoch());
  const auto wall = duration_cast<microseconds>(std::chrono::system_clock::now().time_since_epoch());
  if (!asked_ || steady >= *asked_ + std::chrono::seconds(1)) {
    asked_ = steady;
    kept_ = is_kept();
  }
  return {steady, wall, kept_};
}

std::chrono::milliseconds built_at() {
  return std::chrono::seconds(DELTAMESH_BUILT_AT);
}

}  // namespace deltamesh
