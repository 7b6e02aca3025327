// tools/stop_signals.h - SIGTERM and SIGINT as something that main() waits for.
#pragma once

#include <signal.h>

#include <chrono>
#include <string>

namespace deltamesh {

class StopSignals {
 public:
  // From now on this thread, and those that it starts, are not interrupted: the functions below tell. One
  // object a process, before its first thread.
  StopSignals();

  // Waits for a signal, or for request(); its name. After it a further signal ends the process at once.
  std::string wait();
  // The same, until `time` at most: whether one came.
  bool wait_until(std::chrono::steady_clock::time_point time);

  // Has the same effect as SIGTERM from outside. Any thread.
  static void request();

 private:
  sigset_t signals_;
};

}  // namespace deltamesh
