// crdt/utf8.cc - decoding of single code points, strictly.
#include "crdt/utf8.h"

#include <cassert>
#include <cstddef>

namespace deltamesh {
namespace {

// Bytes in the sequence that `lead`, no ASCII, begins; 0 if none begins with it.
std::size_t sequence_bytes(std::uint8_t lead) {
  if (lead < 0xC2 || lead > 0xF4) return 0;
  return lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

// The smallest code point that needs so many bytes.
std::uint32_t point_min(std::size_t bytes) {
  constexpr std::uint32_t kMin[] = {0, 0, 0x80, 0x800, 0x10000};
  return kMin[bytes];
}

}  // namespace

bool take_code_point(std::string_view& text, std::uint32_t& point) {
  assert(!text.empty());
  const auto lead = static_cast<std::uint8_t>(text[0]);
  if (lead < 0x80) {  // Nearly every one, of names that each write repeats.
    point = lead;
    text.remove_prefix(1);
    return true;
  }
  const std::size_t bytes = sequence_bytes(lead);
  if (bytes == 0 || text.size() < bytes) return false;
  point = lead & (0x7Fu >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    const auto next = static_cast<std::uint8_t>(text[i]);
    if ((next & 0xC0) != 0x80) return false;
    point = point << 6 | (next & 0x3Fu);
  }
  text.remove_prefix(bytes);
  const bool is_surrogate = point >= 0xD800 && point < 0xE000;
  return point >= point_min(bytes) && point <= 0x10FFFF && !is_surrogate;
}

bool valid_utf8(std::string_view text) {
  std::uint32_t point = 0;
  while (!text.empty()) {
    if (!take_code_point(text, point)) return false;
  }
  return true;
}

}  // namespace deltamesh
