// tests/transport/hostile_test.cc - strangers at a TCP door, or at any: refused, counted, gone, and nobody
// else notices.
#include <catch2/catch.hpp>

#include "engine/codec.h"
#include "tests/transport/few_descriptors.h"
#include "tests/transport/hostile_scene.h"
#include "tests/transport/raw_peer.h"

namespace deltamesh::testing {
namespace {

std::string head(FrameType type, bool optional, bool has_control, std::uint32_t payload) {
  Bytes out;
  put_head(out, {type, optional, has_control, payload});
  return as_text(out);
}

TEST_CASE("a TCP stranger that speaks nonsense is told so, counted and closed", "[transport][hostile]") {
  Scene scene;
  std::uint64_t refused = 0;
  for (const std::string& nonsense : {
           std::string("GET / HTTP/1.1\r\nHost: node\r\n\r\n"),
           std::string(5'000, '\xff'),
           std::string("\x01\xff\xff\xff"),
           head(FrameType::kHello, false, true, limits::kFrameBytesMax + 1),
           head(FrameType::kHello, false, true, 4) + "\4abc",
           head(FrameType::kHello, false, true, 9) + "\10notcapnp",
           head(FrameType{31}, false, false, 0),
           as_text(encode(message::Ping{})),
       }) {
    CAPTURE(nonsense.substr(0, 40));
    RawPeer stranger(scene.io, scene.tcp);
    stranger.send(nonsense);
    CHECK(scene.ends(stranger));
    CHECK(scene.node.counters().handshakes_refused == ++refused);
  }
  CHECK(run_until(scene.io, [&] { return scene.counted().links_closed == refused; }));
  scene.check_unharmed();
}

TEST_CASE("a refused stranger hears the reason before the end", "[transport][hostile]") {
  Scene scene;
  RawPeer stranger(scene.io, scene.tcp);
  stranger.send("\x01\xff\xff\xff" + std::string(200'000, 'x'));
  CHECK(scene.ends(stranger));
  CHECK_THAT(goodbye_in(stranger.heard()),
             Catch::Contains("payload of 2097152 or more bytes, at most 1048576"));
}

TEST_CASE("a stream that ends within a frame is counted as truncated", "[transport][hostile]") {
  Scene scene;
  RawPeer stranger(scene.io, scene.tcp);
  stranger.send(head(FrameType::kHello, false, true, 1000) + "only this");
  stranger.finish_sending();
  CHECK(scene.ends(stranger));
  CHECK(run_until(scene.io, [&] { return scene.node.logged("the connection ended within a frame"); }));
  CHECK(scene.counted().frames_truncated == 1);
  scene.check_unharmed();
}

TEST_CASE("a frame that no peer knows of is skipped in the midst of a session", "[transport][hostile]") {
  Scene scene;
  RawPeer stranger(scene.io, scene.tcp);
  stranger.send(agreeable_greeting() + head(FrameType{31}, true, false, 3) + "abc" +
                as_text(encode(message::Ping{})));
  const auto pong = as_text(encode(message::Pong{}));
  CHECK(run_until(scene.io, [&] { return !stranger.ended() && stranger.heard().ends_with(pong); }));
  CHECK(scene.node.counters().frames_refused == 0);
}

TEST_CASE("a peer that asks and never reads is cut off at the bound of its queue", "[transport][hostile]") {
  Scene scene;
  RawPeer stranger(scene.io, scene.tcp);
  stranger.send(agreeable_greeting());
  std::string pings;
  for (int i = 0; i < 5'000; ++i) pings += as_text(encode(message::Ping{}));
  std::size_t sent = 0;
  const auto cut_off = [&] {
    sent = (sent + stranger.send_some(std::string_view(pings).substr(sent))) % pings.size();
    return scene.counted().queues_overflowed == 1;
  };
  CHECK(run_until(scene.io, cut_off));
  CHECK(run_until(scene.io, [&] { return scene.counted().links_closed == 1; }));
  scene.check_unharmed();
}

TEST_CASE("a stranger that is refused and stays is cut off after a while", "[transport][hostile]") {
  Scene scene;
  RawPeer on_tcp(scene.io, scene.tcp), on_web(scene.io, scene.web);
  on_tcp.send("GET / HTTP/1.1\r\n\r\n");
  on_web.send(upgrade_request("/sync"));
  REQUIRE(run_until(scene.io, [&] { return !on_web.ended() && !on_web.heard().empty(); }));
  on_web.send(websocket_message(2, "not a frame"));
  CHECK(run_until(scene.io, [&] { return scene.counted().links_closed == 2; }));
  scene.check_unharmed();
}

TEST_CASE("a stranger that asks for no upgrade is cut off after a while", "[transport][hostile]") {
  ListenerSettings settings;
  settings.upgrade_timeout = std::chrono::milliseconds(50);
  Scene scene(settings);
  RawPeer silent(scene.io, scene.web), slow(scene.io, scene.web);
  slow.send("GET /sync HT");
  CHECK(scene.ends(silent));
  CHECK(scene.ends(slow));
  CHECK(scene.counted().links_opened == 1);
  CHECK(scene.counted().upgrades_refused == 2);
  CHECK(run_until(scene.io, [&] { return scene.node.logged(": no WebSocket upgrade in time"); }));
  scene.check_unharmed();
}

TEST_CASE("connections over the bound are turned away, and there is room again later",
          "[transport][hostile]") {
  ListenerSettings settings;
  settings.links_max = 2;
  Scene scene(settings);
  auto first = std::make_unique<RawPeer>(scene.io, scene.tcp);
  RawPeer second(scene.io, scene.tcp), third(scene.io, scene.tcp);
  CHECK(scene.ends(third));
  CHECK(scene.counted().connections_refused == 1);
  first.reset();
  REQUIRE(run_until(scene.io, [&] { return scene.counted().links_closed == 1; }));
  RawPeer fourth(scene.io, scene.tcp);
  fourth.send(agreeable_greeting());
  CHECK(run_until(scene.io, [&] { return scene.node.live_sessions() == 2; }));
  CHECK_FALSE(second.ended());
}

TEST_CASE("without descriptors a listener waits, and accepts when there are some", "[transport][hostile]") {
  Scene scene;
  RawPeer stranger(scene.io, scene.tcp);
  stranger.send(agreeable_greeting());
  {
    const FewDescriptors none(3);
    REQUIRE(run_until(scene.io, [&] { return scene.counted().accepts_failed > 0; }));
    const auto waits_until = std::chrono::steady_clock::now() + limits::kAcceptRetry / 2;
    run_until(scene.io, [&] { return std::chrono::steady_clock::now() > waits_until; });
    CHECK(scene.counted().accepts_failed <= 2);
  }
  CHECK(run_until(scene.io, [&] { return scene.node.live_sessions() == 2; }));
  scene.check_unharmed();
}

TEST_CASE("an address that is open to others is refused, or warned of", "[transport]") {
  boost::asio::io_context io;
  TestNode node(io, 1);
  ListenerSettings settings;
  settings.addresses = {*parse_listen("tcp://0.0.0.0:0")};
  CHECK_THAT(Listener::start(node.driver(), settings).error().text, Catch::Contains("insecure = true"));
  node.listen("tcp://0.0.0.0:0", [] {
    ListenerSettings insecure;
    insecure.insecure = true;
    return insecure;
  }());
  CHECK(node.logged("is open to others, and not encrypted"));
}

TEST_CASE("an address that is taken is named in the error", "[transport]") {
  boost::asio::io_context io;
  TestNode node(io, 1);
  const Endpoint taken = node.listen("tcp://127.0.0.1:0");
  ListenerSettings settings;
  settings.addresses = {taken};
  CHECK_THAT(Listener::start(node.driver(), settings).error().text,
             Catch::Contains(to_string(taken)) && Catch::Contains("Address already in use"));
}

}  // namespace
}  // namespace deltamesh::testing
