// tests/crdt/column_test.cc - which codec a column gets, and that every column comes back bit for bit.
#include "crdt/column.h"

#include <rapidcheck.h>
#include <rapidcheck/catch.h>

#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <string>

#include "tests/crdt/random_telemetry.h"

namespace deltamesh {
namespace {

using Ints = std::vector<std::int64_t>;
using Doubles = std::vector<double>;

constexpr std::int64_t kIntMin = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kIntMax = std::numeric_limits<std::int64_t>::max();

template <class Make>
auto series_of(std::size_t count, Make make) {
  std::vector<decltype(make(std::int64_t{0}))> values;
  for (std::size_t i = 0; i < count; ++i) values.push_back(make(static_cast<std::int64_t>(i)));
  return values;
}

// Steps of 0 to `range` - 1 that look like chance and are the same everywhere.
std::int64_t jitter(std::int64_t i, std::uint64_t range) {
  return static_cast<std::int64_t>(Random(static_cast<std::uint64_t>(i)).below(range));
}

Bytes int_column(const Ints& values, IntKind kind = IntKind::kPlain) {
  Bytes out;
  encode_ints(out, values, kind);
  return out;
}

Bytes double_column(const Doubles& values) {
  Bytes out;
  encode_doubles(out, values);
  return out;
}

std::vector<ByteView> views(const std::vector<std::string>& texts) {
  std::vector<ByteView> all;
  for (const std::string& text : texts) all.push_back(std::as_bytes(std::span(text)));
  return all;
}

Bytes text_column(const std::vector<std::string>& texts) {
  Bytes out;
  encode_texts(out, views(texts));
  return out;
}

unsigned codec_of(const Bytes& column) {
  return std::to_integer<unsigned>(column[0]) & 15;
}
unsigned scale_of(const Bytes& column) {
  return std::to_integer<unsigned>(column[0]) >> 4;
}

bool comes_back(const Ints& values, IntKind kind) {
  const Bytes column = int_column(values, kind);
  ByteView in = column;
  Ints decoded(values.size());
  return decode_ints(in, decoded).ok() && in.empty() && decoded == values;
}

bool comes_back(const Doubles& values) {
  const Bytes column = double_column(values);
  ByteView in = column;
  Doubles decoded(values.size());
  if (!decode_doubles(in, decoded).ok() || !in.empty()) return false;
  return std::equal(values.begin(), values.end(), decoded.begin(), [](double a, double b) {
    return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
  });
}

}  // namespace

TEST_CASE("integers get the smallest codec and the largest decimal scale", "[crdt][column]") {
  struct Row {
    const char* what;
    Ints values;
    IntKind kind;
    IntCodec codec;
    unsigned scale;
    std::size_t size_max;
  };
  const std::vector<Row> rows = {
      {"one value", {1'700'000'000'000}, IntKind::kTimes, IntCodec::kConstant, 11, 2},
      {"all equal", Ints(1000, -7), IntKind::kPlain, IntCodec::kConstant, 0, 2},
      {"a minute apart", series_of(1000, [](auto i) { return 1'700'000'000'123 + i * 60'000; }),
       IntKind::kTimes, IntCodec::kLinear, 4, 8},
      {"small steps, one jump", series_of(64, [](auto i) { return i / 2 + (i > 30 ? 1'000'000'000 : 0); }),
       IntKind::kPlain, IntCodec::kDeltas, 0, 72},
      {"a period and a rare delay",
       series_of(64, [](auto i) { return i * 1'007 + (i > 30 ? 1'000'000'001 : 0); }), IntKind::kTimes,
       IntCodec::kMedianDeltas, 0, 75},
      {"unordered small numbers", series_of(256, [](auto i) { return jitter(i, 200); }), IntKind::kPlain,
       IntCodec::kPacked, 0, 260},
      {"unordered thousands", series_of(256, [](auto i) { return 500 + 1000 * jitter(i, 16); }),
       IntKind::kPlain, IntCodec::kPacked, 3, 132},
      {"a slow climb", series_of(256, [](auto i) { return 100 * i + jitter(i, 4); }), IntKind::kPlain,
       IntCodec::kPackedDeltas, 0, 101},
      {"few distinct, far apart", series_of(256, [](auto i) { return jitter(i, 3) * 1'000'000'007; }),
       IntKind::kPlain, IntCodec::kDictionary, 0, 90},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    const Bytes column = int_column(row.values, row.kind);
    CHECK(codec_of(column) == static_cast<unsigned>(row.codec));
    CHECK(scale_of(column) == row.scale);
    CHECK(column.size() <= row.size_max);
    CHECK(comes_back(row.values, row.kind));
  }
}

TEST_CASE("doubles are found to be what they were born as", "[crdt][column]") {
  struct Row {
    const char* what;
    Doubles values;
    DoubleCodec codec;
    unsigned scale;
    std::size_t size_max;
  };
  const auto as_float = [](double value) { return static_cast<double>(static_cast<float>(value)); };
  const std::vector<Row> rows = {
      {"whole numbers", {3, 4, 5, -6}, DoubleCodec::kDecimal, 0, 7},
      {"two digits", {17.47, 13.5, 0.01, 102500.14}, DoubleCodec::kDecimal, 2, 16},
      {"the scale grows on the way", {1.0, 1.5, 1.25, 1.125, 1.0625}, DoubleCodec::kDecimal, 4, 13},
      {"decimals through a float",
       series_of(64, [&](auto i) { return as_float(18.0 + static_cast<double>(i) / 10); }),
       DoubleCodec::kFloatDecimal, 1, 6},
      {"floats", series_of(64, [&](auto i) { return as_float(1e-20 * static_cast<double>(i + 1)); }),
       DoubleCodec::kFloat, 0, 257},
      {"raw", series_of(64, [](auto i) { return std::sqrt(2.0 + static_cast<double>(i)); }),
       DoubleCodec::kRaw, 0, 513},
      {"few distinct raw",
       series_of(64, [](auto i) { return std::sqrt(2.0 + static_cast<double>(jitter(i, 4))); }),
       DoubleCodec::kDictionary, 0, 54},
      {"minus zero is no decimal", {-0.0, 1.0}, DoubleCodec::kFloat, 0, 9},
      {"infinities", {std::numeric_limits<double>::infinity(), 1e300}, DoubleCodec::kRaw, 0, 17},
      {"too many digits", {1e300}, DoubleCodec::kRaw, 0, 9},
      {"a denormal", {std::numeric_limits<double>::denorm_min()}, DoubleCodec::kRaw, 0, 9},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    const Bytes column = double_column(row.values);
    CHECK(codec_of(column) == static_cast<unsigned>(row.codec));
    CHECK(scale_of(column) == row.scale);
    CHECK(column.size() <= row.size_max);
    CHECK(comes_back(row.values));
  }
}

TEST_CASE("repeated texts become a dictionary, others stand plain", "[crdt][column]") {
  struct Row {
    std::vector<std::string> texts;
    TextCodec codec;
    std::size_t size;
  };
  const std::vector<Row> rows = {
      {{"a"}, TextCodec::kPlain, 3},
      {{"", "", "b"}, TextCodec::kPlain, 5},
      {{"running", "running", "stopped", "running"}, TextCodec::kDictionary, 22},
      {std::vector<std::string>(1000, "idle"), TextCodec::kDictionary, 9},
  };
  for (const Row& row : rows) {
    const Bytes column = text_column(row.texts);
    CHECK(codec_of(column) == static_cast<unsigned>(row.codec));
    CHECK(column.size() == row.size);
    ByteView in = column;
    std::vector<ByteView> decoded(row.texts.size());
    REQUIRE(decode_texts(in, decoded, 100).ok());
    CHECK(in.empty());
    const auto expected = views(row.texts);
    CHECK(std::equal(decoded.begin(), decoded.end(), expected.begin(), [](ByteView a, ByteView b) {
      return std::equal(a.begin(), a.end(), b.begin(), b.end());
    }));
    ByteView again = column;
    CHECK((row.texts[0].empty() || !decode_texts(again, decoded, row.texts[0].size() - 1).ok()));
  }
}

TEST_CASE("integers come back whatever they are", "[crdt][column]") {
  for (const Ints& values : std::vector<Ints>{{kIntMin},
                                              {kIntMin, kIntMax},
                                              {kIntMax, kIntMin, kIntMax, 0},
                                              {kIntMin, -1'000'000, 0, 1'000'000, kIntMax}}) {
    CHECK(comes_back(values, IntKind::kPlain));
    CHECK(comes_back(values, IntKind::kTimes));
  }
  rc::prop("any integers", [](const Ints& values, bool times, std::uint8_t digits) {
    RC_PRE(!values.empty());
    Ints scaled = values;
    for (auto& value : scaled)
      value = static_cast<std::int64_t>(static_cast<std::uint64_t>(value) * (digits % 2 ? 1 : 1000));
    RC_ASSERT(comes_back(scaled, times ? IntKind::kTimes : IntKind::kPlain));
  });
  rc::prop("numbers of every width", [](std::uint64_t seed) {
    Random random(seed);
    for (std::uint64_t shift = 0; shift < 64; ++shift) {
      Ints values;
      for (auto n = random.between(1, 80); n > 0; --n)
        values.push_back(static_cast<std::int64_t>(random.next() >> shift));
      RC_ASSERT(comes_back(values, random.chance(50) ? IntKind::kTimes : IntKind::kPlain));
    }
  });
}

TEST_CASE("doubles come back bit for bit", "[crdt][column]") {
  rc::prop("mixtures", [](std::uint64_t seed) {
    Random random(seed);
    for (SeriesNo habit = 5; habit <= 9; ++habit) {
      const auto other = static_cast<SeriesNo>(random.between(5, 9));
      Doubles values;
      for (auto n = random.between(1, 80); n > 0; --n)
        values.push_back(std::get<double>(random_value(random, random.chance(95) ? habit : other)));
      RC_ASSERT(comes_back(values));
    }
  });
  rc::prop("decimals of every scale", [](std::uint64_t seed) {
    Random random(seed);
    for (unsigned digits = 0; digits < 18; ++digits) {
      const double power = std::pow(10.0, digits);
      const auto shift = random.between(8, 63);
      Doubles values;
      for (auto n = random.between(1, 40); n > 0; --n)
        values.push_back(static_cast<double>(static_cast<std::int64_t>(random.next()) >> shift) / power);
      RC_ASSERT(comes_back(values));
    }
  });
}

}  // namespace deltamesh
