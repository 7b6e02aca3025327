// ingest/limits.h - every number that bounds what comes in from devices and brokers.
//
// As in engine/limits.h, each says what goes wrong when it is larger and when it is smaller.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "engine/limits.h"

namespace deltamesh::limits {

// One message. Larger: a device can make us hold that much. Smaller: wide objects are refused.
inline constexpr std::size_t kPayloadBytesMax = 128u << 10;
inline constexpr std::size_t kTopicBytesMax = 1024;
// Leaves of one JSON payload, selected or not. Larger: the event passes what the engine takes.
inline constexpr std::size_t kLeavesMax = kEventReadingsMax;
inline constexpr std::size_t kJsonDepthMax = 16;
// The path of a leaf within its payload. Longer ones cannot become part of a series name.
inline constexpr std::size_t kJsonPathBytesMax = 1024;
inline constexpr std::size_t kStringBytesMax = kBlock.value_bytes_max;

// Rules and what they name. Larger: every message costs a walk over them.
inline constexpr std::size_t kIngestRulesMax = 256;
inline constexpr std::size_t kSelectorsMax = 256;

// Events handed to the node and not yet durable. Larger: more memory, and more to lose when the process is
// killed. Smaller: the broker is held back at each slow commit.
inline constexpr std::size_t kUnacknowledgedEventsMax = 20'000;
// And about the memory that they take, at a good 100 bytes a reading, so that wide events count for more. A
// queue of this size may stand twice for a moment, here and on its way to the node.
inline constexpr std::size_t kUnacknowledgedBytesMax = 32u << 20;
// Events of one write. Larger: one refusal takes longer to narrow down. Smaller: fewer events a commit.
inline constexpr std::size_t kBatchEventsMax = 5'000;
// Readings of one write; the node refuses a write whose bytes pass kPendingWriteBytesMax.
inline constexpr std::size_t kBatchReadingsMax = 50'000;
// Wait after the node said "full" or its disk failed. Longer: idle. Shorter: asks in vain.
inline constexpr std::chrono::milliseconds kRetryWait{20};

// Reconnecting to a broker: doubled from the first to the last, with jitter of a half.
inline constexpr std::chrono::milliseconds kReconnectFirst{250};
inline constexpr std::chrono::milliseconds kReconnectLast{15'000};
// Until a broker must have answered. Longer: a dead address holds up the next attempt.
inline constexpr std::chrono::seconds kBrokerAnswer{10};
// How often a wait for the broker looks whether the node is stopping. Longer: a slow end. Shorter: idle work.
inline constexpr std::chrono::milliseconds kStopSlice{20};

// Lines about one broker's connection. More: a flapping broker fills the log. Fewer: causes are not seen.
inline constexpr std::uint32_t kSourceLogLines = 10;
inline constexpr std::chrono::seconds kSourceLogWindow{60};

// One log line a reason in this time; the rest are counted.
inline constexpr std::chrono::seconds kRefusalLogInterval{10};

}  // namespace deltamesh::limits
