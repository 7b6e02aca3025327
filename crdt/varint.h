// crdt/varint.h - LEB128 integers, zigzag, and bounded reads from untrusted bytes.
//
// The encoding is the one of Protocol Buffers: seven bits a byte, low bits first. Readers consume from the
// front of a ByteView and refuse what is cut short, too long, or not the shortest form (canonical bytes).
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

#include "crdt/dot.h"
#include "crdt/result.h"

namespace deltamesh {

constexpr std::uint64_t zigzag(std::int64_t v) {
  return (static_cast<std::uint64_t>(v) << 1) ^ static_cast<std::uint64_t>(v >> 63);
}
constexpr std::int64_t unzigzag(std::uint64_t v) {
  return static_cast<std::int64_t>((v >> 1) ^ (~(v & 1) + 1));
}

void put_varint(Bytes& out, std::uint64_t value);
// So many bytes does that take.
constexpr std::size_t varint_size(std::uint64_t value) {
  return static_cast<std::size_t>(std::bit_width(value | 1) + 6) / 7;
}
void put_bytes(Bytes& out, ByteView bytes);  // Length as varint, then the bytes.
void put_string(Bytes& out, std::string_view text);
void put_fixed64(Bytes& out, std::uint64_t value);  // Little-endian on every machine.

// Each returns false, leaving `in` unspecified, if the bytes are not there or not canonical.
[[nodiscard]] bool get_varint(ByteView& in, std::uint64_t& value);
[[nodiscard]] bool get_varint32(ByteView& in, std::uint32_t& value);
[[nodiscard]] bool get_bytes(ByteView& in, ByteView& bytes, std::size_t size_max);
[[nodiscard]] bool get_string(ByteView& in, std::string& text, std::size_t size_max);
[[nodiscard]] bool get_fixed64(ByteView& in, std::uint64_t& value);

}  // namespace deltamesh
