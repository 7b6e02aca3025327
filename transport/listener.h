// transport/listener.h - awaits peers at one address or several, over TCP or WebSocket.
//
// Each connection becomes a link, or is closed at once if there are too many. Listening needs no privilege
// but care: links are not encrypted, see check_exposure() in transport/endpoint.h.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "transport/endpoint.h"
#include "transport/queued_link.h"

namespace deltamesh {

struct ListenerSettings {
  std::vector<Endpoint> addresses;  // As parse_listen() yields them.
  bool insecure = false;            // Allows other addresses than loopback; each is warned of.
  std::size_t links_max = limits::kSessionsMax;
  std::chrono::milliseconds upgrade_timeout = limits::kUpgradeTimeout;
};

class Listener : public std::enable_shared_from_this<Listener> {
 public:
  // Opens all addresses or none; the error names the one that failed, and why. On the driver's executor, like
  // all else here.
  static Result<std::shared_ptr<Listener>> start(Driver& driver, const ListenerSettings& settings);
  // Closes the addresses. Links stay: the driver ends them, and those whose upgrade is under way.
  void stop();

  // The addresses in the order given, with the ports that were taken.
  [[nodiscard]] const std::vector<Endpoint>& bound() const { return bound_; }

 private:
  using tcp = boost::asio::ip::tcp;
  struct Door {
    Door(boost::asio::io_context& io, Scheme kind) : scheme(kind), acceptor(io), retry(io) {}
    Scheme scheme;
    tcp::acceptor acceptor;
    boost::asio::steady_timer retry;
  };

  Listener(Driver& driver, const ListenerSettings& settings)
      : driver_(driver.weak()), links_max_(settings.links_max), upgrade_timeout_(settings.upgrade_timeout) {}
  Status open(Driver& driver, const Endpoint& address);
  void accept(Door& door);
  void accepted(Door& door, const boost::system::error_code& error, tcp::socket socket);
  void accept_later(Door& door, const std::string& reason);
  void welcome(Scheme scheme, tcp::socket socket);
  void left(const std::string& name, const LinkEnd& end);
  void turn_away(const std::string& name);

  std::weak_ptr<Driver> driver_;
  std::size_t links_max_;
  std::chrono::milliseconds upgrade_timeout_;
  std::size_t links_ = 0;
  std::vector<std::unique_ptr<Door>> doors_;
  std::vector<Endpoint> bound_;
  bool stopped_ = false;
};

}  // namespace deltamesh
