// crdt/column_parts.h - what the column codecs share: head byte, decimal scales, bit packing, dictionaries.
//
// Grammar: docs/formats/block.md. Only crdt/column*.cc and crdt/block*.cc include this.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "crdt/dot.h"
#include "crdt/result.h"

namespace deltamesh {

// A column starts with one byte: the codec in its low four bits, a decimal scale in its high four.
struct ColumnHead {
  std::uint8_t codec = 0;
  std::uint8_t scale = 0;
};
inline constexpr unsigned kScaleMax = 15;
void put_head(Bytes& out, ColumnHead head);
[[nodiscard]] bool get_head(ByteView& in, ColumnHead& head);

inline constexpr std::array<std::uint64_t, kScaleMax + 1> kPowersOfTen = {1,
                                                                          10,
                                                                          100,
                                                                          1000,
                                                                          10000,
                                                                          100000,
                                                                          1000000,
                                                                          10000000,
                                                                          100000000,
                                                                          1000000000,
                                                                          10000000000,
                                                                          100000000000,
                                                                          1000000000000,
                                                                          10000000000000,
                                                                          100000000000000,
                                                                          1000000000000000};

// Two's complement arithmetic: what would overflow wraps, and decoding undoes it.
inline std::uint64_t word(std::int64_t value) {
  return static_cast<std::uint64_t>(value);
}
inline std::int64_t wrap(std::uint64_t value) {
  return static_cast<std::int64_t>(value);
}

// Unsigned values of `width` bits (0 to 64) each, low bits first, the last byte filled up with zero bits.
std::uint64_t packed_size(std::size_t count, unsigned width);
void put_packed(Bytes& out, std::span<const std::uint64_t> values, unsigned width);
[[nodiscard]] bool get_packed(ByteView& in, std::span<std::int64_t> values, unsigned width);

// The distinct members of a column in order of first appearance, and for each value which of them it is.
struct Dictionary {
  std::vector<std::int64_t> distinct;
  std::vector<std::int64_t> indexes;
};
// False once more than `distinct_max` are met. Words that collide on purpose make the search linear in the
// dictionary; kDictionaryMax bounds what that costs.
inline constexpr std::size_t kDictionaryMax = 1024;
[[nodiscard]] bool find_distinct(std::span<const std::int64_t> values, std::size_t distinct_max,
                                 Dictionary& found);

// What a decoder says of a column that is not there in full or breaks its grammar, or of an unknown codec.
Error column_malformed(std::string_view kind, ColumnHead head);
Error column_unsupported(std::string_view kind, ColumnHead head);

}  // namespace deltamesh
