// transport/counters.h - what links, dialers and listeners count, beside the node's own counters.
#pragma once

#include <cstdint>

namespace deltamesh {

struct TransportCounters {
  std::uint64_t links_opened = 0;
  std::uint64_t links_closed = 0;
  std::uint64_t queues_overflowed = 0;    // A peer that did not read was cut off.
  std::uint64_t frames_truncated = 0;     // The stream ended within a frame.
  std::uint64_t messages_refused = 0;     // WebSocket messages that were text or too large.
  std::uint64_t upgrades_refused = 0;     // Requests that did not become a WebSocket, or not in time.
  std::uint64_t connections_refused = 0;  // More than the listener may hold.
  std::uint64_t accepts_failed = 0;
  std::uint64_t dials_failed = 0;
  std::uint64_t log_lines_suppressed = 0;
};

}  // namespace deltamesh
