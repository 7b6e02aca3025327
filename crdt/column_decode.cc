// crdt/column_decode.cc - reading integer columns from untrusted bytes.
#include <algorithm>
#include <vector>

#include "crdt/column.h"
#include "crdt/column_parts.h"
#include "crdt/varint.h"

namespace deltamesh {
namespace {

using Ints = std::span<std::int64_t>;

bool get_zigzag(ByteView& in, std::int64_t& value) {
  std::uint64_t bits = 0;
  if (!get_varint(in, bits)) return false;
  value = unzigzag(bits);
  return true;
}

bool get_width(ByteView& in, unsigned& width) {
  if (in.empty()) return false;
  width = std::to_integer<unsigned>(in[0]);
  in = in.subspan(1);
  return true;
}

bool get_constant(ByteView& in, Ints values, std::uint64_t unit) {
  std::int64_t k = 0;
  if (!get_zigzag(in, k)) return false;
  std::fill(values.begin(), values.end(), wrap(word(k) * unit));
  return true;
}

bool get_linear(ByteView& in, Ints values, std::uint64_t unit) {
  std::int64_t first = 0, step = 0;
  if (!get_zigzag(in, first) || !get_zigzag(in, step)) return false;
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = wrap(word(first) + i * (word(step) * unit));
  return true;
}

bool get_deltas(ByteView& in, Ints values, std::uint64_t unit, bool about_median) {
  std::int64_t median = 0;
  if (!get_zigzag(in, values[0]) || (about_median && !get_zigzag(in, median))) return false;
  std::uint64_t last = word(values[0]), bits = 0;
  for (auto& value : values.subspan(1)) {
    if (!in.empty() && in[0] < std::byte{0x80}) {  // The common case, without a call.
      bits = std::to_integer<std::uint64_t>(in[0]);
      in = in.subspan(1);
    } else if (!get_varint(in, bits)) {
      return false;
    }
    last += (word(unzigzag(bits)) + word(median)) * unit;
    value = wrap(last);
  }
  return true;
}

bool get_packed_values(ByteView& in, Ints values, std::uint64_t unit) {
  std::int64_t min = 0;
  unsigned width = 0;
  if (!get_zigzag(in, min) || !get_width(in, width) || !get_packed(in, values, width)) return false;
  for (auto& value : values) value = wrap(word(min) + word(value) * unit);
  return true;
}

bool get_packed_deltas(ByteView& in, Ints values, std::uint64_t unit) {
  std::int64_t delta_min = 0;
  unsigned width = 0;
  if (!get_zigzag(in, values[0]) || !get_zigzag(in, delta_min) || !get_width(in, width)) return false;
  if (!get_packed(in, values.subspan(1), width)) return false;
  std::uint64_t last = word(values[0]);
  for (auto& value : values.subspan(1)) {
    last += (word(delta_min) + word(value)) * unit;
    value = wrap(last);
  }
  return true;
}

Status decode_plain(ByteView& in, Ints values, ColumnHead head) {
  const std::uint64_t unit = kPowersOfTen[head.scale];
  bool good = false;
  switch (static_cast<IntCodec>(head.codec)) {
    case IntCodec::kConstant: good = get_constant(in, values, unit); break;
    case IntCodec::kLinear: good = get_linear(in, values, unit); break;
    case IntCodec::kDeltas: good = get_deltas(in, values, unit, false); break;
    case IntCodec::kMedianDeltas: good = get_deltas(in, values, unit, true); break;
    case IntCodec::kPacked: good = get_packed_values(in, values, unit); break;
    case IntCodec::kPackedDeltas: good = get_packed_deltas(in, values, unit); break;
    case IntCodec::kDictionary: break;  // Not within a dictionary.
    default: return column_unsupported("integer", head);
  }
  if (!good) return column_malformed("integer", head);
  return Done{};
}

Status decode_nested(ByteView& in, Ints values) {
  ColumnHead head;
  if (!get_head(in, head)) return column_malformed("integer", head);
  return decode_plain(in, values, head);
}

Status decode_dictionary(ByteView& in, Ints values, ColumnHead head) {
  std::uint64_t count = 0;
  if (head.scale != 0) return column_unsupported("integer", head);
  if (!get_varint(in, count) || count == 0 || count > values.size()) return column_malformed("integer", head);
  std::vector<std::int64_t> distinct(static_cast<std::size_t>(count));
  if (Status done = decode_nested(in, distinct); !done) return done;
  if (Status done = decode_nested(in, values); !done) return done;
  for (auto& value : values) {
    if (word(value) >= count) return column_malformed("integer", head);
    value = distinct[static_cast<std::size_t>(value)];
  }
  return Done{};
}

}  // namespace

Status decode_ints(ByteView& in, std::span<std::int64_t> values) {
  ColumnHead head;
  if (values.empty() || !get_head(in, head)) return column_malformed("integer", head);
  if (head.codec == static_cast<std::uint8_t>(IntCodec::kDictionary))
    return decode_dictionary(in, values, head);
  return decode_plain(in, values, head);
}

}  // namespace deltamesh
