// transport/dialer.cc - one attempt after the other.
#include "transport/dialer.h"

#include <boost/asio/error.hpp>
#include <utility>

#include "transport/tcp.h"
#include "transport/websocket.h"

namespace deltamesh {

using boost::system::error_code;

std::shared_ptr<Dialer> Dialer::start(Driver& driver, DialerSettings settings) {
  const std::shared_ptr<Dialer> dialer(new Dialer(driver, std::move(settings)));
  dialer->attempt();
  return dialer;
}

Dialer::Dialer(Driver& driver, DialerSettings settings)
    : driver_(driver.weak()),
      settings_(std::move(settings)),
      backoff_(settings_.pace, settings_.seed),
      resolver_(driver.io()),
      socket_(driver.io()),
      timer_(driver.io()) {}

void Dialer::stop() {
  stopped_ = true;
  resolver_.cancel();
  timer_.cancel();
  error_code ignored;
  socket_.close(ignored);
  const auto link = link_.lock();
  if (link && !link->is_open()) link->close("the dialer stopped");
}

// A handler that keeps the dialer alive and does nothing once it has stopped.
template <class Handler>
auto Dialer::if_running(Handler handler) {
  return [self = shared_from_this(), handler = std::move(handler)](const auto&... results) {
    if (!self->stopped_) handler(*self, results...);
  };
}

// --- One attempt -----------------------------------------------------------------------------------------

void Dialer::attempt() {
  error_code not_literal;
  const auto address = boost::asio::ip::make_address(settings_.peer.host, not_literal);
  if (not_literal) return resolve();
  addresses_ = {tcp::endpoint(address, settings_.peer.port)};
  connect_next("");
}

void Dialer::resolve() {
  const auto found = [](Dialer& self, const error_code& error, const tcp::resolver::results_type& results) {
    self.resolved(error, results);
  };
  resolver_.async_resolve(settings_.peer.host, std::to_string(settings_.peer.port), if_running(found));
}

void Dialer::resolved(const error_code& error, const tcp::resolver::results_type& found) {
  if (error) return failed(error.message());
  addresses_.clear();
  for (const auto& entry : found) {
    if (addresses_.size() < limits::kDialAddressesMax)
      addresses_.insert(addresses_.begin(), entry.endpoint());
  }
  connect_next("no address");
}

// The timer and the connection race; whichever comes first closes or cancels the other.
void Dialer::connect_next(const std::string& last_error) {
  if (addresses_.empty()) return failed(last_error);
  const tcp::endpoint address = addresses_.back();
  addresses_.pop_back();
  socket_ = tcp::socket(socket_.get_executor());
  timer_.expires_after(settings_.connect_timeout);
  timer_.async_wait(if_running([attempt = ++attempt_](Dialer& self, const error_code& error) {
    error_code ignored;
    if (!error && self.attempt_ == attempt) self.socket_.close(ignored);
  }));
  socket_.async_connect(address,
                        if_running([](Dialer& self, const error_code& error) { self.connected(error); }));
}

void Dialer::connected(const error_code& error) {
  timer_.cancel();
  const bool timed_out = error ? error == boost::asio::error::operation_aborted : !socket_.is_open();
  if (timed_out) return connect_next("no answer in time");
  if (error) return connect_next(error.message());
  open_link();
}

void Dialer::open_link() {
  error_code ignored;
  socket_.set_option(tcp::no_delay(true), ignored);
  const Endpoint& peer = settings_.peer;
  const bool websocket = peer.scheme == Scheme::kWebSocket;
  const std::string name = (websocket ? "ws to " : "tcp to ") + host_and_port(peer.host, peer.port);
  const auto gone = [self = shared_from_this()](const LinkEnd& end) { self->ended(end); };
  LinkSetup setup{driver_, name, gone};
  link_ = websocket ? dial_websocket(std::move(socket_), peer, std::move(setup), settings_.upgrade_timeout)
                    : open_tcp(std::move(socket_), std::move(setup));
}

// --- The next one ----------------------------------------------------------------------------------------

void Dialer::ended(const LinkEnd& end) {
  if (stopped_) return;
  if (!end.open_for) return failed(end.reason);
  told_.clear();
  backoff_.worked_for(*end.open_for);
  wait();
}

void Dialer::failed(const std::string& reason) {
  const auto driver = driver_.lock();
  if (!driver) return;
  ++driver->counters().dials_failed;
  if (std::exchange(told_, reason) != reason) {
    driver->log(Note::Level::kWarning,
                to_string(settings_.peer) + ": " + reason + "; trying again until it answers");
  }
  wait();
}

void Dialer::wait() {
  timer_.expires_after(backoff_.next());
  timer_.async_wait(if_running([](Dialer& self, const error_code& error) {
    if (!error) self.attempt();
  }));
}

}  // namespace deltamesh
