// tests/transport/raw_peer.h - a peer that says what it likes, byte by byte, and reads only when asked to.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "engine/message.h"
#include "transport/endpoint.h"

namespace deltamesh::testing {

class RawPeer {
 public:
  RawPeer(boost::asio::io_context& io, const Endpoint& node);

  // As much as the network takes now; how much that was.
  std::size_t send_some(std::string_view bytes);
  // All of it; it must be little.
  void send(std::string_view bytes);
  void finish_sending();

  // Reads what has come; true once the node has ended the connection.
  bool ended();
  [[nodiscard]] const std::string& heard() const { return heard_; }

 private:
  boost::asio::ip::tcp::socket socket_;
  std::string heard_;
};

std::string as_text(ByteView bytes);
// The reason in the Goodbye among these frames; empty if there is none.
std::string goodbye_in(std::string_view frames);
// A HELLO that fits test_config(), and an empty frontier: enough for a session to be live.
std::string agreeable_greeting();
// What a browser would send to upgrade, and a client's message: opcode 1 is text, 2 binary; masked with
// zeros.
std::string upgrade_request(const std::string& path);
std::string websocket_message(int opcode, std::string_view payload);
// One frame of a message in several: opcode 0 continues the one before.
struct Fragment {
  int opcode = 0;
  bool last = false;
  bool masked = true;
};
std::string websocket_frame(const Fragment& kind, std::string_view payload);

}  // namespace deltamesh::testing
