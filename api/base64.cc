// api/base64.cc - three bytes to four characters, and back.
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

constexpr std::uint8_t kNoDigit = 64;

constexpr std::array<std::uint8_t, 256> digits() {
  std::array<std::uint8_t, 256> out{};
  for (auto& digit : out) digit = kNoDigit;
  for (std::size_t i = 0; i < kAlphabet.size(); ++i)
    out[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  return out;
}

// Two to four characters as one to three bytes. What the last character has beyond them must be 0, else there
// are several texts of the same bytes.
bool append_bytes(std::string& out, std::string_view characters) {
  static constexpr auto kDigits = digits();
  std::uint32_t bits = 0;
  for (const char c : characters) {
    const std::uint8_t digit = kDigits[static_cast<unsigned char>(c)];
    if (digit == kNoDigit) return false;
    bits = bits << 6 | digit;
  }
  bits <<= 6 * (4 - characters.size());
  for (std::size_t i = 1; i < characters.size(); ++i) {
    out += static_cast<char>(bits >> 16 & 0xff);
    bits = bits << 8 & 0xffffff;
  }
  return bits == 0;
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

std::optional<std::string> decode_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::string out;
  out.reserve(text.size() / 4 * 3);
  for (; !text.empty(); text.remove_prefix(4)) {
    std::string_view four = text.substr(0, 4);
    for (int padding = 0; text.size() == 4 && padding < 2 && four.ends_with('='); ++padding)
      four.remove_suffix(1);
    if (!append_bytes(out, four)) return std::nullopt;
  }
  return out;
}

}  // namespace deltamesh
