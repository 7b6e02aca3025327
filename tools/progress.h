// tools/progress.h - one line on a terminal that says how far a long job is; nothing where stderr is no
// terminal.
#pragma once

#include <chrono>
#include <cstdint>

namespace deltamesh {

class ProgressBar {
 public:
  ProgressBar();
  // Redraws a few times a second at most.
  void show(std::uint64_t done, std::uint64_t total, std::uint64_t readings);
  // Clears the line.
  void finish() const;

 private:
  bool terminal_;
  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point next_;
};

}  // namespace deltamesh
