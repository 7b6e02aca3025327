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

// Of no other use in a program, and not to be mistaken for a wish from outside.
constexpr int kRequestSignal = SIGUSR2;

}  // namespace

StopSignals::StopSignals() {
  sigemptyset(&signals_);
  for (const int number : {SIGTERM, SIGINT, kRequestSignal}) sigaddset(&signals_, number);
  pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
}

std::string StopSignals::wait() {
  int number = 0;
  while (sigwait(&signals_, &number) != 0) continue;
  return take(number);
}

std::optional<std::string> StopSignals::wait_until(std::chrono::steady_clock::time_point time) {
  while (true) {
    const auto left = time - std::chrono::steady_clock::now();
    const timespec spec = to_timespec(std::max(left, std::chrono::nanoseconds(0)));
    const int number = sigtimedwait(&signals_, nullptr, &spec);
    if (number > 0) return take(number);
    if (left <= std::chrono::nanoseconds(0)) return std::nullopt;
  }
}

void StopSignals::request() {
  kill(getpid(), kRequestSignal);
}

void StopSignals::forget_requests() {
  sigset_t requests;
  sigemptyset(&requests);
  sigaddset(&requests, kRequestSignal);
  const timespec at_once{};
  while (sigtimedwait(&requests, nullptr, &at_once) > 0) continue;
}

std::string StopSignals::take(int number) {
  if (number == kRequestSignal) return kRequest;
  sigset_t outside;
  sigemptyset(&outside);
  sigaddset(&outside, SIGTERM);
  sigaddset(&outside, SIGINT);
  pthread_sigmask(SIG_UNBLOCK, &outside, nullptr);
  return number == SIGTERM ? "SIGTERM" : "SIGINT";
}

}  // namespace deltamesh
