// transport/websocket.cc - the upgrade, and frames as WebSocket messages; the only user of Beast here.
#include "transport/websocket.h"

#include <algorithm>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <utility>

#include "engine/frame.h"

namespace deltamesh {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace websocket = boost::beast::websocket;
using boost::asio::ip::tcp;
using boost::system::error_code;

using Request = http::request<http::empty_body>;
using Response = http::response<http::string_body>;

constexpr std::size_t kMessageBytesMax = limits::kFrameBytesMax + kFrameHeadBytesMax;

class WebSocketLink final : public QueuedLink {
 public:
  WebSocketLink(tcp::socket socket, LinkSetup setup);

  void await_upgrade(std::chrono::milliseconds timeout);
  void ask_upgrade(const Endpoint& peer, std::chrono::milliseconds timeout);

 private:
  void read() override;
  void write(const std::vector<SharedFrame>& frames) override;
  void end_writing(const std::string& reason) override;
  void destroy() override;

  std::shared_ptr<WebSocketLink> self() {
    return std::static_pointer_cast<WebSocketLink>(shared_from_this());
  }
  void judge(error_code error);
  void agree(const Request& request);
  void refuse(http::status status, const std::string& why);
  void agreed(error_code error, const std::string& what);
  void write_from(const std::vector<SharedFrame>& frames, std::size_t next);
  void was_read(error_code error);
  void read_failed(error_code error);
  void take_message();

