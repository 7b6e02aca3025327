// tests/transport/reconnect_test.cc - links that break, and come back by themselves.
#include <catch2/catch.hpp>

#include "tests/support/tcp_proxy.h"
#include "tests/transport/few_descriptors.h"
#include "tests/transport/network.h"

namespace deltamesh::testing {
namespace {

using boost::asio::ip::tcp;

tcp::endpoint target(const Endpoint& endpoint) {
  return {boost::asio::ip::make_address(endpoint.host), endpoint.port};
}

// `peer` as it is reached through `proxy`.
Endpoint through(const TcpProxy& proxy, Endpoint peer) {
  peer.host = "127.0.0.1";
  peer.port = proxy.port();
  return peer;
}

const char* any_kind() {
  return GENERATE("tcp://127.0.0.1:0", "ws://127.0.0.1:0");
}

TEST_CASE("a node that was restarted at the same port is found again", "[transport]") {
  boost::asio::io_context io;
  TestNode a(io, 1), b(io, 2);
  const Endpoint address = a.listen(any_kind());
  b.dial(address);
  a.write(1);
  REQUIRE(run_until(io, [&] { return b.events() == 1; }));
  a.stop();
  b.write(2);
  REQUIRE(run_until(io, [&] { return b.driver().counters().dials_failed >= 3; }));
  a.start();
  a.listen(to_string(address));
  CHECK(run_until(io, [&] { return a.events() == 2; }));
}

TEST_CASE("a peer that is not there yet is dialled until it is", "[transport]") {
  boost::asio::io_context io;
  TestNode a(io, 1), b(io, 2);
  const Endpoint address = a.listen(any_kind());
  a.stop();
  b.dial(address);
  REQUIRE(run_until(io, [&] { return b.driver().counters().dials_failed >= 3; }));
  CHECK(b.logged(to_string(address) + ": Connection refused"));
  a.start();
  a.listen(to_string(address));
  a.write(1);
  CHECK(run_until(io, [&] { return b.events() == 1; }));
}

// Listens, and accepts nobody.
struct DeafDoor {
  explicit DeafDoor(boost::asio::io_context& io)
      : acceptor(io, {boost::asio::ip::address_v4::loopback(), 0}, false) {}
  [[nodiscard]] Endpoint at(Scheme scheme) const {
    return {scheme, "127.0.0.1", acceptor.local_endpoint().port(), scheme == Scheme::kTcp ? "" : "/sync"};
  }
  tcp::acceptor acceptor;
};

TEST_CASE("an address that drops what is sent to it is given up in time, again and again", "[transport]") {
  boost::asio::io_context io;
  DeafDoor door(io);
  door.acceptor.listen(0);
  // The kernel completes one connection more than the backlog, then drops requests.
  tcp::socket first(io), second(io);
  first.connect(door.acceptor.local_endpoint());
  second.async_connect(door.acceptor.local_endpoint(), [](boost::system::error_code) {});
  TestNode node(io, 1);
  DialerSettings settings;
  settings.connect_timeout = std::chrono::milliseconds(30);
  node.dial(door.at(Scheme::kTcp), settings);
  CHECK(run_until(io, [&] { return node.driver().counters().dials_failed >= 2; }));
  CHECK(node.logged("no answer in time"));
}

TEST_CASE("a dialer without descriptors says so, and dials when there are some", "[transport]") {
  boost::asio::io_context io;
  TestNode a(io, 1), b(io, 2);
  const Endpoint address = a.listen("tcp://127.0.0.1:0");
  {
    const FewDescriptors none(3);
    b.dial(address);
    REQUIRE(run_until(io, [&] { return b.driver().counters().dials_failed > 0; }));
    CHECK(b.logged("Too many open files"));
    CHECK_FALSE(b.logged("no answer in time"));
  }
  CHECK(run_until(io, [&] { return b.live_sessions() == 1; }));
}

TEST_CASE("a server that never answers the upgrade is given up in time", "[transport]") {
  boost::asio::io_context io;
  const DeafDoor door(io);
  TestNode node(io, 1);
  DialerSettings settings;
  settings.upgrade_timeout = std::chrono::milliseconds(30);
  node.dial(door.at(Scheme::kWebSocket), settings);
  CHECK(run_until(io, [&] { return node.driver().counters().dials_failed >= 2; }));
  CHECK(node.logged("no answer to the WebSocket upgrade in time"));
  CHECK(node.driver().counters().links_opened == 0);
}

TEST_CASE("a server that is no node is named with its HTTP status", "[transport]") {
  boost::asio::io_context io;
  TestNode a(io, 1), b(io, 2);
  Endpoint elsewhere = a.listen("ws://127.0.0.1:0");
  elsewhere.path = "/other";
  b.dial(elsewhere);
  CHECK(run_until(io, [&] { return b.logged("upgrade with HTTP status 404"); }));
}

TEST_CASE("a dialer that is stopped leaves its link and makes no other", "[transport]") {
  boost::asio::io_context io;
  TestNode a(io, 1), b(io, 2);
  TcpProxy proxy(io, target(a.listen("tcp://127.0.0.1:0")));
  Dialer& dialer = b.dial({Scheme::kTcp, "127.0.0.1", proxy.port(), ""});
  REQUIRE(run_until(io, [&] { return b.live_sessions() == 1; }));
  dialer.stop();
  a.write(1);
  CHECK(run_until(io, [&] { return b.events() == 1; }));
  proxy.cut();
  REQUIRE(run_until(io, [&] { return b.driver().counters().links_closed == 1; }));
  proxy.mend();
  CHECK_FALSE(run_until(
      io, [&] { return b.driver().counters().links_opened > 1; }, std::chrono::milliseconds(300)));
}

TEST_CASE("a link that was cut is made again, and nothing is lost", "[transport]") {
  boost::asio::io_context io;
  TestNode a(io, 1), b(io, 2);
  const Endpoint address = a.listen(any_kind());
  TcpProxy proxy(io, target(address));
  b.dial(through(proxy, address));
  for (int round = 1; round <= 5; ++round) {
    a.write(round);
    b.write(-round);
    proxy.cut();
    a.write(round + 0.5);
    REQUIRE(run_until(io, [&] { return a.live_sessions() == 0 && b.live_sessions() == 0; }));
    proxy.mend();
    const auto total = static_cast<std::uint64_t>(round) * 3;
    REQUIRE(run_until(io, [&] { return a.events() == total && b.events() == total; }));
  }
  CHECK(b.driver().counters().links_opened >= 5);
}

TEST_CASE("a half-open link is found by its silence, and replaced", "[transport]") {
  boost::asio::io_context io;
  NodeConfig config = test_config();
  config.keepalive = std::chrono::seconds(1);
  TestNode a(io, 1, config), b(io, 2, config);
  const Endpoint address = a.listen("tcp://127.0.0.1:0");
  const Endpoint web = a.listen("ws://127.0.0.1:0");
  TcpProxy wire(io, target(address)), web_wire(io, target(web));
  b.dial(through(wire, address));
  b.dial(through(web_wire, web));
  REQUIRE(run_until(io, [&] { return b.live_sessions() == 2; }));
  wire.hold();
  web_wire.hold();
  const auto none = [](TestNode& node) {
    return node.live_sessions() == 0 && node.logged("the link is dead");
  };
  REQUIRE(run_until(io, [&] { return none(a) && none(b); }));
  a.write(1);
  wire.cut();
  web_wire.cut();
  wire.mend();
  web_wire.mend();
  CHECK(run_until(io, [&] { return b.events() == 1; }));
}

}  // namespace
}  // namespace deltamesh::testing
