// transport/tcp.cc - frames over TCP: reads into a buffer that cuts them, writes many at once.
#include "transport/tcp.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <optional>
#include <utility>

#include "transport/frame_reader.h"

namespace deltamesh {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;

class TcpLink final : public QueuedLink {
 public:
  TcpLink(tcp::socket socket, LinkSetup setup)
      : QueuedLink(socket.get_executor(), std::move(setup)), socket_(std::move(socket)) {}
  void start() { open(); }

 private:
  void read() override;
  void write(const std::vector<SharedFrame>& frames) override;
  void end_writing(const std::string& reason) override;
  void destroy() override;

  std::shared_ptr<TcpLink> self() { return std::static_pointer_cast<TcpLink>(shared_from_this()); }
  void was_read(error_code error, std::size_t bytes);
  [[nodiscard]] std::optional<ByteView> next_frame();
  void ended(error_code error);

  tcp::socket socket_;
  FrameReader reader_;
};

void TcpLink::read() {
  const auto space = reader_.space();
  socket_.async_read_some(
      boost::asio::buffer(space.data(), space.size()),
      [self = self()](error_code error, std::size_t bytes) { self->was_read(error, bytes); });
}

// A link that closes reads on, so that the peer is not reset, and looks at nothing.
void TcpLink::was_read(error_code error, std::size_t bytes) {
  if (error) return ended(error);
  if (is_open()) reader_.filled(bytes);
  for (auto frame = next_frame(); frame; frame = next_frame()) deliver(*frame);
  read_on();
}

std::optional<ByteView> TcpLink::next_frame() {
  return is_open() ? reader_.next() : std::nullopt;
}

void TcpLink::ended(error_code error) {
  if (error != boost::asio::error::eof) return gone("read: " + error.message());
  if (!is_open() || reader_.pending() == 0) return gone("the peer closed the connection");
  count(&TransportCounters::frames_truncated);
  gone("the connection ended within a frame");
}

void TcpLink::write(const std::vector<SharedFrame>& frames) {
  std::vector<boost::asio::const_buffer> buffers;
  buffers.reserve(frames.size());
  for (const SharedFrame& frame : frames) buffers.emplace_back(frame->data(), frame->size());
  boost::asio::async_write(socket_, std::move(buffers),
                           [self = self()](error_code error, std::size_t) { self->written(error); });
}

void TcpLink::end_writing(const std::string&) {
  error_code ignored;
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
}

void TcpLink::destroy() {
  error_code ignored;
  socket_.close(ignored);
}

}  // namespace

std::shared_ptr<QueuedLink> open_tcp(tcp::socket socket, LinkSetup setup) {
  const auto link = std::make_shared<TcpLink>(std::move(socket), std::move(setup));
  link->start();
  return link;
}

}  // namespace deltamesh
