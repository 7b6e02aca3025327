// transport/dialer.h - keeps one link to one configured peer.
//
// It resolves the name, tries its addresses in turn (IPv6 and IPv4), opens a link, and when that ends or none
// could be made, waits (transport/backoff.h) and begins again, for ever. Whether a link that stands is of any
// use is for the node to say, by ending it.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "transport/backoff.h"
#include "transport/endpoint.h"
#include "transport/queued_link.h"

namespace deltamesh {

struct DialerSettings {
  Endpoint peer;
  std::uint64_t seed = 0;  // Jitters the waits: different for each node and peer.
  Backoff::Pace pace;
  std::chrono::milliseconds connect_timeout = limits::kConnectTimeout;  // Of each address.
  std::chrono::milliseconds upgrade_timeout = limits::kUpgradeTimeout;
};

class Dialer : public std::enable_shared_from_this<Dialer> {
 public:
  // On the driver's executor, like all else here.
  static std::shared_ptr<Dialer> start(Driver& driver, DialerSettings settings);
  // Ends what is being attempted and dials no more. A link that is open stays: the driver ends it.
  void stop();

 private:
  using tcp = boost::asio::ip::tcp;

  Dialer(Driver& driver, DialerSettings settings);
  void attempt();
  void resolve();
  void resolved(const boost::system::error_code& error, const tcp::resolver::results_type& found);
  void connect_next(const std::string& last_error);
  void connected(const boost::system::error_code& error);
  void open_link();
  void ended(const LinkEnd& end);
  void failed(const std::string& reason);
  void wait();
  template <class Handler>
  auto if_running(Handler handler);

  std::weak_ptr<Driver> driver_;
  DialerSettings settings_;
  Backoff backoff_;
  tcp::resolver resolver_;
  tcp::socket socket_;
  boost::asio::steady_timer timer_;
  std::uint64_t attempt_ = 0;             // A timer that was too late to be cancelled knows by it that it is.
  std::vector<tcp::endpoint> addresses_;  // Still to be tried, the next one last.
  std::weak_ptr<QueuedLink> link_;
  std::string told_;  // The last failure in the log; the same one is not repeated.
  bool stopped_ = false;
};

}  // namespace deltamesh
