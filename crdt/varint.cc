// crdt/varint.cc - writing and bounded reading of LEB128 integers, byte strings and fixed 64-bit words.
#include "crdt/varint.h"

#include <array>
#include <limits>

namespace deltamesh {

void put_varint(Bytes& out, std::uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<std::byte>((value & 0x7f) | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<std::byte>(value));
}

void put_bytes(Bytes& out, ByteView bytes) {
  put_varint(out, bytes.size());
  out.insert(out.end(), bytes.begin(), bytes.end());
}

void put_string(Bytes& out, std::string_view text) {
  put_bytes(out, std::as_bytes(std::span(text)));
}

void put_fixed64(Bytes& out, std::uint64_t value) {
  const auto byte = [value](unsigned i) { return static_cast<std::byte>((value >> (8 * i)) & 0xff); };
  const std::array bytes{byte(0), byte(1), byte(2), byte(3), byte(4), byte(5), byte(6), byte(7)};
  out.insert(out.end(), bytes.begin(), bytes.end());
}

bool get_varint(ByteView& in, std::uint64_t& value) {
  value = 0;
  for (unsigned shift = 0, i = 0; shift < 64 && i < in.size(); shift += 7, ++i) {
    const auto byte = std::to_integer<std::uint64_t>(in[i]);
    if (shift == 63 && byte > 1) return false;  // Would not fit 64 bits.
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) {
      in = in.subspan(i + 1);
      return byte != 0 || i == 0;  // A zero last byte is not the shortest form.
    }
  }
  return false;
}

bool get_varint32(ByteView& in, std::uint32_t& value) {
  std::uint64_t wide = 0;
  if (!get_varint(in, wide) || wide > std::numeric_limits<std::uint32_t>::max()) return false;
  value = static_cast<std::uint32_t>(wide);
  return true;
}

bool get_bytes(ByteView& in, ByteView& bytes, std::size_t size_max) {
  std::uint64_t size = 0;
  if (!get_varint(in, size) || size > size_max || size > in.size()) return false;
  bytes = in.first(static_cast<std::size_t>(size));
  in = in.subspan(bytes.size());
  return true;
}

bool get_string(ByteView& in, std::string& text, std::size_t size_max) {
  ByteView bytes;
  if (!get_bytes(in, bytes, size_max)) return false;
  text.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return true;
}

bool get_fixed64(ByteView& in, std::uint64_t& value) {
  if (in.size() < 8) return false;
  value = 0;
  for (unsigned i = 0; i < 8; ++i) value |= std::to_integer<std::uint64_t>(in[i]) << (8 * i);
  in = in.subspan(8);
  return true;
}

}  // namespace deltamesh
