// engine/frame.h - the 8 bytes before each message: how long it is and what it is.
//
//   payload length u32 | type u8 | flags u8 | control length u16        little-endian
//
// The payload is packed Cap'n Proto control (control length bytes), then raw bytes (a block). Pure: it holds
// no buffer and knows no socket, so TCP, WebSocket and a simulated link all use it.
#pragma once

#include <array>
#include <cstdint>

#include "crdt/dot.h"
#include "crdt/result.h"

namespace deltamesh {

inline constexpr std::size_t kFrameHeadBytes = 8;

enum class FrameType : std::uint8_t {
  kHello = 1,
  kFrontier = 2,
  kDelta = 3,
  kMapDelta = 4,
  kAck = 5,
  kSeriesWanted = 6,
  kSeriesGiven = 7,
  kPing = 8,
  kPong = 9,
  kGoodbye = 10,
  kRangeQuestion = 14,
  kRangeAnswer = 15,
  kMapQuestion = 18,
  kMapAnswer = 19,
};

// Set in `flags`: a receiver that does not know the type must end the session. Without it, it skips the
// frame.
inline constexpr std::uint8_t kFrameCritical = 0x01;

struct FrameHead {
  std::uint32_t payload_bytes = 0;
  std::uint8_t type = 0;
  std::uint8_t flags = 0;
  std::uint16_t control_bytes = 0;
  friend bool operator==(const FrameHead&, const FrameHead&) = default;
};

std::array<std::byte, kFrameHeadBytes> encode_head(const FrameHead& head);
// Refuses a payload over limits::kFrameBytesMax, a control part longer than the payload, unknown flags.
// `bytes` must hold at least kFrameHeadBytes.
Result<FrameHead> decode_head(ByteView bytes);

}  // namespace deltamesh
