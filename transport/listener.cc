// transport/listener.cc - opens doors, and survives what comes through them.
#include "transport/listener.h"

#include <boost/asio/ip/v6_only.hpp>
#include <utility>

#include "transport/tcp.h"
#include "transport/websocket.h"

namespace deltamesh {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;

// Opens `acceptor` at `address`; an IPv6 address does not take the IPv4 port with it.
error_code listen(tcp::acceptor& acceptor, const tcp::endpoint& address) {
  error_code error;
  acceptor.open(address.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error && address.address().is_v6()) acceptor.set_option(boost::asio::ip::v6_only(true), error);
  if (!error) acceptor.bind(address, error);
  if (!error) acceptor.listen(tcp::acceptor::max_listen_connections, error);
  return error;
}

std::string guest_name(Scheme scheme, const tcp::socket& socket) {
  error_code error;
  const auto remote = socket.remote_endpoint(error);
  const char* const kind = scheme == Scheme::kTcp ? "tcp from " : "ws from ";
  return kind + (error ? "nowhere" : host_and_port(remote.address().to_string(), remote.port()));
}

}  // namespace

Result<std::shared_ptr<Listener>> Listener::start(Driver& driver, const ListenerSettings& settings) {
  const std::shared_ptr<Listener> listener(new Listener(driver, settings));
  for (const Endpoint& address : settings.addresses) {
    if (const Status allowed = check_exposure(address, settings.insecure); !allowed) return allowed.error();
    if (const Status opened = listener->open(driver, address); !opened) return opened.error();
  }
  for (const auto& door : listener->doors_) listener->accept(*door);
  return listener;
}

Status Listener::open(Driver& driver, const Endpoint& address) {
  const auto failed = [&](const error_code& error) {
    return Error{ErrorCode::kIo, "cannot listen at " + to_string(address) + ": " + error.message()};
  };
  error_code error;
  const auto host = boost::asio::ip::make_address(address.host, error);
  if (error) return failed(error);
  auto door = std::make_unique<Door>(driver.io(), address.scheme);
  error = listen(door->acceptor, {host, address.port});
  if (error) return failed(error);
  bound_.push_back(address);
  bound_.back().port = door->acceptor.local_endpoint(error).port();
  doors_.push_back(std::move(door));
  if (!is_loopback(address.host)) {
    driver.log(Note::Level::kWarning, to_string(bound_.back()) + " is open to others, and not encrypted");
  }
  return Done{};
}

void Listener::stop() {
  stopped_ = true;
  error_code ignored;
  for (const auto& door : doors_) {
    door->acceptor.close(ignored);
    door->retry.cancel();
  }
}

void Listener::accept(Door& door) {
  door.acceptor.async_accept([self = shared_from_this(), &door](const error_code& error, tcp::socket socket) {
    if (!self->stopped_) self->accepted(door, error, std::move(socket));
  });
}

// A guest that left before it was let in is no reason to wait; anything else (no descriptors) would repeat.
void Listener::accepted(Door& door, const error_code& error, tcp::socket socket) {
  if (error && error != boost::asio::error::connection_aborted) return accept_later(door, error.message());
  if (!error) welcome(door.scheme, std::move(socket));
  accept(door);
}

void Listener::accept_later(Door& door, const std::string& reason) {
  if (const auto driver = driver_.lock()) {
    ++driver->counters().accepts_failed;
    driver->log(Note::Level::kWarning, "a connection could not be accepted: " + reason);
  }
  door.retry.expires_after(limits::kAcceptRetry);
  door.retry.async_wait([self = shared_from_this(), &door](const error_code&) {
    if (!self->stopped_) self->accept(door);
  });
}

void Listener::welcome(Scheme scheme, tcp::socket socket) {
  const std::string name = guest_name(scheme, socket);
  if (links_ == links_max_) return turn_away(name);
  ++links_;
  error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  const auto gone = [self = shared_from_this(), name](const LinkEnd& end) { self->left(name, end); };
  LinkSetup setup{driver_, name, gone};
  if (scheme == Scheme::kTcp) {
    open_tcp(std::move(socket), std::move(setup));
  } else {
    accept_websocket(std::move(socket), std::move(setup), upgrade_timeout_);
  }
}

// Of a guest whose link never opened the driver has not heard; an operator should.
void Listener::left(const std::string& name, const LinkEnd& end) {
  --links_;
  const auto driver = driver_.lock();
  if (driver && !end.open_for) driver->log(Note::Level::kWarning, name + ": " + end.reason);
}

void Listener::turn_away(const std::string& name) {
  const auto driver = driver_.lock();
  if (!driver) return;
  ++driver->counters().connections_refused;
  driver->log(Note::Level::kWarning,
              name + ": turned away, " + std::to_string(links_max_) + " links are open");
}

}  // namespace deltamesh