  websocket::stream<tcp::socket, false> stream_;
  beast::flat_buffer buffer_;
  http::request_parser<http::empty_body> request_;
  websocket::response_type answer_;
  Response refusal_;
  bool ending_ = false;  // Our close frame is on its way; its handler ends the link.
};

WebSocketLink::WebSocketLink(tcp::socket socket, LinkSetup setup)
    : QueuedLink(socket.get_executor(), std::move(setup)), stream_(std::move(socket)) {
  stream_.binary(true);
  stream_.auto_fragment(false);
  stream_.read_message_max(kMessageBytesMax);
  stream_.write_buffer_bytes(limits::kLinkReadBytes);  // A client masks what it sends, in such pieces.
}

// --- The upgrade -----------------------------------------------------------------------------------------

void WebSocketLink::await_upgrade(std::chrono::milliseconds timeout) {
  connect_within(timeout, "no WebSocket upgrade in time");
  request_.header_limit(limits::kUpgradeHeaderBytesMax);
  http::async_read_header(stream_.next_layer(), buffer_, request_,
                          [self = self()](error_code error, std::size_t) { self->judge(error); });
}

void WebSocketLink::judge(error_code error) {
  if (is_gone()) return;
  const Request& request = request_.get();
  if (error) {
    count(&TransportCounters::upgrades_refused);
    return gone("no HTTP request: " + error.message());
  }
  if (request.target() != kSyncPath) return refuse(http::status::not_found, "peers are at /sync");
  if (!websocket::is_upgrade(request)) {
    return refuse(http::status::upgrade_required, "only WebSocket upgrades are answered here");
  }
  // What a client sends before it knows that we agree would be lost.
  if (buffer_.size() > 0) return refuse(http::status::bad_request, "data before the upgrade was agreed");
  agree(request);
}

void WebSocketLink::agree(const Request& request) {
  stream_.async_accept(request, [self = self()](error_code error) { self->agreed(error, "upgrade"); });
}

void WebSocketLink::refuse(http::status status, const std::string& why) {
  count(&TransportCounters::upgrades_refused);
  refusal_.result(status);
  refusal_.set(http::field::content_type, "text/plain");
  if (status == http::status::upgrade_required) refusal_.set(http::field::upgrade, "websocket");
  refusal_.keep_alive(false);
  refusal_.body() = why + "\n";
  refusal_.prepare_payload();
  http::async_write(stream_.next_layer(), refusal_,
                    [self = self(), why](error_code, std::size_t) { self->gone("refused: " + why); });
}

void WebSocketLink::ask_upgrade(const Endpoint& peer, std::chrono::milliseconds timeout) {
  connect_within(timeout, "no answer to the WebSocket upgrade in time");
  stream_.async_handshake(
      answer_, host_and_port(peer.host, peer.port), peer.path, [self = self()](error_code error) {
        const bool declined = error == websocket::error::upgrade_declined;
        const std::string status =
            declined ? " with HTTP status " + std::to_string(self->answer_.result_int()) : "";
        self->agreed(error, "upgrade" + status);
      });
}

void WebSocketLink::agreed(error_code error, const std::string& what) {
  if (is_gone()) return;
  if (!error) return open();
  count(&TransportCounters::upgrades_refused);
  gone(what + ": " + error.message());
}

// --- Messages in -----------------------------------------------------------------------------------------

void WebSocketLink::read() {
  stream_.async_read(buffer_, [self = self()](error_code error, std::size_t) { self->was_read(error); });
}

// Once our close frame is on its way, its operation reads for the peer's.
void WebSocketLink::was_read(error_code error) {
  if (is_gone() || ending_) return;
  if (error) return read_failed(error);
  take_message();
  read_on();
}

// The node judges what a message holds; that it is one whole frame is for its decoder to find out.
void WebSocketLink::take_message() {
  if (is_open() && stream_.got_text()) {
    count(&TransportCounters::messages_refused);
    close("the peer sent a text message");
  } else {
    const auto bytes = buffer_.cdata();
    deliver(ByteView(static_cast<const std::byte*>(bytes.data()), bytes.size()));
  }
  buffer_.consume(buffer_.size());
  if (buffer_.capacity() > limits::kLinkReadBytes) buffer_.shrink_to_fit();
}

void WebSocketLink::read_failed(error_code error) {
  if (error == websocket::error::message_too_big) {
    count(&TransportCounters::messages_refused);
    return gone("a message of more than " + std::to_string(kMessageBytesMax) + " bytes");
  }
  if (error == websocket::error::closed) {
    const auto& reason = stream_.reason().reason;
    return gone("the peer closed the WebSocket: " + std::string(reason.data(), reason.size()));
  }
  gone("read: " + error.message());
}

// --- Messages out ----------------------------------------------------------------------------------------

void WebSocketLink::write(const std::vector<SharedFrame>& frames) {
  write_from(frames, 0);
}

void WebSocketLink::write_from(const std::vector<SharedFrame>& frames, std::size_t next) {
  const SharedFrame& frame = frames[next];
  stream_.async_write(boost::asio::buffer(frame->data(), frame->size()),
                      [self = self(), &frames, next](error_code error, std::size_t) {
                        if (error || next + 1 == frames.size()) return self->written(error);
                        self->write_from(frames, next + 1);
                      });
}

// --- End -------------------------------------------------------------------------------------------------

// Reasons within the node are for its log; a Goodbye has told the peer what it may know.
void WebSocketLink::end_writing(const std::string& reason) {
  ending_ = true;
  stream_.async_close(websocket::close_code::normal,
                      [self = self(), reason](error_code) { self->gone(reason); });
}

void WebSocketLink::destroy() {
  error_code ignored;
  stream_.next_layer().close(ignored);
}

}  // namespace

std::shared_ptr<QueuedLink> accept_websocket(tcp::socket socket, LinkSetup setup,
                                             std::chrono::milliseconds timeout) {
  const auto link = std::make_shared<WebSocketLink>(std::move(socket), std::move(setup));
  link->await_upgrade(timeout);
  return link;
}

std::shared_ptr<QueuedLink> dial_websocket(tcp::socket socket, const Endpoint& peer, LinkSetup setup,
                                           std::chrono::milliseconds timeout) {
  const auto link = std::make_shared<WebSocketLink>(std::move(socket), std::move(setup));
  link->ask_upgrade(peer, timeout);
  return link;
}

}  // namespace deltamesh
