// tests/engine/frame_test.cc - the frame head: its bytes, and the heads that are refused.
#include "engine/frame.h"

#include <rapidcheck.h>
#include <rapidcheck/catch.h>
#include <catch2/catch.hpp>

#include "engine/limits.h"

using namespace deltamesh;
using Catch::Contains;

namespace {

Result<FrameHead> decoded(const FrameHead& head) {
  return decode_head(encode_head(head));
}

}  // namespace

TEST_CASE("a frame head is eight bytes, low bytes first", "[engine][frame]") {
  const auto bytes = encode_head({0x000a0b0c, 3, kFrameCritical, 0x0d0e});
  const std::array<int, 8> expected{0x0c, 0x0b, 0x0a, 0x00, 0x03, 0x01, 0x0e, 0x0d};
  for (std::size_t i = 0; i < bytes.size(); ++i) CHECK(std::to_integer<int>(bytes[i]) == expected[i]);
}

TEST_CASE("a frame head within limits is read as it was written", "[engine][frame]") {
  rc::prop("round trip", [] {
    FrameHead head;
    head.payload_bytes = *rc::gen::inRange<std::uint32_t>(0, limits::kFrameBytesMax + 1);
    head.type = *rc::gen::arbitrary<std::uint8_t>();
    head.flags = *rc::gen::element<std::uint8_t>(0, kFrameCritical);
    head.control_bytes = static_cast<std::uint16_t>(
        *rc::gen::inRange<std::uint32_t>(0, std::min(head.payload_bytes, 65'535u) + 1));
    const auto again = decoded(head);
    RC_ASSERT(again.ok());
    RC_ASSERT(*again == head);
  });
}

TEST_CASE("a frame head that breaks a rule is refused with the number that is wrong", "[engine][frame]") {
  struct Row {
    FrameHead head;
    ErrorCode code;
    const char* text;
  };
  const auto row = GENERATE(values<Row>({
      {{limits::kFrameBytesMax + 1, 8, 0, 0}, ErrorCode::kLimit, "1048577 bytes, at most 1048576"},
      {{0xffffffff, 8, 0, 0}, ErrorCode::kLimit, "4294967295 bytes, at most 1048576"},
      {{3, 8, 0, 4}, ErrorCode::kInvalid, "4 bytes in a payload of 3"},
      {{0, 8, 2, 0}, ErrorCode::kUnsupported, "flags 2, known are 1"},
      {{0, 8, 0x81, 0}, ErrorCode::kUnsupported, "flags 129"},
  }));
  CAPTURE(row.text);
  const auto head = decoded(row.head);
  REQUIRE_FALSE(head.ok());
  CHECK(head.error().code == row.code);
  CHECK_THAT(head.error().text, Contains(row.text));
}
