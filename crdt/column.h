// crdt/column.h - one column of a block: values of one type, as the smallest of a few encodings.
//
// The choice is a pure function of the values: the smallest encoding wins, the lower codec id breaks a tie.
// Nothing that differs between compilers takes part in it, so that every node writes the same bytes. A column
// does not hold its length: the block's shapes say how many values there are, and the caller passes a span of
// that many. Every codec id not listed here is refused as unsupported. Grammar: docs/formats/block.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "crdt/dot.h"
#include "crdt/result.h"

namespace deltamesh {

// In these formulas k counts in units of 10^scale and all arithmetic is modulo 2^64.
enum class IntCodec : std::uint8_t {
  kConstant = 0,      // Each value is k.
  kLinear = 1,        // first, first + k, first + 2k, ...
  kDeltas = 2,        // Differences of neighbours, as zigzag varints.
  kMedianDeltas = 3,  // The same about their median, for times that jitter about a period.
  kPacked = 4,        // value - min in a fixed number of bits.
  kPackedDeltas = 5,  // delta - smallest delta in a fixed number of bits.
  kDictionary = 6,    // Distinct values, and a column of indexes.
};

enum class DoubleCodec : std::uint8_t {
  kDecimal = 0,       // An integer column n; value = n / 10^scale.
  kFloatDecimal = 1,  // The same, rounded to a 32-bit float: what a device with a float made of a decimal.
  kFloat = 2,         // 32-bit floats.
  kRaw = 3,           // 64-bit doubles.
  kDictionary = 4,    // Distinct values as kFloat or kRaw, and a column of indexes.
};

enum class TextCodec : std::uint8_t {
  kPlain = 0,       // Each with its length.
  kDictionary = 1,  // Distinct values, and a column of indexes.
};

// Times may pay for a search of the median that other integers seldom profit from.
enum class IntKind { kPlain, kTimes };

// Each appends one column. `values` must not be empty, doubles must not be NaN.
void encode_ints(Bytes& out, std::span<const std::int64_t> values, IntKind kind = IntKind::kPlain);
void encode_doubles(Bytes& out, std::span<const double> values);
void encode_texts(Bytes& out, std::span<const ByteView> values);

// Each consumes one column of values.size() values from `in`, which is left unspecified after an error.
Status decode_ints(ByteView& in, std::span<std::int64_t> values);
Status decode_doubles(ByteView& in, std::span<double> values);
// The texts are views into `in`. A dictionary can name one text many times over: the caller bounds the sum.
Status decode_texts(ByteView& in, std::span<ByteView> values, std::size_t value_bytes_max);

}  // namespace deltamesh
