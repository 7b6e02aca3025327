// tests/crdt/map_entry_test.cc - the bytes of a map entry in a frame.
#include <catch2/catch.hpp>
#include <limits>

#include "crdt/lww_map.h"
#include "crdt/varint.h"
#include "tests/crdt/generators.h"
#include "tests/crdt/golden.h"

namespace deltamesh {
namespace {

constexpr MapEntryLimits kLimits{16, 32, 2};

struct Ranked {
  std::uint32_t rank = 0;
  MapEntry entry;
  friend bool operator==(const Ranked&, const Ranked&) = default;
};

Ranked ranked(std::uint32_t rank, Seq seq, std::uint32_t epoch, std::uint64_t stamp, std::string key,
              std::optional<std::string> value) {
  Ranked out;
  out.rank = rank;
  out.entry.version.dot.seq = seq;
  out.entry.version.epoch = epoch;
  out.entry.version.stamp.bits = stamp;
  out.entry.key = std::move(key);
  out.entry.tombstone = !value;
  out.entry.value = value.value_or("");
  return out;
}

Bytes encoded(const Ranked& ranked) {
  Bytes bytes;
  encode_map_entry(bytes, ranked.entry, ranked.rank);
  return bytes;
}

Result<Ranked> decoded(const Bytes& bytes) {
  std::optional<std::uint32_t> rank;
  ByteView in = bytes;
  auto entry = decode_map_entry(in, rank, kLimits);
  if (!entry) return entry.error();
  if (!in.empty()) return Error{ErrorCode::kInvalid, "bytes left over"};
  return Ranked{*rank, *std::move(entry)};
}

Ranked with_past(bool untrusted, MapPast past) {
  Ranked out = ranked(1, 2, 0, 2, "k", "v");
  out.entry.untrusted = untrusted;
  out.entry.past = std::move(past);
  return out;
}

const std::map<std::string, Ranked>& golden_entries() {
  static const std::map<std::string, Ranked> kEntries = {
      {"put", ranked(3, 300, 0, 0x018BCFE568000001, "fan/speed", "40")},
      {"removal", ranked(0, 1, 0, 1, "fan/speed", std::nullopt)},
      {"empty value", ranked(1, 2, 0, 2, "k", "")},
      {"repaired", ranked(1, 2, 1, 0xFFFFFFFFFFFFFFFF, "k", "v")},
      {"untrusted", with_past(true, {})},
      {"past", with_past(true, {{300}, {{0x1122334455667788, 5}}})},
      {"past of a trusted clock", with_past(false, {{}, {{0x1122334455667788, 5}}})},
      {"largest", ranked(0xFFFFFFFF, kSeqMax, 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF, "gr\xC3\xBC\xC3\x9F", "\xFF")},
  };
  return kEntries;
}

}  // namespace

TEST_CASE("bytes of map entries, version 0, never change", "[crdt][map_entry][format]") {
  const auto golden = golden_cases("map_entry_v0.hex");
  CHECK(golden.size() == golden_entries().size());
  for (const auto& [name, entry] : golden_entries()) {
    CAPTURE(name);
    REQUIRE(golden.count(name) == 1);
    CHECK(to_hex(encoded(entry)) == golden.at(name));
    const auto back = decoded(from_hex(golden.at(name)));
    REQUIRE(back);
    CHECK(*back == entry);
  }
}

TEST_CASE("entries follow one another in a frame and each takes its own bytes", "[crdt][map_entry][format]") {
  Bytes frame;
  for (const auto& [name, entry] : golden_entries()) encode_map_entry(frame, entry.entry, entry.rank);
  ByteView in = frame;
  for (const auto& [name, entry] : golden_entries()) {
    std::optional<std::uint32_t> rank;
    const auto back = decode_map_entry(in, rank, kLimits);
    REQUIRE(back);
    CHECK(*back == entry.entry);
    CHECK(rank == entry.rank);
  }
  CHECK(in.empty());
}

TEST_CASE("an entry without a rank is of the stream of the one before", "[crdt][map_entry][format]") {
  const Ranked put = golden_entries().at("put");
  Bytes bytes;
  encode_map_entry(bytes, put.entry, std::nullopt);
  CHECK(bytes.size() == map_entry_bytes(put.entry));
  std::optional<std::uint32_t> rank = 9;
  ByteView in = bytes;
  const auto back = decode_map_entry(in, rank, kLimits);
  REQUIRE(back);
  CHECK(*back == put.entry);
  CHECK(rank == 9u);
}

TEST_CASE("the size of an entry is that of its bytes without the rank", "[crdt][map_entry][format]") {
  for (const auto& [name, entry] : golden_entries()) {
    CAPTURE(name);
    CHECK(map_entry_bytes(entry.entry) == encoded(entry).size() - varint_size(entry.rank));
  }
}

TEST_CASE("an entry cut short at any byte is refused", "[crdt][map_entry][format]") {
  for (const auto& [name, entry] : golden_entries()) {
    const Bytes whole = encoded(entry);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      CAPTURE(name, size);
      const auto back = decoded(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)));
      REQUIRE_FALSE(back);
      CHECK(back.error().code == ErrorCode::kInvalid);
    }
  }
}

