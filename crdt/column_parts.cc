// crdt/column_parts.cc - bit packing and the search for distinct values.
#include "crdt/column_parts.h"

#include <algorithm>
#include <bit>
#include <string>

#include "crdt/varint.h"

namespace deltamesh {
namespace {

// Little-endian. Written out: of this, unlike of a loop, compilers make one load where the machine allows
// that.
std::uint64_t load_eight(ByteView in) {
  const auto byte = [in](unsigned i) { return std::to_integer<std::uint64_t>(in[i]) << (8 * i); };
  return byte(0) | byte(1) | byte(2) | byte(3) | byte(4) | byte(5) | byte(6) | byte(7);
}

// Up to eight bytes; those beyond the end count as zero.
std::uint64_t load_word(ByteView in) {
  if (in.size() >= 8) return load_eight(in);
  std::uint64_t value = 0;
  for (unsigned i = 0; i < in.size(); ++i) value |= std::to_integer<std::uint64_t>(in[i]) << (8 * i);
  return value;
}

std::uint64_t low_bits(unsigned width) {
  return width == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << width) - 1;
}

// Widths up to 56 bits: each value lies within the eight bytes from its first byte on.
void unpack_narrow(ByteView in, std::span<std::int64_t> values, unsigned width) {
  const std::uint64_t mask = low_bits(width);
  std::uint64_t bit = 0;
  for (auto& value : values) {
    value = wrap((load_word(in.subspan(static_cast<std::size_t>(bit / 8))) >> (bit % 8)) & mask);
    bit += width;
  }
}

void unpack_wide(ByteView in, std::span<std::int64_t> values, unsigned width) {
  std::uint64_t bit = 0;
  for (auto& value : values) {
    const ByteView from = in.subspan(static_cast<std::size_t>(bit / 8));
    const auto shift = static_cast<unsigned>(bit % 8);
    std::uint64_t got = load_word(from) >> shift;
    if (shift + width > 64) got |= std::to_integer<std::uint64_t>(from[8]) << (64 - shift);
    value = wrap(got & low_bits(width));
    bit += width;
  }
}

// A set of words by open addressing. It is only ever asked, never walked, so that its order shows nowhere.
class WordSet {
 public:
  explicit WordSet(std::size_t size_max)
      : shift_(64 - static_cast<unsigned>(std::bit_width(2 * size_max + 2))),
        slots_(std::size_t{1} << (64 - shift_)) {}

  // The slot of `value`: one plus its index in the dictionary, or 0 for the caller to fill in.
  std::uint32_t& slot(std::int64_t value, const std::vector<std::int64_t>& distinct) {
    auto at = static_cast<std::size_t>((word(value) * 0x9e3779b97f4a7c15u) >> shift_);
    while (slots_[at] != 0 && distinct[slots_[at] - 1] != value) at = (at + 1) & (slots_.size() - 1);
    return slots_[at];
  }

 private:
  unsigned shift_;
  std::vector<std::uint32_t> slots_;
};

}  // namespace

void put_head(Bytes& out, ColumnHead head) {
  out.push_back(static_cast<std::byte>(head.codec | head.scale << 4));
}

bool get_head(ByteView& in, ColumnHead& head) {
  if (in.empty()) return false;
  const auto byte = std::to_integer<std::uint8_t>(in[0]);
  head = {static_cast<std::uint8_t>(byte & 15), static_cast<std::uint8_t>(byte >> 4)};
  in = in.subspan(1);
  return true;
}

std::uint64_t packed_size(std::size_t count, unsigned width) {
  return (std::uint64_t{count} * width + 7) / 8;
}

void put_packed(Bytes& out, std::span<const std::uint64_t> values, unsigned width) {
  std::uint64_t word = 0;
  unsigned filled = 0;
  for (const std::uint64_t value : values) {
    word |= value << filled;
    filled += width;
    if (filled < 64) continue;
    put_fixed64(out, word);
    filled -= 64;
    word = filled == 0 ? 0 : value >> (width - filled);
  }
  for (; filled > 0; filled -= std::min(filled, 8u), word >>= 8)
    out.push_back(static_cast<std::byte>(word & 0xff));
}

bool get_packed(ByteView& in, std::span<std::int64_t> values, unsigned width) {
  const std::uint64_t size = packed_size(values.size(), width);
  if (width > 64 || size > in.size()) return false;
  const auto spare = static_cast<unsigned>(8 * size - std::uint64_t{values.size()} * width);
  const ByteView packed = in.first(static_cast<std::size_t>(size));
  if (spare > 0 && std::to_integer<unsigned>(packed.back()) >> (8 - spare) != 0) return false;
  width <= 56 ? unpack_narrow(packed, values, width) : unpack_wide(packed, values, width);
  in = in.subspan(packed.size());
  return true;
}

bool find_distinct(std::span<const std::int64_t> values, std::size_t distinct_max, Dictionary& found) {
  WordSet set(distinct_max);
  for (const std::int64_t value : values) {
    std::uint32_t& slot = set.slot(value, found.distinct);
    if (slot == 0) {
      if (found.distinct.size() == distinct_max) return false;
      found.distinct.push_back(value);
      slot = static_cast<std::uint32_t>(found.distinct.size());
    }
    found.indexes.push_back(std::int64_t{slot} - 1);
  }
  return true;
}

Error column_malformed(std::string_view kind, ColumnHead head) {
  return {ErrorCode::kInvalid, std::string(kind) + " column is cut short or malformed (codec " +
                                   std::to_string(head.codec) + ", scale " + std::to_string(head.scale) +
                                   ")"};
}

Error column_unsupported(std::string_view kind, ColumnHead head) {
  return {ErrorCode::kUnsupported, std::string(kind) + " column has unknown codec " +
                                       std::to_string(head.codec) + " with scale " +
                                       std::to_string(head.scale)};
}

}  // namespace deltamesh
