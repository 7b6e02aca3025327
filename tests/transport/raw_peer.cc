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
  while (!rest.empty()) {
    ByteView payload = rest;
    const auto head = take_head(payload);
    const std::size_t size = rest.size() - payload.size() + (*head)->payload_bytes;
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
  return websocket_frame({opcode, true}, payload);
}

// The length in the shortest of its three forms, as the protocol demands.
std::string websocket_frame(const Fragment& kind, std::string_view payload) {
  const std::size_t size = payload.size();
  const int length_bytes = size < 126 ? 0 : size < 65'536 ? 2 : 8;
  const auto form = length_bytes == 0 ? size : length_bytes == 2 ? 126u : 127u;
  std::string frame{static_cast<char>((kind.last ? 0x80 : 0) | kind.opcode),
                    static_cast<char>((kind.masked ? 0x80u : 0u) | form)};
  for (int shift = 8 * length_bytes - 8; shift >= 0; shift -= 8)
    frame += static_cast<char>(size >> shift & 0xff);
  return frame + std::string(kind.masked ? 4 : 0, '\0') + std::string(payload);
}

}  // namespace deltamesh::testing
