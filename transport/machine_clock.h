// transport/machine_clock.h - the machine's two clocks, and whether anything vouches for the second.
//
// Linux knows whether a program such as an NTP client has set the clock and still keeps it: adjtimex() says
// so. Elsewhere nothing is known, which counts as not vouched for; an operator can say otherwise
// (NodeConfig::clock). Since when the machine is up, Linux knows too, and which of its lives this is.
#pragma once

#include <chrono>
#include <optional>

#include "engine/effects.h"

namespace deltamesh {

class MachineClock {
 public:
  // Asks the system for its word at most once a second, unless the clock was set meanwhile: the question
  // costs as much as a small write.
  [[nodiscard]] Instant now();

 private:
  std::optional<std::chrono::microseconds> asked_;  // On the steady clock.
  std::chrono::microseconds ahead_{0};              // Of the steady clock.
  bool kept_ = false;
};

// Of this life of the machine. Where the system does not tell, one that is made up: each call is a boot then.
BootId machine_boot();

// When this program was built; before that, no clock is right.
std::chrono::milliseconds built_at();

}  // namespace deltamesh
