// tests/scenarios/breakable_link.h - a TCP proxy with a thread of its own, for tests that run processes.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <functional>
#include <future>
#include <memory>
#include <thread>

#include "tests/support/tcp_proxy.h"

namespace deltamesh::testing {

class BreakableLink {
 public:
  explicit BreakableLink(std::uint16_t target)
      : proxy_(std::make_unique<TcpProxy>(
            io_, boost::asio::ip::tcp::endpoint(boost::asio::ip::address_v4::loopback(), target))),
        port_(proxy_->port()),
        thread_([this] { io_.run(); }) {}
  ~BreakableLink() {
    there([this] { proxy_.reset(); });
    busy_.reset();
    thread_.join();
  }
  BreakableLink(const BreakableLink&) = delete;
  BreakableLink& operator=(const BreakableLink&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  void hold() {
    there([this] { proxy_->hold(); });
  }
  void hold_answers() {
    there([this] { proxy_->hold_answers(); });
  }
  void cut() {
    there([this] { proxy_->cut(); });
  }
  void mend() {
    there([this] { proxy_->mend(); });
  }

 private:
  // On the proxy's thread; returns when it is done.
  void there(std::function<void()> work) {
    std::promise<void> done;
    boost::asio::post(io_, [&] {
      work();
      done.set_value();
    });
    done.get_future().wait();
  }

  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> busy_{io_.get_executor()};
  std::unique_ptr<TcpProxy> proxy_;
  std::uint16_t port_;
  std::thread thread_;
};

}  // namespace deltamesh::testing
