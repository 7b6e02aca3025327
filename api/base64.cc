// api/base64.cc - three bytes to four characters.
#include "api/base64.h"

#include <array>
#include <cstddef>
#include <cstdint>

namespace deltamesh {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// Up to three bytes as 24 bits, the first one highest.
std::uint32_t gather(std::string_view bytes) {
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    bits = bits << 8 | (i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0u);
  }
  return bits;
}

}  // namespace

std::string base64(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (; !bytes.empty(); bytes.remove_prefix(bytes.size() < 3 ? bytes.size() : 3)) {
    const std::uint32_t bits = gather(bytes);
    std::array<char, 4> four{};
    for (std::size_t i = 0; i < 4; ++i) four[i] = kAlphabet[bits >> (18 - 6 * i) & 63];
    if (bytes.size() < 3) four[3] = '=';
    if (bytes.size() < 2) four[2] = '=';
    out.append(four.data(), four.size());
  }
  return out;
}

}  // namespace deltamesh
