// tools/progress.cc - draws the line.
#include "tools/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <string>

namespace deltamesh {
namespace {

constexpr std::size_t kBarWidth = 40;
constexpr std::chrono::milliseconds kRedraw{200};

}  // namespace

ProgressBar::ProgressBar()
    : terminal_(isatty(STDERR_FILENO) == 1),
      start_(std::chrono::steady_clock::now()),
      next_(start_ + kRedraw) {}

void ProgressBar::show(std::uint64_t done, std::uint64_t total, std::uint64_t readings) {
  const auto now = std::chrono::steady_clock::now();
  if (!terminal_ || now < next_) return;
  next_ = now + kRedraw;
  const double part = total == 0 ? 0 : std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
  const double seconds = std::chrono::duration<double>(now - start_).count();
  const auto filled = static_cast<std::size_t>(part * static_cast<double>(kBarWidth));
  char figures[80];
  std::snprintf(figures, sizeof figures, "] %3.0f %%  %.1f M readings, %.0f/s ", part * 100,
                static_cast<double>(readings) / 1e6, static_cast<double>(readings) / seconds);
  std::cerr << "\r[" << std::string(filled, '#') << std::string(kBarWidth - filled, ' ') << figures
            << std::flush;
}

void ProgressBar::finish() const {
  if (terminal_) std::cerr << "\r\x1b[K" << std::flush;
}

}  // namespace deltamesh
