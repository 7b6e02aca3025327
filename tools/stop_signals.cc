// tools/stop_signals.cc - blocked signals, fetched by sigtimedwait().
#include "tools/stop_signals.h"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>

namespace deltamesh {
namespace {

timespec to_timespec(std::chrono::nanoseconds duration) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration);
  timespec spec{};
  spec.tv_sec = static_cast<time_t>(seconds.count());
  spec.tv_nsec = static_cast<long>((duration - seconds).count());
  return spec;
}

}  // namespace

StopSignals::StopSignals() {
  sigemptyset(&signals_);
  sigaddset(&signals_, SIGTERM);
  sigaddset(&signals_, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
}

std::string StopSignals::wait() {
  int number = 0;
  while (sigwait(&signals_, &number) != 0) continue;
  pthread_sigmask(SIG_UNBLOCK, &signals_, nullptr);
  return number == SIGTERM ? "SIGTERM" : "SIGINT";
}

bool StopSignals::wait_until(std::chrono::steady_clock::time_point time) {
  while (true) {
    const auto left = time - std::chrono::steady_clock::now();
    const timespec spec = to_timespec(std::max(left, std::chrono::nanoseconds(0)));
    if (sigtimedwait(&signals_, nullptr, &spec) > 0) break;
    if (left <= std::chrono::nanoseconds(0)) return false;
  }
  pthread_sigmask(SIG_UNBLOCK, &signals_, nullptr);
  return true;
}

void StopSignals::request() {
  kill(getpid(), SIGTERM);
}

}  // namespace deltamesh
