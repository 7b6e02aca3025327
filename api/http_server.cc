// api/http_server.cc - accepts connections on loopback, counts them, and ends them.
#include "api/http_server.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <utility>

#include "api/http_session.h"
#include "api/problem.h"

namespace deltamesh {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

Result<tcp::endpoint> loopback_endpoint(const HttpSettings& settings) {
  error_code error;
  const auto address = asio::ip::make_address(settings.address, error);
  if (error)
    return Error{ErrorCode::kInvalid, "the API's address \"" + settings.address + "\" is no IP address"};
  if (address.is_loopback()) return tcp::endpoint(address, settings.port);
  return Error{ErrorCode::kInvalid, "the API listens on 127.0.0.1 or ::1 only, not on " + settings.address +
                                        ": it has no encryption and no accounts yet"};
}

Status open_acceptor(tcp::acceptor& acceptor, const tcp::endpoint& endpoint) {
  error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (!error) return Done{};
  return Error{ErrorCode::kIo, "the API cannot listen on " + endpoint.address().to_string() + " port " +
                                   std::to_string(endpoint.port()) + ": " + error.message()};
}

}  // namespace

class HttpServer::Core final : public HttpSessionHost, public std::enable_shared_from_this<Core> {
 public:
  Core(asio::io_context& io, HttpSettings settings, Handler handler)
      : acceptor_(io), timer_(io), settings_(std::move(settings)), handler_(std::move(handler)) {}

  Status open(const tcp::endpoint& endpoint) {
    Status open = open_acceptor(acceptor_, endpoint);
    if (open) accept();
    return open;
  }

  [[nodiscard]] std::uint16_t port() const {
    error_code ignored;
    return acceptor_.local_endpoint(ignored).port();
  }
  [[nodiscard]] const HttpCounters& counters() const { return counters_; }

  void stop(std::chrono::milliseconds patience, std::function<void()> stopped) {
    stopped_ = std::move(stopped);
    close_acceptor();
    for (const auto& [key, session] : std::map(sessions_)) session->finish();
    if (sessions_.empty()) return report_stopped();
    timer_.expires_after(patience);
    timer_.async_wait([weak = weak_from_this()](error_code error) {
      const auto self = weak.lock();
      if (!error && self) self->abandon();
    });
  }

  void abandon() {
    close_acceptor();
    for (const auto& [key, session] : std::map(sessions_)) session->close();
  }

  const HttpSettings& settings() const override { return settings_; }
  HttpCounters& session_counters() override { return counters_; }
  void handle(HttpRequest request, Responder respond) override {
    handler_(std::move(request), std::move(respond));
  }
  void ended(HttpSession& session) override {
    sessions_.erase(&session);
    if (stopping_ && sessions_.empty()) return report_stopped();
    accept();
  }

 private:
  void close_acceptor() {
    stopping_ = true;
    error_code ignored;
    acceptor_.close(ignored);
    timer_.cancel();
  }

  void report_stopped() {
    timer_.cancel();
    if (stopped_) asio::post(acceptor_.get_executor(), std::exchange(stopped_, nullptr));
  }

  // One at a time, and none while even those that are only told "no" are too many.
  void accept() {
    const auto sessions_max = settings_.connections_max + limits::kHttpRefusalsMax;
    if (stopping_ || accepting_ || sessions_.size() >= sessions_max) return;
    accepting_ = true;
    acceptor_.async_accept([weak = weak_from_this()](error_code error, tcp::socket socket) {
      const auto self = weak.lock();
      if (!self || self->stopping_) return;
      error ? self->retry() : self->accepted(std::move(socket));
    });
  }

  void accepted(tcp::socket socket) {
    accepting_ = false;
    error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    const auto session = make_http_session(std::move(socket), *this);
    sessions_.emplace(session.get(), session);
    if (sessions_.size() <= settings_.connections_max) {
      ++counters_.connections;
      session->start();
    } else {
      ++counters_.connections_refused;
      session->refuse(problem({ErrorCode::kFull, "too many connections are open"}));
    }
    accept();
  }

  void retry() {
    timer_.expires_after(limits::kHttpAcceptRetry);
    timer_.async_wait([weak = weak_from_this()](error_code error) {
      const auto self = weak.lock();
      if (error || !self) return;
      self->accepting_ = false;
      self->accept();
    });
  }

  tcp::acceptor acceptor_;
  asio::steady_timer timer_;
  HttpSettings settings_;
  Handler handler_;
  HttpCounters counters_;
  std::map<HttpSession*, std::shared_ptr<HttpSession>> sessions_;
  bool accepting_ = false;
  bool stopping_ = false;
  std::function<void()> stopped_;
};

Result<std::unique_ptr<HttpServer>> HttpServer::listen(asio::io_context& io, const HttpSettings& settings,
                                                       Handler handler) {
  const auto endpoint = loopback_endpoint(settings);
  if (!endpoint) return endpoint.error();
  auto core = std::make_shared<Core>(io, settings, std::move(handler));
  if (Status open = core->open(*endpoint); !open) return open.error();
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(core)));
}

HttpServer::HttpServer(std::shared_ptr<Core> core) : core_(std::move(core)) {}

HttpServer::~HttpServer() {
  core_->abandon();
}

std::uint16_t HttpServer::port() const {
  return core_->port();
}

const HttpCounters& HttpServer::counters() const {
  return core_->counters();
}

void HttpServer::stop(std::chrono::milliseconds patience, std::function<void()> stopped) {
  core_->stop(patience, std::move(stopped));
}

}  // namespace deltamesh
