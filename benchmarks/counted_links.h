// benchmarks/counted_links.h - ways to ports of this machine on which all bytes are counted.
//
// Each way is a proxy that the other side of a link is sent through. So the bytes of any program are counted
// the same: all that its sockets carry, both directions, without the heads of TCP and IP.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <thread>

#include "tests/support/tcp_proxy.h"

namespace deltamesh::bench {

class CountedLinks {
 public:
  CountedLinks();
  ~CountedLinks();
  CountedLinks(const CountedLinks&) = delete;
  CountedLinks& operator=(const CountedLinks&) = delete;

  // A port that leads to `port`. What answers there is heard, on another thread, as long as this exists.
  std::uint16_t way_to(std::uint16_t port, std::function<testing::TcpProxy::Hearer()> make_hearer = {});
  [[nodiscard]] std::uint64_t bytes();

 private:
  void on_thread(const std::function<void()>& action);

  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{io_.get_executor()};
  std::deque<testing::TcpProxy> proxies_;
  std::thread thread_{[this] { io_.run(); }};
};

}  // namespace deltamesh::bench
