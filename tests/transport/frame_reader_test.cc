// tests/transport/frame_reader_test.cc - frames out of a stream, wherever it is cut.
#include "transport/frame_reader.h"

#include <rapidcheck.h>
#include <rapidcheck/catch.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "engine/frame.h"

namespace deltamesh {
namespace {

Bytes frame_of(std::uint32_t payload, std::uint8_t fill) {
  return make_frame({FrameType(fill & kFrameTypeMax)}, {Bytes(payload, std::byte{fill})});
}

// Feeds the front of `stream`, at most `most` bytes, and takes what comes out.
void feed(FrameReader& reader, ByteView& stream, std::size_t most, std::vector<Bytes>& frames) {
  const auto space = reader.space();
  const std::size_t bytes = std::min({most, stream.size(), space.size()});
  std::copy_n(stream.begin(), bytes, space.begin());
  reader.filled(bytes);
  stream = stream.subspan(bytes);
  while (const auto frame = reader.next()) frames.emplace_back(frame->begin(), frame->end());
}

TEST_CASE("the frames that went in come out, however the stream is cut", "[frame_reader]") {
  rc::prop("cuts", [] {
    std::vector<Bytes> in, out;
    Bytes stream;
    for (int n = *rc::gen::inRange(0, 20); n > 0; --n) {
      const auto payload = *rc::gen::element(0, 1, 7, 100, 5'000, 70'000, 200'000);
      in.push_back(frame_of(static_cast<std::uint32_t>(payload), static_cast<std::uint8_t>(n)));
      stream.insert(stream.end(), in.back().begin(), in.back().end());
    }
    FrameReader reader;
    ByteView rest = stream;
    while (!rest.empty()) feed(reader, rest, *rc::gen::element<std::size_t>(1, 3, 500, 9'000, 100'000), out);
    RC_ASSERT(in == out);
    RC_ASSERT(reader.pending() == 0u);
  });
}

TEST_CASE("the largest frame fits, byte by byte at its edges", "[frame_reader]") {
  const Bytes largest = frame_of(limits::kFrameBytesMax, 1);
  FrameReader reader;
  std::vector<Bytes> out;
  ByteView rest = largest;
  while (rest.size() > 3) feed(reader, rest, rest.size() - 3, out);
  CHECK(out.empty());
  while (!rest.empty()) feed(reader, rest, 1, out);
  REQUIRE(out.size() == 1);
  CHECK(out[0] == largest);
}

TEST_CASE("a head that cannot be right comes out alone, for the node to refuse", "[frame_reader]") {
  for (const std::string bad : {"\x01\xff\xff\xff", "\x03\x81\x80\x40", "\x08\x80\x00!", "GET "}) {
    const ByteView bytes = std::as_bytes(std::span(bad.data(), kFrameHeadBytesMax));
    FrameReader reader;
    std::vector<Bytes> out;
    ByteView rest = bytes;
    feed(reader, rest, bytes.size(), out);
    REQUIRE(out.size() == 1);
    CHECK(out[0] == Bytes(bytes.begin(), bytes.end()));
    CHECK_FALSE(take_head(rest = out[0]).ok());
    CHECK(reader.capacity() == limits::kLinkReadBytesFirst);
  }
}

TEST_CASE("memory follows the bytes that came, not those that were announced", "[frame_reader]") {
  const Bytes whole = frame_of(limits::kFrameBytesMax, 1);
  FrameReader reader;
  std::vector<Bytes> out;
  ByteView front = ByteView(whole).first(1000);
  feed(reader, front, 1000, out);
  CHECK(reader.space().size() + reader.pending() == limits::kLinkReadBytesFirst);
  ByteView rest = ByteView(whole).subspan(1000);
  while (!rest.empty()) feed(reader, rest, 50'000, out);
  CHECK(out.size() == 1);
  CHECK(reader.capacity() > limits::kFrameBytesMax);
  CHECK_FALSE(reader.space().empty());
  CHECK(reader.capacity() == limits::kLinkReadBytes);
}

TEST_CASE("a reader begins small, and grows as far as reads fill it", "[frame_reader]") {
  FrameReader reader;
  std::vector<Bytes> out;
  CHECK(reader.capacity() == limits::kLinkReadBytesFirst);
  const Bytes small = frame_of(100, 1);
  for (int i = 0; i < 1000; ++i) {
    ByteView rest = small;
    feed(reader, rest, small.size(), out);
  }
  CHECK(reader.capacity() == limits::kLinkReadBytesFirst);
  Bytes bulk;
  for (int i = 0; i < 10'000; ++i) bulk.insert(bulk.end(), small.begin(), small.end());
  for (ByteView rest = bulk; !rest.empty();) feed(reader, rest, bulk.size(), out);
  CHECK(out.size() == 11'000);
  CHECK(reader.capacity() == limits::kLinkReadBytes);
}

TEST_CASE("any bytes whatever are cut without harm and within bounds", "[frame_reader]") {
  rc::prop("garbage", [](const std::vector<std::uint8_t>& garbage) {
    const ByteView bytes(reinterpret_cast<const std::byte*>(garbage.data()), garbage.size());
    FrameReader reader;
    std::vector<Bytes> out;
    ByteView rest = bytes;
    while (!rest.empty()) feed(reader, rest, 64, out);
    std::size_t total = reader.pending();
    for (const auto& frame : out) total += frame.size();
    RC_ASSERT(total == bytes.size());
    RC_ASSERT(reader.capacity() == limits::kLinkReadBytesFirst);
  });
}

}  // namespace
}  // namespace deltamesh
