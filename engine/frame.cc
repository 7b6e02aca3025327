// engine/frame.cc - the frame head, byte by byte, and what it may not say.
#include "engine/frame.h"

#include <cassert>
#include <string>

#include "crdt/varint.h"
#include "engine/limits.h"

namespace deltamesh {
namespace {

constexpr unsigned kMustBeClear = 0x40;
constexpr unsigned kOptional = 0x20;
constexpr unsigned kHasControl = 0x80;
constexpr std::size_t kLengthBytesMax = kFrameHeadBytesMax - 1;

Error refused(ErrorCode code, const std::string& text) {
  return {code, "frame head: " + text};
}

Error too_long(const std::string& bytes) {
  return refused(ErrorCode::kLimit,
                 "payload of " + bytes + " bytes, at most " + std::to_string(limits::kFrameBytesMax));
}

Result<std::optional<std::uint32_t>> take_length(ByteView& in) {
  std::uint32_t length = 0;
  for (std::size_t i = 0; i < kLengthBytesMax; ++i) {
    if (i == in.size()) return std::optional<std::uint32_t>();
    const auto byte = std::to_integer<std::uint32_t>(in[i]);
    length |= (byte & 0x7f) << 7 * i;
    if (byte >= 0x80) continue;
    if (byte == 0 && i > 0) return refused(ErrorCode::kInvalid, "a length that is not in its shortest form");
    if (length > limits::kFrameBytesMax) return too_long(std::to_string(length));
    in = in.subspan(i + 1);
    return std::optional(length);
  }
  return too_long("2097152 or more");
}

}  // namespace

void put_head(Bytes& out, const FrameHead& head) {
  const auto type = static_cast<unsigned>(head.type);
  assert(type <= kFrameTypeMax);
  out.push_back(
      static_cast<std::byte>(type | (head.optional ? kOptional : 0) | (head.has_control ? kHasControl : 0)));
  put_varint(out, head.payload_bytes);
}

Bytes make_frame(FrameHead head, std::initializer_list<ByteView> parts) {
  std::size_t payload = 0;
  for (const ByteView part : parts) payload += part.size();
  head.payload_bytes = static_cast<std::uint32_t>(payload);
  Bytes frame;
  frame.reserve(kFrameHeadBytesMax + payload);
  put_head(frame, head);
  for (const ByteView part : parts) frame.insert(frame.end(), part.begin(), part.end());
  return frame;
}

Result<std::optional<FrameHead>> take_head(ByteView& in) {
  if (in.empty()) return std::optional<FrameHead>();
  const auto first = std::to_integer<unsigned>(in[0]);
  if ((first & kMustBeClear) != 0)
    return refused(ErrorCode::kUnsupported, "first byte " + std::to_string(first) + " is no frame's");
  ByteView rest = in.subspan(1);
  const auto length = take_length(rest);
  if (!length) return length.error();
  if (!*length) return std::optional<FrameHead>();
  in = rest;
  return std::optional(FrameHead{FrameType(first & kFrameTypeMax), (first & kOptional) != 0,
                                 (first & kHasControl) != 0, **length});
}

}  // namespace deltamesh
