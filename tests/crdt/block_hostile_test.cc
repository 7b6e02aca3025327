// tests/crdt/block_hostile_test.cc - blocks from people who mean harm: refused with a reason, or meaningful.
#include <algorithm>
#include <catch2/catch.hpp>
#include <string>

#include "crdt/block.h"
#include "crdt/series_columns.h"
#include "tests/crdt/golden.h"
#include "tests/crdt/random_telemetry.h"

namespace deltamesh {
namespace {

// Whatever the bytes, every reader gives a result, and what it accepts can be encoded and is the same again.
void read_hostile(const Bytes& bytes) {
  const auto events = decode_block(bytes, kTestLimits);
  const auto summary = validate_block(bytes, kTestLimits);
  REQUIRE(events.ok() == summary.ok());
  const auto peeked = peek_block(bytes, kTestLimits);
  const auto times = block_times(bytes, kTestLimits);
  for (const SeriesNo series : peeked ? peeked->series : std::vector<SeriesNo>{})
    REQUIRE((block_column(bytes, series, kTestLimits).ok() || !events.ok()));
  if (peeked) REQUIRE((series_columns(bytes, peeked->series, kTestLimits).ok() || !events.ok()));
  if (!events) return;
  REQUIRE((peeked.ok() && times.ok()));
  const auto again = encode_block(*events, kTestLimits);
  REQUIRE((again.ok() || again.error().code == ErrorCode::kLimit));
  if (again) REQUIRE(same_events(*decode_block(*again, kTestLimits), *events));
}

Bytes mutated(Bytes bytes, Random& random) {
  for (auto n = random.between(1, 4); n > 0 && !bytes.empty(); --n) {
    const auto at = random.below(bytes.size());
    switch (random.below(5)) {
      case 0: bytes[at] = static_cast<std::byte>(random.below(256)); break;
      case 1: bytes[at] ^= static_cast<std::byte>(1u << random.below(8)); break;
      case 2: bytes.erase(bytes.begin() + static_cast<std::ptrdiff_t>(at)); break;
      case 3:
        bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                     static_cast<std::byte>(random.below(256)));
        break;
      default: bytes[at] = random.chance(50) ? std::byte{0xff} : std::byte{0}; break;
    }
  }
  return bytes;
}

ErrorCode refusal_of(const std::string& hex) {
  const auto events = decode_block(from_hex(hex), kTestLimits);
  REQUIRE_FALSE(events.ok());
  return events.error().code;
}

}  // namespace

TEST_CASE("mutilated blocks are refused or mean something, and never crash", "[crdt][block][hostile]") {
  Random random(20240517);
  for (int round = 0; round < 60; ++round) {
    const Bytes block = encoded(random_telemetry(random, random.between(1, 12)));
    for (int n = 0; n < 400; ++n) read_hostile(mutated(block, random));
  }
}

TEST_CASE("a block cut short or continued anywhere is refused", "[crdt][block][hostile]") {
  Random random(7);
  for (int round = 0; round < 10; ++round) {
    Bytes block = encoded(random_telemetry(random, random.between(1, 12)));
    for (std::size_t size = 0; size < block.size(); ++size)
      REQUIRE_FALSE(validate_block(ByteView(block).first(size), kTestLimits).ok());
    block.push_back(std::byte{0});
    REQUIRE_FALSE(validate_block(block, kTestLimits).ok());
  }
}

TEST_CASE("random bytes are refused or mean something, and never crash", "[crdt][block][hostile]") {
  Random random(11);
  for (int n = 0; n < 20000; ++n) {
    Bytes bytes(random.below(60));
    for (std::byte& byte : bytes)
      byte = static_cast<std::byte>(random.chance(50) ? random.below(4) : random.below(256));
    if (bytes.size() > 2) bytes[0] = std::byte{0}, bytes[1] = static_cast<std::byte>(random.below(8));
    read_hostile(bytes);
  }
}

TEST_CASE("each rule of the grammar is checked", "[crdt][block][hostile]") {
  struct Row {
    const char* what;
    std::string hex;
    ErrorCode code;
  };
  // One event of time 0 with series 1, an integer 0: header, times, directory, shapes, shape ids, values.
  const std::vector<Row> rows = {
      {"newer version", "01000101 0000 010902 010100 00 0000 0000", ErrorCode::kUnsupported},
      {"unknown flag", "00080101 0000 010902 01010000 0000 0000", ErrorCode::kUnsupported},
      {"no events", "00000001 0000 010902 01010000 0000 0000", ErrorCode::kInvalid},
      {"fewer readings than events", "00000201 0000 010902 01010000 0000 0000", ErrorCode::kInvalid},
      {"more readings than shapes hold", "00000102 0000 010902 01010000 0000 0000", ErrorCode::kInvalid},
      {"unknown type", "00000101 0000 010d02 01010000 0000 0000", ErrorCode::kUnsupported},
      {"no series", "00000101 0000 00 01010000 0000 0000", ErrorCode::kInvalid},
      {"series number beyond 32 bits", "00000101 0000 0181808080800102 01010000 0000 0000",
       ErrorCode::kInvalid},
      {"column longer than the block", "00000101 0000 010903 01010000 0000 0000", ErrorCode::kInvalid},
      {"column shorter than the rest", "00000101 0000 010901 01010000 0000 0000", ErrorCode::kInvalid},
      {"series that no event has", "00000102 0000 0209020102 01010000 0000 0000 0000", ErrorCode::kInvalid},
      {"no shapes", "00000101 0000 010902 00 0000 0000", ErrorCode::kInvalid},
      {"empty shape", "00000101 0000 010902 0100 0000 0000", ErrorCode::kInvalid},
      {"shape beyond the directory", "00000101 0000 010902 01010100 0000 0000", ErrorCode::kInvalid},
      {"run beyond the directory", "00000101 0000 010902 01010001 0000 0000", ErrorCode::kInvalid},
      {"shape that no event has", "00000202 0000 010902 0201000001 0000 0000 0000", ErrorCode::kInvalid},
      {"shape id beyond the table", "00000101 0000 010902 01010000 0002 0000", ErrorCode::kInvalid},
      {"bytes after a column", "00000101 0000 010903 01010000 0000 000000", ErrorCode::kInvalid},
      {"boolean of 2", "00000101 0000 010802 01010000 0000 0004", ErrorCode::kInvalid},
      {"boot beyond 32 bits", "00010101 0000 008080808040 010902 01010000 0000 0000", ErrorCode::kInvalid},
      {"unknown quality", "00020101 0000 0008 010902 01010000 0000 0000", ErrorCode::kInvalid},
  };
  const auto joined = [](std::string hex) {
    hex.erase(std::remove(hex.begin(), hex.end(), ' '), hex.end());
    return hex;
  };
  REQUIRE(decode_block(from_hex(joined("00000101 0000 010902 01010000 0000 0000")), kTestLimits).ok());
  for (const Row& row : rows) {
    CAPTURE(row.what);
    CHECK(refusal_of(joined(row.hex)) == row.code);
  }
}

}  // namespace deltamesh
