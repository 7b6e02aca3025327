// benchmarks/iproto_rows.cc - cuts a stream of bytes into packets, and looks at their types.
#include "benchmarks/iproto_rows.h"

#include <cstddef>

namespace deltamesh::bench {
namespace {

constexpr std::size_t kGreetingBytes = 128, kPrefixBytes = 5;

std::size_t length_of(std::string_view prefix) {
  std::size_t length = 0;
  for (const char c : prefix.substr(1)) length = length << 8 | static_cast<unsigned char>(c);
  return length;
}

bool is_insert(std::string_view packet) {
  const bool is_map = packet.size() >= 3 && (static_cast<unsigned char>(packet[0]) & 0xf0) == 0x80;
  return is_map && packet[1] == 0 && packet[2] == 2;
}

}  // namespace

std::uint64_t IprotoRows::feed(std::string_view bytes) {
  if (lost_) return 0;
  buffer_ += bytes;
  std::size_t at = 0;
  if (!greeted_) {
    if (buffer_.size() < kGreetingBytes) return 0;
    greeted_ = true;
    at = kGreetingBytes;
  }
  std::uint64_t rows = 0;
  while (buffer_.size() - at >= kPrefixBytes) {
    const std::string_view rest = std::string_view(buffer_).substr(at);
    lost_ = rest.front() != '\xce';
    if (lost_) break;
    const std::size_t length = length_of(rest.substr(0, kPrefixBytes));
    if (rest.size() - kPrefixBytes < length) break;
    rows += is_insert(rest.substr(kPrefixBytes, length)) ? 1 : 0;
    at += kPrefixBytes + length;
  }
  buffer_.erase(0, at);
  return rows;
}

}  // namespace deltamesh::bench
