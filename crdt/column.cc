// crdt/column.cc - integer columns: which encoding is smallest, and writing it.
#include "crdt/column.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <limits>
#include <vector>

#include "crdt/column_parts.h"
#include "crdt/varint.h"

namespace deltamesh {
namespace {

constexpr std::size_t kDictionaryFromValues = 8;

// All that the choice of a codec looks at, gathered once.
struct Measured {
  std::span<const std::int64_t> values;
  std::int64_t min = 0, max = 0;
  unsigned scale = 0;                // All differences are multiples of 10^scale.
  std::vector<std::int64_t> deltas;  // Between neighbours, in units of 10^scale.
  std::int64_t delta_min = 0, delta_max = 0, delta_median = 0;
};

struct Choice {
  IntCodec codec = IntCodec::kConstant;
  std::uint64_t size = std::numeric_limits<std::uint64_t>::max();
  void offer(IntCodec other, std::uint64_t other_size) {
    if (other_size < size) *this = {other, other_size};
  }
};

std::int64_t power(unsigned scale) {
  return wrap(kPowersOfTen[scale]);
}

// The largest scale, at most `scale`, of which `value` is a multiple.
unsigned common_scale(std::int64_t value, unsigned scale) {
  while (scale > 0 && value % power(scale) != 0) --scale;
  return scale;
}

unsigned width_of(std::int64_t min, std::int64_t max) {
  return static_cast<unsigned>(std::bit_width(word(max) - word(min)));
}

// Differences that wrap around are no multiples of what they would be without; such a column stays unscaled.
void measure_scale(Measured& m) {
  m.scale = word(m.max) - word(m.min) < std::uint64_t{1} << 63 ? kScaleMax : 0;
  for (std::size_t i = 0; i < m.deltas.size() && m.scale > 0; ++i)
    m.scale = common_scale(m.deltas[i], m.scale);
  if (m.scale == 0) return;
  for (auto& delta : m.deltas) delta /= power(m.scale);
}

std::int64_t median(std::vector<std::int64_t> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

Measured measure(std::span<const std::int64_t> values, IntKind kind) {
  Measured m;
  m.values = values;
  const auto [min, max] = std::minmax_element(values.begin(), values.end());
  m.min = *min, m.max = *max;
  if (m.min == m.max) return m;
  m.deltas.resize(values.size() - 1);
  for (std::size_t i = 1; i < values.size(); ++i)
    m.deltas[i - 1] = wrap(word(values[i]) - word(values[i - 1]));
  measure_scale(m);
  const auto [delta_min, delta_max] = std::minmax_element(m.deltas.begin(), m.deltas.end());
  m.delta_min = *delta_min, m.delta_max = *delta_max;
  if (kind == IntKind::kTimes) m.delta_median = median(m.deltas);
  return m;
}

std::uint64_t zigzag_size(std::int64_t value) {
  return varint_size(zigzag(value));
}

std::uint64_t deltas_size(const Measured& m, std::int64_t about) {
  std::uint64_t size = 0;
  for (const std::int64_t delta : m.deltas) size += zigzag_size(wrap(word(delta) - word(about)));
  return size;
}

// (value - min) in units of 10^scale.
std::uint64_t packed_value(const Measured& m, std::int64_t value) {
  return (word(value) - word(m.min)) / kPowersOfTen[m.scale];
}

unsigned values_width(const Measured& m) {
  return static_cast<unsigned>(std::bit_width(packed_value(m, m.max)));
}

Choice choose(const Measured& m, IntKind kind) {
  Choice best;
  if (m.min == m.max) return {IntCodec::kConstant, 1 + zigzag_size(m.min)};
  const std::uint64_t head = 1 + zigzag_size(m.values[0]);
  if (m.delta_min == m.delta_max) best.offer(IntCodec::kLinear, head + zigzag_size(m.delta_min));
  best.offer(IntCodec::kDeltas, head + deltas_size(m, 0));
  if (kind == IntKind::kTimes)
    best.offer(IntCodec::kMedianDeltas, head + zigzag_size(m.delta_median) + deltas_size(m, m.delta_median));
  best.offer(IntCodec::kPacked, 2 + zigzag_size(m.min) + packed_size(m.values.size(), values_width(m)));
  best.offer(IntCodec::kPackedDeltas, head + zigzag_size(m.delta_min) + 1 +
                                          packed_size(m.deltas.size(), width_of(m.delta_min, m.delta_max)));
  return best;
}

void put_zigzag(Bytes& out, std::int64_t value) {
  put_varint(out, zigzag(value));
}

void put_width(Bytes& out, unsigned width) {
  out.push_back(static_cast<std::byte>(width));
}

void put_deltas(Bytes& out, const Measured& m, std::int64_t about) {
  for (const std::int64_t delta : m.deltas) put_zigzag(out, wrap(word(delta) - word(about)));
}

void put_constant(Bytes& out, std::int64_t value) {
  const unsigned scale = value == 0 ? 0 : common_scale(value, kScaleMax);
  put_head(out, {static_cast<std::uint8_t>(IntCodec::kConstant), static_cast<std::uint8_t>(scale)});
  put_zigzag(out, value / power(scale));
}

void put_packed_values(Bytes& out, const Measured& m) {
  std::vector<std::uint64_t> packed(m.values.size());
  std::transform(m.values.begin(), m.values.end(), packed.begin(),
                 [&m](auto v) { return packed_value(m, v); });
  put_zigzag(out, m.min);
  put_width(out, values_width(m));
  put_packed(out, packed, values_width(m));
}

void put_packed_deltas(Bytes& out, const Measured& m) {
  std::vector<std::uint64_t> packed(m.deltas.size());
  std::transform(m.deltas.begin(), m.deltas.end(), packed.begin(),
                 [&m](auto delta) { return word(delta) - word(m.delta_min); });
  const unsigned width = width_of(m.delta_min, m.delta_max);
  put_zigzag(out, m.values[0]);
  put_zigzag(out, m.delta_min);
  put_width(out, width);
  put_packed(out, packed, width);
}

void put_measured(Bytes& out, const Measured& m, IntCodec codec) {
  if (codec == IntCodec::kConstant) return put_constant(out, m.min);
  put_head(out, {static_cast<std::uint8_t>(codec), static_cast<std::uint8_t>(m.scale)});
  if (codec == IntCodec::kPacked) return put_packed_values(out, m);
  if (codec == IntCodec::kPackedDeltas) return put_packed_deltas(out, m);
  put_zigzag(out, m.values[0]);
  if (codec == IntCodec::kLinear) return put_zigzag(out, m.delta_min);
  if (codec == IntCodec::kMedianDeltas) put_zigzag(out, m.delta_median);
  put_deltas(out, m, codec == IntCodec::kMedianDeltas ? m.delta_median : 0);
}

void encode_plain(Bytes& out, std::span<const std::int64_t> values) {
  const Measured m = measure(values, IntKind::kPlain);
  put_measured(out, m, choose(m, IntKind::kPlain).codec);
}

// True if `out` now holds the column as a dictionary, in fewer than `size` bytes.
bool try_dictionary(Bytes& out, std::span<const std::int64_t> values, std::uint64_t size) {
  Dictionary dictionary;
  if (values.size() < kDictionaryFromValues) return false;
  if (!find_distinct(values, std::min(values.size() / 4, kDictionaryMax), dictionary)) return false;
  const std::size_t start = out.size();
  put_head(out, {static_cast<std::uint8_t>(IntCodec::kDictionary), 0});
  put_varint(out, dictionary.distinct.size());
  encode_plain(out, dictionary.distinct);
  encode_plain(out, dictionary.indexes);
  if (out.size() - start < size) return true;
  out.resize(start);
  return false;
}

}  // namespace

void encode_ints(Bytes& out, std::span<const std::int64_t> values, IntKind kind) {
  assert(!values.empty());
  const Measured m = measure(values, kind);
  const Choice best = choose(m, kind);
  const bool dull = best.codec == IntCodec::kConstant || best.codec == IntCodec::kLinear;
  if (dull || !try_dictionary(out, values, best.size)) put_measured(out, m, best.codec);
}

}  // namespace deltamesh
