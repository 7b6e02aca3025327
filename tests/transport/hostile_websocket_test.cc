// tests/transport/hostile_websocket_test.cc - strangers at a WebSocket door: refused, counted, gone.
#include <catch2/catch.hpp>
#include <utility>

#include "engine/codec.h"
#include "tests/transport/hostile_scene.h"

namespace deltamesh::testing {
namespace {

TEST_CASE("requests that are no upgrade get an HTTP answer", "[transport][hostile]") {
  struct Row {
    std::string request, answer;
  };
  const std::string plain = "GET /sync HTTP/1.1\r\nHost: node\r\n\r\n";
  const auto row = GENERATE_REF(values<Row>({
      {plain, "HTTP/1.1 426 "},
      {upgrade_request("/"), "HTTP/1.1 404 "},
      {upgrade_request("/sync/"), "HTTP/1.1 404 "},
      {upgrade_request("/sync") + "early", "HTTP/1.1 400 "},
  }));
  Scene scene;
  RawPeer stranger(scene.io, scene.web);
  stranger.send(row.request);
  CHECK(scene.ends(stranger));
  CHECK_THAT(stranger.heard(), Catch::StartsWith(row.answer));
  CHECK(scene.counted().upgrades_refused == 1);
  CHECK(run_until(scene.io, [&] { return scene.node.logged("ws from 127.0.0.1:"); }));
  CHECK(scene.node.logged(": refused: "));
  scene.check_unharmed();
}

TEST_CASE("a WebSocket door closes on what is not HTTP", "[transport][hostile]") {
  Scene scene;
  std::uint64_t refused = 0;
  for (const std::string& nonsense : {
           agreeable_greeting(),
           std::string(5'000, '\xff'),
           "GET /sync HTTP/1.1\r\nX: " + std::string(100'000, 'x'),
       }) {
    RawPeer stranger(scene.io, scene.web);
    stranger.send(nonsense);
    CHECK(scene.ends(stranger));
    CHECK(scene.counted().upgrades_refused == ++refused);
  }
  scene.check_unharmed();
}

TEST_CASE("strangers at a WebSocket door cannot fill the log", "[transport][hostile]") {
  Scene scene;
  std::uint64_t strangers = 0;
  while (scene.counted().log_lines_suppressed == 0 && strangers < 10'000) {
    RawPeer stranger(scene.io, scene.web);
    stranger.send("nonsense\r\n\r\n");
    REQUIRE(scene.ends(stranger));
    CHECK(scene.counted().upgrades_refused == ++strangers);
  }
  CHECK(scene.counted().log_lines_suppressed > 0);
  CHECK(scene.node.logged("no HTTP request"));
}

TEST_CASE("a text message is refused, whatever it says", "[transport][hostile]") {
  Scene scene;
  RawPeer stranger(scene.io, scene.web);
  stranger.send(upgrade_request("/sync"));
  REQUIRE(run_until(scene.io, [&] { return !stranger.ended() && !stranger.heard().empty(); }));
  stranger.send(websocket_message(1, as_text(encode(message::Ping{}))));
  stranger.finish_sending();
  CHECK(scene.ends(stranger));
  CHECK(scene.counted().messages_refused == 1);
  CHECK(run_until(scene.io, [&] { return scene.node.logged("the peer sent a text message"); }));
  scene.check_unharmed();
}

TEST_CASE("a peer that closes at any moment meets a node that closes as well", "[transport][hostile]") {
  const std::string close = websocket_message(8, "");
  const std::string greeting = websocket_message(2, agreeable_greeting());
  const std::string bad = websocket_message(2, "not a frame");
  const std::string text = websocket_message(1, "text");
  Scene scene;
  std::uint64_t closed = 0;
  for (const std::string& sequence :
       {close, close + close, bad + close, text + close, close + bad, bad + bad + close, text + text,
        greeting + close, bad + greeting, text + bad.substr(0, 5)}) {
    RawPeer stranger(scene.io, scene.web);
    stranger.send(upgrade_request("/sync"));
    REQUIRE(run_until(scene.io, [&] { return !stranger.ended() && !stranger.heard().empty(); }));
    stranger.send(sequence);
    stranger.finish_sending();
    CHECK(scene.ends(stranger));
    CHECK(run_until(scene.io, [&] { return scene.counted().links_closed == closed + 1; }));
    ++closed;
  }
  scene.check_unharmed();
}

TEST_CASE("a binary message must be exactly one frame", "[transport][hostile]") {
  const std::string ping = as_text(encode(message::Ping{}));
  const std::string message = GENERATE_REF(std::string(), std::string("abc"), ping + "x", ping + ping,
                                           std::string("\x01\x7f"), std::string("\x01\xff\xff\xff"));
  Scene scene;
  RawPeer stranger(scene.io, scene.web);
  stranger.send(upgrade_request("/sync"));
  REQUIRE(run_until(scene.io, [&] { return !stranger.ended() && !stranger.heard().empty(); }));
  stranger.send(websocket_message(2, message));
  stranger.finish_sending();
  CHECK(scene.ends(stranger));
  CHECK(scene.node.counters().handshakes_refused == 1);
  scene.check_unharmed();
}

TEST_CASE("a message announced larger than a frame is refused at its head", "[transport][hostile]") {
  Scene scene;
  RawPeer stranger(scene.io, scene.web);
  stranger.send(upgrade_request("/sync"));
  REQUIRE(run_until(scene.io, [&] { return !stranger.ended() && !stranger.heard().empty(); }));
  stranger.send(
      websocket_message(2, std::string(limits::kFrameBytesMax + kFrameHeadBytesMax + 1, 'x')).substr(0, 14));
  stranger.finish_sending();
  CHECK(scene.ends(stranger));
  CHECK(run_until(scene.io, [&] { return scene.counted().messages_refused == 1; }));
  scene.check_unharmed();
}

// A stranger whose upgrade was agreed to.
std::unique_ptr<RawPeer> upgraded(Scene& scene) {
  auto stranger = std::make_unique<RawPeer>(scene.io, scene.web);
  stranger->send(upgrade_request("/sync"));
  REQUIRE(run_until(scene.io, [&] { return !stranger->ended() && stranger->heard().ends_with("\r\n\r\n"); }));
  return stranger;
}

// The two frames of the greeting.
std::pair<std::string, std::string> greeting_frames() {
  const std::string both = agreeable_greeting();
  ByteView rest = std::as_bytes(std::span(both.data(), both.size()));
  const auto first = take_head(rest);
  const std::size_t cut = both.size() - rest.size() + (*first)->payload_bytes;
  return {both.substr(0, cut), both.substr(cut)};
}

TEST_CASE("a frame in pieces is one message, however many of them are empty", "[transport][hostile]") {
  Scene scene;
  const auto stranger = upgraded(scene);
  const auto [hello, frontier] = greeting_frames();
  std::string pieces = websocket_frame({2, false}, "");
  for (const char byte : hello) {
    pieces += websocket_frame({0, false}, "") + websocket_frame({0, false}, std::string_view(&byte, 1));
  }
  stranger->send(pieces + websocket_frame({0, true}, "") + websocket_message(2, frontier));
  CHECK(run_until(scene.io, [&] { return scene.node.live_sessions() == 2; }));
  CHECK(scene.node.counters().handshakes_refused == 0);
  CHECK_FALSE(stranger->ended());
}

TEST_CASE("a WebSocket peer that breaks the rules of the protocol is cut off", "[transport][hostile]") {
  const auto row = GENERATE(values<std::pair<const char*, std::string>>({
      {"not masked", websocket_frame({2, true, false}, "abc")},
      {"a continuation of nothing", websocket_frame({0, true}, "abc")},
      {"a message within a message", websocket_frame({2, false}, "abc") + websocket_message(2, "abc")},
      {"a ping in pieces", websocket_frame({9, false}, "abc")},
      {"a ping that is too long", websocket_message(9, std::string(126, 'x'))},
      {"an opcode that nobody knows", websocket_message(3, "abc")},
  }));
  CAPTURE(row.first);
  Scene scene;
  const auto stranger = upgraded(scene);
  stranger->send(row.second);
  stranger->finish_sending();  // Beast waits for that; of one that stays the node's timers make an end.
  CHECK(run_until(scene.io, [&] { return scene.counted().links_closed == 1; }));
  CHECK(scene.ends(*stranger));
  CHECK(scene.node.logged(": closed: read: "));
  scene.check_unharmed();
}

TEST_CASE("pieces that add up to more than a frame are refused", "[transport][hostile]") {
  Scene scene;
  const auto stranger = upgraded(scene);
  std::string piece = websocket_frame({2, false}, std::string(100'000, 'x'));
  std::size_t sent = 0;
  const auto refused = [&] {
    sent += stranger->send_some(std::string_view(piece).substr(sent));
    if (sent == piece.size()) piece = websocket_frame({0, false}, std::string(100'000, 'x')), sent = 0;
    return scene.counted().messages_refused == 1;
  };
  CHECK(run_until(scene.io, refused));
  scene.check_unharmed();
}

// Empty pieces cost nothing but time, and that ends with the handshake: nothing of them is a message.
TEST_CASE("a flood of empty pieces or of pings harms nobody else", "[transport][hostile]") {
  const bool pings = GENERATE(true, false);
  CAPTURE(pings);
  Scene scene;
  const auto stranger = upgraded(scene);
  std::string flood = pings ? "" : websocket_frame({2, false}, "");
  for (int i = 0; i < 20'000; ++i)
    flood += pings ? websocket_message(9, "ping") : websocket_frame({0, false}, "");
  std::size_t sent = 0;
  const auto all_sent = [&] {
    sent += stranger->send_some(std::string_view(flood).substr(sent));
    return sent == flood.size() && !stranger->ended();
  };
  CHECK(run_until(scene.io, all_sent));
  scene.check_unharmed();
}

// Each pong waits until the one before is out, so what is owed to such a peer does not grow.
TEST_CASE("a peer that floods with pings and never reads holds itself up, until it is given up",
          "[transport][hostile]") {
  NodeConfig config = test_config();
  config.keepalive = std::chrono::seconds(1);
  Scene scene({}, config);
  const auto stranger = upgraded(scene);
  const auto [hello, frontier] = greeting_frames();
  stranger->send(websocket_message(2, hello) + websocket_message(2, frontier));
  REQUIRE(run_until(scene.io, [&] { return scene.node.live_sessions() == 2; }));
  std::string flood;
  for (int i = 0; i < 1'000; ++i) flood += websocket_message(9, std::string(125, 'p'));
  std::size_t sent = 0;
  const auto given_up = [&] {
    sent = (sent + stranger->send_some(std::string_view(flood).substr(sent))) % flood.size();
    return scene.counted().links_closed == 1;
  };
  CHECK(run_until(scene.io, given_up));
  scene.check_unharmed();
}

}  // namespace
}  // namespace deltamesh::testing
