// benchmarks/counted_links.cc - proxies on a thread of their own.
#include "benchmarks/counted_links.h"

#include <boost/asio/post.hpp>
#include <future>

namespace deltamesh::bench {

using boost::asio::ip::tcp;

CountedLinks::CountedLinks() = default;

CountedLinks::~CountedLinks() {
  on_thread([this] {
    proxies_.clear();
    work_.reset();
  });
  thread_.join();
}

std::uint16_t CountedLinks::way_to(std::uint16_t port,
                                   std::function<testing::TcpProxy::Hearer()> make_hearer) {
  std::uint16_t way = 0;
  on_thread([&] {
    const tcp::endpoint target(boost::asio::ip::address_v4::loopback(), port);
    way = proxies_.emplace_back(io_, target, std::move(make_hearer)).port();
  });
  return way;
}

std::uint64_t CountedLinks::bytes() {
  std::uint64_t sum = 0;
  on_thread([&] {
    for (const testing::TcpProxy& proxy : proxies_) sum += proxy.bytes();
  });
  return sum;
}

void CountedLinks::on_thread(const std::function<void()>& action) {
  std::promise<void> done;
  boost::asio::post(io_, [&] {
    action();
    done.set_value();
  });
  done.get_future().wait();
}

}  // namespace deltamesh::bench
