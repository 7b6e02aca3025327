// tests/benchmarks/iproto_rows_test.cc - rows are counted on the wire, however it cuts them.
#include "benchmarks/iproto_rows.h"

#include <catch2/catch.hpp>

namespace deltamesh::bench {
namespace {

using namespace std::string_literals;

// As Tarantool 2.6 sends them: an insert with a header of 4 keys and one of 5, and a heartbeat.
const std::string kInsert =
    "\xce\0\0\0\x22"
    "\x84\0\x02\x02\x03\x03\x05\x04\xcb\x41\xda\xc3\x29\x01\xa1\xb6\xae"
    "\x82\x10\xcd\x02\0\x21\x94\x02\x05\0\xcb\x40\x34\x4d\xbb\xb9\x52"s;
const std::string kLastOfMany = "\xce\0\0\0\x0a\x85\0\x02\x02\x01\x03\x07\x08\x63\x09"s;
const std::string kHeartbeat = "\xce\0\0\0\x06\x83\0\0\x02\x01\x04"s;
const std::string kGreeting(128, 'T');

std::uint64_t fed_by(std::size_t piece, const std::string& bytes) {
  IprotoRows rows;
  std::uint64_t count = 0;
  for (std::size_t at = 0; at < bytes.size(); at += piece) count += rows.feed(bytes.substr(at, piece));
  return count;
}

TEST_CASE("the inserts after the greeting are rows, in whatever pieces they come", "[benchmarks]") {
  const auto piece = GENERATE(as<std::size_t>(), 1, 7, 100, 10'000);
  CHECK(fed_by(piece, kGreeting + kInsert + kHeartbeat + kLastOfMany + kInsert) == 3);
  CHECK(fed_by(piece, kGreeting + kHeartbeat) == 0);
}

TEST_CASE("a row that has not ended is not counted yet", "[benchmarks]") {
  const std::string all = kGreeting + kInsert;
  CHECK(fed_by(all.size(), all.substr(0, all.size() - 1)) == 0);
}

TEST_CASE("after bytes that are no packet nothing is counted", "[benchmarks]") {
  IprotoRows rows;
  CHECK(rows.feed(kGreeting + kInsert + "HTTP/1.1 200 OK") == 1);
  CHECK(rows.feed(kInsert) == 0);
}

}  // namespace
}  // namespace deltamesh::bench
