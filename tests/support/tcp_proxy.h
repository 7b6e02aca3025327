// tests/support/tcp_proxy.h - a network that a test can break: forwards TCP connections to a port.
//
// It listens at a free loopback port and connects each guest to the target. hold() lets nothing through and
// closes nothing, as a cable that was pulled; hold_answers() does so with what the target says only; cut()
// closes all and answers no one until mend(). Runs on the io_context given; all calls are made where that
// runs.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

namespace deltamesh::testing {

class TcpProxy {
 public:
  using tcp = boost::asio::ip::tcp;

  // Told what the target says on one connection, piece by piece, before the guest is.
  using Hearer = std::function<void(std::string_view)>;

  TcpProxy(boost::asio::io_context& io, tcp::endpoint target, std::function<Hearer()> make_hearer = {});
  ~TcpProxy();
  TcpProxy(const TcpProxy&) = delete;
  TcpProxy& operator=(const TcpProxy&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  // Passed on so far, in both directions.
  [[nodiscard]] std::uint64_t bytes() const;
  [[nodiscard]] std::size_t connections() const;

  void hold();
  void hold_answers();
  void cut();
  void mend();

 private:
  struct State;
  class Pair;

  std::shared_ptr<State> state_;
  std::uint16_t port_ = 0;
};

}  // namespace deltamesh::testing
