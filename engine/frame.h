// engine/frame.h - the two to four bytes before each message: what it is and how long it is.
//
//   type and flags u8 | payload length varint
//
// The payload is packed Cap'n Proto control behind its length, if a flag says that there is any, then raw
// bytes. Bit 0x40 of the first byte must be clear, so that a stranger who speaks any protocol of letters is
// refused at his first one. Pure: it holds no buffer and knows no socket, so TCP, WebSocket and a simulated
// link all use it.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>

#include "crdt/dot.h"
#include "crdt/result.h"

namespace deltamesh {

inline constexpr std::size_t kFrameHeadBytesMax = 4;

// 0 to 31.
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
  kTierAck = 16,
  kClockAhead = 17,
  kMapQuestion = 18,
  kMapAnswer = 19,
  kMapFloor = 20,
};

inline constexpr std::uint8_t kFrameTypeMax = 31;

struct FrameHead {
  FrameType type{};
  bool optional = false;  // A receiver that does not know the type skips the frame; else it ends the session.
  bool has_control = false;  // The payload begins with the length of its control part, and that part.
  std::uint32_t payload_bytes = 0;
  friend bool operator==(const FrameHead&, const FrameHead&) = default;
};

void put_head(Bytes& out, const FrameHead& head);
// A frame of `parts`, one behind the other; their length goes into the head, whatever that says.
Bytes make_frame(FrameHead head, std::initializer_list<ByteView> parts);

// Takes a head from the front of `in`; nullopt: it goes on behind the end. Refuses a payload over
// limits::kFrameBytesMax, a length that is not in its shortest form, and the bit that must be clear; a head
// that is refused is so within its first kFrameHeadBytesMax bytes.
Result<std::optional<FrameHead>> take_head(ByteView& in);

}  // namespace deltamesh
