// tests/transport/replication_test.cc - what is written at one node becomes durable at the others.
#include <catch2/catch.hpp>

#include "tests/transport/network.h"

namespace deltamesh::testing {
namespace {

const std::vector<std::string>& kinds() {
  static const std::vector<std::string> all{"tcp://127.0.0.1:0", "ws://127.0.0.1:0", "tcp://[::1]:0",
                                            "ws://[::1]:0"};
  return all;
}

std::vector<std::string> kinds_here() {
  auto kept = kinds();
  if (!has_ipv6()) kept.resize(2);
  return kept;
}

TEST_CASE("events and settings cross a link both ways, whatever carries it", "[transport]") {
  for (const auto& address : kinds_here()) {
    CAPTURE(address);
    boost::asio::io_context io;
    TestNode a(io, 1), b(io, 2);
    b.dial(a.listen(address));
    a.write(1);
    b.write(2);
    a.put("interval", "60");
    b.put("name", "greenhouse");
    CHECK(run_until(io, [&] { return a.events() == 2 && b.events() == 2; }));
    CHECK(run_until(io, [&] { return b.value("interval") == "60" && a.value("name") == "greenhouse"; }));
    CHECK(a.writes_done() == 2);
    CHECK(b.writes_done() == 2);
  }
}

TEST_CASE("what is written while a link stands follows at once", "[transport]") {
  for (const auto& address : kinds_here()) {
    CAPTURE(address);
    boost::asio::io_context io;
    TestNode a(io, 1), b(io, 2);
    b.dial(a.listen(address));
    REQUIRE(run_until(io, [&] { return a.live_sessions() == 1 && b.live_sessions() == 1; }));
    for (int i = 1; i <= 20; ++i) {
      a.write(i);
      REQUIRE(run_until(io, [&] { return b.events() == static_cast<std::uint64_t>(i); }));
    }
  }
}

TEST_CASE("frames far larger than any buffer arrive whole", "[transport]") {
  for (const auto& address : kinds_here()) {
    CAPTURE(address);
    boost::asio::io_context io;
    TestNode a(io, 1), b(io, 2);
    std::string large(200'000, 'x');
    for (std::size_t i = 0; i < large.size(); i += 7) large[i] = static_cast<char>('a' + i % 26);
    for (int key = 0; key < 10; ++key) a.put("config-" + std::to_string(key), large);
    b.dial(a.listen(address));
    REQUIRE(run_until(io, [&] { return b.value("config-9").has_value(); }));
    for (int key = 0; key < 10; ++key) CHECK(b.value("config-" + std::to_string(key)) == large);
  }
}

TEST_CASE("more than the credit of a session flows through one link", "[transport]") {
  for (const auto& address : {kinds()[0], kinds()[1]}) {
    CAPTURE(address);
    boost::asio::io_context io;
    TestNode a(io, 1), b(io, 2);
    const std::string large(250'000, 'x');
    const int keys = static_cast<int>(limits::kCreditBytes / large.size()) + 20;
    int stored = 0;
    for (int key = 0; key < keys; ++key) {
      a.put(std::to_string(key), large);
      REQUIRE(run_until(io, [&] { return a.writes_done() == static_cast<std::uint64_t>(key) + 1; }));
    }
    b.dial(a.listen(address));
    const auto all_there = [&] {
      while (stored < keys && b.value(std::to_string(stored))) ++stored;
      return stored == keys;
    };
    CHECK(run_until(io, all_there));
    CHECK(a.driver().counters().queues_overflowed == 0);
  }
}

TEST_CASE("a ring with both kinds of links converges, and each event is there once", "[transport]") {
  boost::asio::io_context io;
  TestNode a(io, 1), b(io, 2), c(io, 3);
  b.dial(a.listen("tcp://127.0.0.1:0"));
  c.dial(b.listen("ws://127.0.0.1:0"));
  a.dial(c.listen("tcp://127.0.0.1:0"));
  for (int i = 0; i < 50; ++i) {
    for (TestNode* const node : {&a, &b, &c}) node->write(i);
  }
  CHECK(run_until(io, [&] { return a.events() == 150 && b.events() == 150 && c.events() == 150; }));
  CHECK(run_until(io, [&] { return b.live_sessions() == 2; }));
}

TEST_CASE("a name is resolved, and one of its addresses answers", "[transport]") {
  boost::asio::io_context io;
  TestNode a(io, 1), b(io, 2);
  Endpoint peer = a.listen("ws://127.0.0.1:0");
  peer.host = "localhost";
  b.dial(peer);
  a.write(1);
  CHECK(run_until(io, [&] { return b.events() == 1; }));
}

TEST_CASE("arrivals are told, local and remote, once durable", "[transport]") {
  boost::asio::io_context io;
  TestNode a(io, 1), b(io, 2);
  std::uint64_t local = 0, remote = 0;
  b.driver().on_arrival([&](const Arrival& arrival) {
    if (arrival.dots) (arrival.local ? local : remote) += arrival.dots->size();
  });
  b.dial(a.listen("tcp://127.0.0.1:0"));
  for (int i = 0; i < 5; ++i) a.write(i);
  b.write(9);
  CHECK(run_until(io, [&] { return remote == 5 && local == 1; }));
  CHECK(b.events() == 6);
}

}  // namespace
}  // namespace deltamesh::testing
