// engine/frame.cc - the frame head, byte by byte, and what it may not say.
#include "engine/frame.h"

#include <cassert>
#include <string>

#include "engine/limits.h"

namespace deltamesh {
namespace {

std::uint32_t read_little_endian(ByteView bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) value = value << 8 | std::to_integer<std::uint32_t>(bytes[i]);
  return value;
}

void write_little_endian(std::span<std::byte> out, std::uint32_t value) {
  for (std::byte& byte : out) {
    byte = static_cast<std::byte>(value & 0xff);
    value >>= 8;
  }
}

Error refused(ErrorCode code, std::string text) {
  return {code, "frame head: " + std::move(text)};
}

Status check(const FrameHead& head) {
  if (head.payload_bytes > limits::kFrameBytesMax) {
    return refused(ErrorCode::kLimit, "payload of " + std::to_string(head.payload_bytes) +
                                          " bytes, at most " + std::to_string(limits::kFrameBytesMax));
  }
  if (head.control_bytes > head.payload_bytes) {
    return refused(ErrorCode::kInvalid, "control part of " + std::to_string(head.control_bytes) +
                                            " bytes in a payload of " + std::to_string(head.payload_bytes));
  }
  if ((head.flags & ~kFrameCritical) != 0) {
    return refused(ErrorCode::kUnsupported,
                   "flags " + std::to_string(head.flags) + ", known are " + std::to_string(kFrameCritical));
  }
  return Done{};
}

}  // namespace

std::array<std::byte, kFrameHeadBytes> encode_head(const FrameHead& head) {
  std::array<std::byte, kFrameHeadBytes> bytes{};
  const std::span<std::byte> out(bytes);
  write_little_endian(out.subspan(0, 4), head.payload_bytes);
  write_little_endian(out.subspan(4, 1), head.type);
  write_little_endian(out.subspan(5, 1), head.flags);
  write_little_endian(out.subspan(6, 2), head.control_bytes);
  return bytes;
}

Result<FrameHead> decode_head(ByteView bytes) {
  assert(bytes.size() >= kFrameHeadBytes);
  FrameHead head;
  head.payload_bytes = read_little_endian(bytes.subspan(0, 4));
  head.type = std::to_integer<std::uint8_t>(bytes[4]);
  head.flags = std::to_integer<std::uint8_t>(bytes[5]);
  head.control_bytes = static_cast<std::uint16_t>(read_little_endian(bytes.subspan(6, 2)));
  if (const Status status = check(head); !status) return status.error();
  return head;
}

}  // namespace deltamesh
