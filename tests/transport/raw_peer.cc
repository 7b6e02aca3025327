// tests/transport/raw_peer.cc - a bare socket, and the little of each protocol that it needs.
#include "tests/transport/raw_peer.h"

#include <array>
#include <boost/asio/buffer.hpp>
#include <catch2/catch.hpp>

#include "engine/codec.h"
#include "tests/transport/network.h"

namespace deltamesh::testing {

using boost::system::error_code;

RawPeer::RawPeer(boost::asio::io_context& io, const Endpoint& node) : socket_(io) {
  socket_.connect({boost::asio::ip::make_address(node.host), node.port});
  socket_.non_blocking(true);
}

std::size_t RawPeer::send_some(std::string_view bytes) {
  error_code error;
  return socket_.write_some(boost::asio::buffer(bytes.data(), bytes.size()), error);
}

void RawPeer::send(std::string_view bytes) {
  if (!bytes.empty()) REQUIRE(send_some(bytes) == bytes.size());
}

void RawPeer::finish_sending() {
  error_code ignored;
  socket_.shutdown(boost::asio::ip::tcp::socket::shutdown_send, ignored);
}

bool RawPeer::ended() {
  std::array<char, 65536> buffer{};
  error_code error;
  while (!error) heard_.append(buffer.data(), socket_.read_some(boost::asio::buffer(buffer), error));
  if (error == boost::asio::error::would_block) return false;
  socket_.close(error);
  return true;
}

std::string as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string goodbye_in(std::string_view frames) {
  ByteView rest(reinterpret_cast<const std::byte*>(frames.data()), frames.size());
  while (rest.size() >= kFrameHeadBytes) {
    const std::size_t size = kFrameHeadBytes + decode_head(rest)->payload_bytes;
    const auto message = decode(rest.first(size));
    if (const auto* const goodbye = std::get_if<message::Goodbye>(&**message)) return goodbye->text;
    rest = rest.subspan(size);
  }
  return "";
}

std::string agreeable_greeting() {
  message::Hello hello;
  hello.fleet = test_config().fleet;
  hello.identity = test_identity(99);
  hello.software = "raw";
  hello.codecs = {kBlockCodec};
  hello.datasets = test_config().datasets;
  hello.credit = limits::kCreditBytes;
  return as_text(encode(hello)) + as_text(encode(message::Frontier{}));
}

std::string upgrade_request(const std::string& path) {
  return "GET " + path +
         " HTTP/1.1\r\nHost: node\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
}

std::string websocket_message(int opcode, std::string_view payload) {
  std::string message{static_cast<char>(0x80 | opcode), static_cast<char>(0x80 | 127)};
  for (int shift = 56; shift >= 0; shift -= 8) message += static_cast<char>(payload.size() >> shift & 0xff);
  if (payload.size() < 126) message = {message[0], static_cast<char>(0x80 | payload.size())};
  return message + std::string(4, '\0') + std::string(payload);
}

}  // namespace deltamesh::testing
