// tests/engine/frame_test.cc - the frame head: its bytes, and the heads that are refused.
#include "engine/frame.h"

#include <rapidcheck.h>
#include <rapidcheck/catch.h>
#include <catch2/catch.hpp>

#include "engine/limits.h"

using namespace deltamesh;
using Catch::Contains;

namespace {

Bytes bytes_of(const FrameHead& head) {
  Bytes out;
  put_head(out, head);
  return out;
}

Result<std::optional<FrameHead>> taken(std::vector<int> bytes) {
  Bytes in;
  for (const int byte : bytes) in.push_back(static_cast<std::byte>(byte));
  ByteView rest = in;
  return take_head(rest);
}

}  // namespace

TEST_CASE("a frame head is a byte of type and flags, and the length", "[engine][frame]") {
  CHECK(bytes_of({FrameType::kPing, false, false, 0}) == Bytes{std::byte{0x08}, std::byte{0}});
  CHECK(bytes_of({FrameType::kRangeQuestion, true, true, 300}) ==
        Bytes{std::byte{0xae}, std::byte{0xac}, std::byte{0x02}});
}

TEST_CASE("a frame head within limits is read as it was written, once it is whole", "[engine][frame]") {
  rc::prop("round trip", [] {
    FrameHead head;
    head.type = FrameType(*rc::gen::inRange<unsigned>(0, kFrameTypeMax + 1));
    head.optional = *rc::gen::arbitrary<bool>();
    head.has_control = *rc::gen::arbitrary<bool>();
    head.payload_bytes = *rc::gen::oneOf(rc::gen::inRange<std::uint32_t>(0, 300),
                                         rc::gen::inRange<std::uint32_t>(0, limits::kFrameBytesMax + 1));
    Bytes bytes = bytes_of(head);
    RC_ASSERT(bytes.size() <= kFrameHeadBytesMax);
    bytes.push_back(std::byte{7});
    for (std::size_t cut = 0; cut + 1 < bytes.size(); ++cut) {
      ByteView front = ByteView(bytes).first(cut);
      const auto unfinished = take_head(front);
      RC_ASSERT(unfinished.ok() && !*unfinished);
      RC_ASSERT(front.size() == cut);
    }
    ByteView rest = bytes;
    const auto again = take_head(rest);
    RC_ASSERT(again.ok() && **again == head);
    RC_ASSERT(rest.size() == 1u);
  });
}

TEST_CASE("a frame head that breaks a rule is refused with what is wrong", "[engine][frame]") {
  struct Row {
    std::vector<int> bytes;
    ErrorCode code;
    const char* text;
  };
  const auto row = GENERATE(values<Row>({
      {{8, 0x81, 0x80, 0x40}, ErrorCode::kLimit, "1048577 bytes, at most 1048576"},
      {{8, 0xff, 0xff, 0xff}, ErrorCode::kLimit, "2097152 or more bytes, at most 1048576"},
      {{8, 0x80, 0x00}, ErrorCode::kInvalid, "not in its shortest form"},
      {{'G'}, ErrorCode::kUnsupported, "first byte 71"},
      {{0xc8, 0}, ErrorCode::kUnsupported, "first byte 200"},
  }));
  CAPTURE(row.text);
  const auto head = taken(row.bytes);
  REQUIRE_FALSE(head.ok());
  CHECK(head.error().code == row.code);
  CHECK_THAT(head.error().text, Contains(row.text));
}
