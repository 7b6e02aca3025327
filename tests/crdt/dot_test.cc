// tests/crdt/dot_test.cc - identities as text, and dataset ids.
#include "crdt/dot.h"

#include <catch2/catch.hpp>

namespace deltamesh {

TEST_CASE("an identity survives its hex digits, in either case", "[crdt][dot]") {
  const std::string text = "00ff0123456789abcdef00000000007f";
  const auto bytes = parse_hex128(text);
  REQUIRE(bytes);
  CHECK((*bytes)[1] == 0xFF);
  CHECK((*bytes)[15] == 0x7F);
  CHECK(hex(*bytes) == text);
  CHECK(parse_hex128("00FF0123456789ABCDEF00000000007F") == bytes);
}

TEST_CASE("text that is not exactly 32 hex digits is no identity", "[crdt][dot]") {
  CHECK_FALSE(parse_hex128(""));
  CHECK_FALSE(parse_hex128(std::string(31, '0')));
  CHECK_FALSE(parse_hex128(std::string(33, '0')));
  CHECK_FALSE(parse_hex128(std::string(31, '0') + "g"));
  CHECK_FALSE(parse_hex128(std::string(31, '0') + " "));
  CHECK_FALSE(parse_hex128("0x" + std::string(30, '0')));
}

TEST_CASE("a dataset's id is the hash of its name, the same on every machine", "[crdt][dot]") {
  CHECK(dataset_id("telemetry") == dataset_id("telemetry"));
  CHECK_FALSE(dataset_id("telemetry") == dataset_id("settings"));
  CHECK(static_cast<std::uint64_t>(dataset_id("")) == 0x2D06800538D394C2u);  // XXH3-64 of no bytes.
}

}  // namespace deltamesh
