// tests/crdt/column_hostile_test.cc - columns that break their grammar, or come from a newer writer.
#include <catch2/catch.hpp>
#include <initializer_list>
#include <vector>

#include "crdt/column.h"

namespace deltamesh {
namespace {

using Ints = std::vector<std::int64_t>;
using Doubles = std::vector<double>;

ErrorCode int_refusal(const Bytes& column, std::size_t count) {
  ByteView in = column;
  Ints values(count);
  const Status done = decode_ints(in, values);
  REQUIRE_FALSE(done.ok());
  return done.error().code;
}

ErrorCode double_refusal(const Bytes& column, std::size_t count) {
  ByteView in = column;
  Doubles values(count);
  const Status done = decode_doubles(in, values);
  REQUIRE_FALSE(done.ok());
  return done.error().code;
}

Bytes bytes_of(std::initializer_list<unsigned> values) {
  Bytes bytes;
  for (const unsigned value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

}  // namespace

TEST_CASE("what a newer writer may add to columns is called unsupported, not malformed", "[crdt][column]") {
  for (unsigned codec = 7; codec < 16; ++codec)
    CHECK(int_refusal(bytes_of({codec, 0}), 1) == ErrorCode::kUnsupported);
  for (unsigned codec = 5; codec < 16; ++codec)
    CHECK(double_refusal(bytes_of({codec, 0}), 1) == ErrorCode::kUnsupported);
  CHECK(double_refusal(bytes_of({0x13, 0, 0, 0, 0, 0, 0, 0, 0}), 1) == ErrorCode::kUnsupported);
  CHECK(int_refusal(bytes_of({0x16, 1, 0, 0, 0, 0}), 2) == ErrorCode::kUnsupported);
}

TEST_CASE("malformed columns are refused", "[crdt][column]") {
  struct Row {
    const char* what;
    Bytes column;
    std::size_t count;
  };
  const std::vector<Row> rows = {
      {"nothing", {}, 1},
      {"no values", bytes_of({0, 0}), 0},
      {"constant cut short", bytes_of({0}), 1},
      {"varint not the shortest", bytes_of({0, 0x80, 0}), 1},
      {"varint beyond 64 bits", bytes_of({0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 2}), 1},
      {"deltas cut short", bytes_of({2, 0, 1, 1}), 4},
      {"width beyond 64", bytes_of({4, 0, 65, 0, 0, 0, 0, 0, 0, 0, 0, 0}), 1},
      {"packed cut short", bytes_of({4, 0, 8, 1}), 2},
      {"packed with stray bits", bytes_of({4, 0, 1, 0x04}), 2},
      {"dictionary of nothing", bytes_of({6, 0, 0, 0, 0, 0}), 2},
      {"dictionary larger than the column", bytes_of({6, 3, 0, 0, 0, 0}), 2},
      {"dictionary in a dictionary", bytes_of({6, 1, 6, 1, 0, 0, 0, 0}), 2},
      {"index beyond the dictionary", bytes_of({6, 1, 0, 0, 0, 2}), 2},
      {"negative index", bytes_of({6, 1, 0, 0, 0, 1}), 2},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    CHECK(int_refusal(row.column, row.count) == ErrorCode::kInvalid);
  }
}

TEST_CASE("malformed text columns are refused", "[crdt][column]") {
  struct Row {
    const char* what;
    Bytes column;
    ErrorCode code;
  };
  const std::vector<Row> rows = {
      {"nothing", {}, ErrorCode::kInvalid},
      {"unknown codec", bytes_of({2, 0, 0}), ErrorCode::kUnsupported},
      {"a scale", bytes_of({0x10, 0, 0}), ErrorCode::kUnsupported},
      {"text cut short", bytes_of({0, 0, 2, 'a'}), ErrorCode::kInvalid},
      {"text missing", bytes_of({0, 0}), ErrorCode::kInvalid},
      {"dictionary of nothing", bytes_of({1, 0, 0, 0, 0}), ErrorCode::kInvalid},
      {"dictionary larger than the column", bytes_of({1, 3, 0, 0, 0, 0, 0}), ErrorCode::kInvalid},
      {"index beyond the dictionary", bytes_of({1, 1, 0, 0, 2}), ErrorCode::kInvalid},
      {"unknown codec of indexes", bytes_of({1, 1, 0, 9, 0}), ErrorCode::kUnsupported},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    ByteView in = row.column;
    std::vector<ByteView> texts(2);
    const Status done = decode_texts(in, texts, 100);
    REQUIRE_FALSE(done.ok());
    CHECK(done.error().code == row.code);
  }
}

TEST_CASE("NaN is refused in every codec that could hold it", "[crdt][column]") {
  CHECK(double_refusal(bytes_of({3, 1, 0, 0, 0, 0, 0, 0xf0, 0x7f}), 1) == ErrorCode::kInvalid);
  CHECK(double_refusal(bytes_of({3, 0, 0, 0, 0, 0, 0, 0xf8, 0xff}), 1) == ErrorCode::kInvalid);
  CHECK(double_refusal(bytes_of({2, 0, 0, 0xc0, 0x7f}), 1) == ErrorCode::kInvalid);
  CHECK(double_refusal(bytes_of({4, 1, 2, 0, 0, 0xc0, 0x7f, 0, 0}), 2) == ErrorCode::kInvalid);
}

}  // namespace deltamesh