TEST_CASE("an entry that breaks a rule of its format is refused with a reason", "[crdt][map_entry][format]") {
  struct Row {
    std::string bytes;
    ErrorCode code;
    const char* reason;
  };
  const std::string stamp = "0100000000000000";
  const auto row = GENERATE_COPY(values<Row>({
      {"0001" + stamp + "016b0176", ErrorCode::kInvalid, "without a stream"},
      {"9000" + stamp + "016b0176", ErrorCode::kInvalid, "flags cut short or not canonical"},
      {"100000" + stamp + "016b0176", ErrorCode::kInvalid, "number 0"},
      {"300001" + stamp + "016b0176", ErrorCode::kUnsupported, "flags 48"},
      {"310001" + stamp + "016b00", ErrorCode::kUnsupported, "flags 49"},
      {"18000100" + stamp + "016b0176", ErrorCode::kInvalid, "epoch of 0"},
      {"140001" + stamp + "0000016b0176", ErrorCode::kInvalid, "past without contents"},
      {"140001" + stamp + "0100016b0176", ErrorCode::kInvalid, "trusted clock with a stamp"},
      {"140001" + stamp + "0001000000000000000000016b0176", ErrorCode::kInvalid, "number 0"},
      {"140001" + stamp + "000200000000000000000100000000000000" + "0002016b0176", ErrorCode::kInvalid,
       "names a stream twice"},
      {"140001" + stamp + "0003", ErrorCode::kLimit, "past of 3 writes, at most 2"},
      {"110001" + stamp + "016b0176", ErrorCode::kInvalid, "tombstone with a value"},
      {"100001" + stamp + "000176", ErrorCode::kInvalid, "empty key"},
      {"100001" + stamp + "02c3280176", ErrorCode::kInvalid, "not UTF-8"},
      {"100001" + stamp + "81006b0176", ErrorCode::kInvalid, "key"},         // Length not canonical.
      {"10ffffffff1f01" + stamp + "016b00", ErrorCode::kInvalid, "stream"},  // Above 32 bits.
      {"180001ffffffff1f" + stamp + "016b00", ErrorCode::kInvalid, "head"},  // So is the epoch.
      {"100001" + stamp + "ffffffffffffffffff016b", ErrorCode::kInvalid, "key"},
  }));
  CAPTURE(row.bytes);
  const auto back = decoded(from_hex(row.bytes));
  REQUIRE_FALSE(back);
  CHECK(back.error().code == row.code);
  CHECK_THAT(back.error().text, Catch::Contains(row.reason));
}

TEST_CASE("keys and values are accepted up to their limits", "[crdt][map_entry][format]") {
  const auto sized = [](std::size_t key, std::size_t value) {
    return decoded(encoded(ranked(0, 1, 0, 1, std::string(key, 'k'), std::string(value, 'v'))));
  };
  CHECK(sized(kLimits.key_bytes_max, kLimits.value_bytes_max));
  CHECK_FALSE(sized(kLimits.key_bytes_max + 1, 0));
  CHECK_FALSE(sized(1, kLimits.value_bytes_max + 1));
}

TEST_CASE("whatever is accepted as a map entry is what encode writes", "[crdt][map_entry][format]") {
  std::size_t accepted = 0;
  for (std::uint64_t seed = 0; seed < 20'000; ++seed) {
    Random random(seed);
    Bytes bytes = encoded(golden_entries().at("put"));
    for (std::uint64_t n = random.between(1, 3); n > 0; --n) {
      bytes[random.below(bytes.size())] = static_cast<std::byte>(random.below(256));
    }
    const auto back = decoded(bytes);
    if (!back) continue;
    ++accepted;
    REQUIRE(encoded(*back) == bytes);
  }
  CHECK(accepted > 1'000);
}

}  // namespace deltamesh
