// tools/stop_signals.h - SIGTERM, SIGINT, and requests from within, as something that main() waits for.
#pragma once

#include <signal.h>

#include <chrono>
#include <optional>
#include <string>

namespace deltamesh {

class StopSignals {
 public:
  // From now on this thread, and those that it starts, are not interrupted: the functions below tell. One
  // object a process, before its first thread.
  StopSignals();

  static constexpr const char* kRequest = "request";

  // Waits for a signal, or for request(); its name. After a signal a further one ends the process at once.
  std::string wait();
  // The same, until `time` at most.
  std::optional<std::string> wait_until(std::chrono::steady_clock::time_point time);

  // Ends one wait, as kRequest. Any thread.
  static void request();
  // Those that no wait has taken yet.
  void forget_requests();

 private:
  static std::string take(int number);

  sigset_t signals_;
};

}  // namespace deltamesh
