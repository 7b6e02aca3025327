// api/http_session.cc - one connection: reads a request, has it answered, writes the answer, and again.
//
// One operation and one deadline at a time; which deadline is told by the phase. What ends badly lingers: the
// client's rest is read and dropped, because closing on unread bytes would destroy the answer on its way.
#include "api/http_session.h"

#include <array>
#include <atomic>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <optional>

#include "api/local_origin.h"
#include "api/problem.h"

namespace deltamesh {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using std::chrono::milliseconds;
using Parser = http::request_parser<http::string_body>;

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

std::string_view view(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

// The answer to what could not be read; nullopt if there is nobody to answer.
std::optional<HttpResponse> answer_to(const error_code& error) {
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return problem(431, "limit", "the request line and headers are too large");
  }
  if (error == http::error::body_limit) return problem(413, "limit", "the body is too large");
  const bool gone = error == http::error::end_of_stream || error == http::error::partial_message;
  if (gone || error.category() != http::make_error_code(http::error::bad_method).category()) {
    return std::nullopt;
  }
  return problem(400, "invalid", "not an HTTP/1.1 request: " + error.message());
}

// Why a request with these headers is turned away, if it is.
std::optional<HttpResponse> turned_away(const Parser::value_type& request) {
  const auto hosts = request.count(http::field::host);
  if (hosts > 1 || (hosts == 0 && request.version() >= 11)) {
    return problem(400, "invalid", "a request names one Host");
  }
  if (hosts == 1 && !is_local_host(view(request[http::field::host]))) {
    return problem(403, "forbidden", "only requests to localhost or a loopback address are answered");
  }
  const auto origin = request.find(http::field::origin);
  if (origin == request.end() || is_local_origin(view(origin->value()))) return std::nullopt;
  return problem(403, "forbidden", "pages of other sites are not answered");
}

class Session final : public HttpSession, public std::enable_shared_from_this<Session> {
 public:
  Session(asio::ip::tcp::socket socket, HttpSessionHost& host)
      : socket_(std::move(socket)),
        timer_(socket_.get_executor()),
        host_(host),
        buffer_(host.settings().header_bytes_max + limits::kHttpReadAheadBytes) {}

  void start() override { await_request(); }

  void refuse(HttpResponse response) override {
    keep_alive_ = false;
    write(std::move(response));
  }

  void finish() override {
    finishing_ = true;
    if (phase_ == Phase::kIdle) close();
  }

  void close() override {
    if (phase_ == Phase::kClosed) return;
    phase_ = Phase::kClosed;
    give_up();
    error_code ignored;
    socket_.close(ignored);
    timer_.cancel();
    host_.ended(*this);
  }

 private:
  enum class Phase : unsigned char { kIdle, kReading, kAnswering, kWriting, kLingering, kClosed };

  // --- Time ---

  void enter(Phase phase, milliseconds patience) {
    phase_ = phase;
    timed_out_ = false;
    timer_.expires_after(patience);
    timer_.async_wait([self = shared_from_this(), turn = ++turn_](error_code error) {
      if (!error && turn == self->turn_) self->expired();
    });
  }

  void expired() {
    switch (phase_) {
      case Phase::kReading: return stop_reading();
      case Phase::kAnswering: return answer_late();
      case Phase::kIdle:
      case Phase::kWriting:
      case Phase::kLingering: return close();
      case Phase::kClosed: return;
    }
  }

  // The read ends with an error and answers.
  void stop_reading() {
    timed_out_ = true;
    error_code ignored;
    socket_.cancel(ignored);
  }

  void answer_late() {
    ++host_.session_counters().answers_late;
    give_up();
    answer(turn_, problem(503, "timeout", "no answer in time; a write may still take effect"));
  }

  // --- Requests ---

  void await_request() {
    if (finishing_) return close();
    if (buffer_.size() > 0) return read_header();
    enter(Phase::kIdle, host_.settings().idle_timeout);
    socket_.async_read_some(buffer_.prepare(limits::kHttpReadAheadBytes),
                            [self = shared_from_this()](error_code error, std::size_t bytes) {
                              if (self->phase_ == Phase::kClosed) return;
                              if (error) return self->close();
                              self->buffer_.commit(bytes);
                              self->read_header();
                            });
  }

  void read_header() {
    enter(Phase::kReading, host_.settings().request_timeout);
    head_ = false;  // What goes wrong from here on is answered with a body, whatever came before.
    parser_.emplace();
    parser_->header_limit(host_.settings().header_bytes_max);
    parser_->body_limit(host_.settings().body_bytes_max);
    http::async_read_header(socket_, buffer_, *parser_,
                            [self = shared_from_this()](error_code error, std::size_t) {
                              if (self->phase_ != Phase::kClosed) self->on_header(error);
                            });
  }

  void on_header(error_code error) {
    if (error) return read_failed(error);
    if (auto why = turned_away(parser_->get())) return turn_away(*std::move(why));
    const auto expect = view(parser_->get()[http::field::expect]);
    if (parser_->is_done() || expect.empty()) return read_body();
    asio::async_write(socket_, asio::buffer(kContinue.data(), kContinue.size()),
                      [self = shared_from_this()](error_code failed, std::size_t) {
                        if (self->phase_ == Phase::kClosed) return;
                        failed ? self->close() : self->read_body();
                      });
  }

  void read_body() {
    if (parser_->is_done()) return handle();
    http::async_read(socket_, buffer_, *parser_, [self = shared_from_this()](error_code error, std::size_t) {
      if (self->phase_ == Phase::kClosed) return;
      error ? self->read_failed(error) : self->handle();
    });
  }

  void read_failed(error_code error) {
    auto answer =
        timed_out_ ? problem(408, "timeout", "the request took too long to arrive") : answer_to(error);
    if (!answer) return close();
    turn_away(*std::move(answer));
  }

  void turn_away(HttpResponse why) {
    ++host_.session_counters().requests_refused;
    refuse(std::move(why));
  }

  void handle() {
    auto& message = parser_->get();
    keep_alive_ = message.keep_alive();
    head_ = message.method() == http::verb::head;
    HttpRequest request{head_ ? "GET" : std::string(view(message.method_string())),
                        std::string(view(message.target())), std::move(message.body())};
    ++host_.session_counters().requests;
    enter(Phase::kAnswering, host_.settings().answer_timeout);
    host_.handle(std::move(request), responder());
  }

  // --- Answers ---

  // Answers are posted here, whatever thread they come from.
  Responder responder() {
    given_up_ = std::make_shared<std::atomic<bool>>(false);
    return Responder(
        [self = weak_from_this(), executor = socket_.get_executor(), turn = turn_](HttpResponse response) {
          asio::post(executor, [self, turn, response = std::move(response)]() mutable {
            if (const auto session = self.lock()) session->answer(turn, std::move(response));
          });
        },
        given_up_);
  }

  void give_up() {
    if (given_up_) *given_up_ = true;
  }

  void answer(std::uint64_t turn, HttpResponse response) {
    if (turn == turn_ && phase_ == Phase::kAnswering) write(std::move(response));
  }

  void write(HttpResponse response) {
    enter(Phase::kWriting, host_.settings().request_timeout);
    response_.emplace(static_cast<http::status>(response.status), 11u);
    response_->set(http::field::content_type, response.content_type);
    response_->set(http::field::cache_control, "no-store");
    for (const auto& [name, value] : response.headers) response_->set(name, value);
    response_->keep_alive(keep_alive_ && !finishing_);
    response_->content_length(response.body.size());
    if (!head_) response_->body() = std::move(response.body);
    http::async_write(socket_, *response_, [self = shared_from_this()](error_code error, std::size_t) {
      if (self->phase_ != Phase::kClosed) self->written(error);
    });
  }

  void written(error_code error) {
    if (error) return close();
    if (response_->keep_alive()) return await_request();
    enter(Phase::kLingering, limits::kHttpLinger);
    socket_.shutdown(asio::ip::tcp::socket::shutdown_send, error);
    drop_input();
  }

  void drop_input() {
    socket_.async_read_some(asio::buffer(dropped_),
                            [self = shared_from_this()](error_code error, std::size_t) {
                              if (self->phase_ == Phase::kClosed) return;
                              error ? self->close() : self->drop_input();
                            });
  }

  asio::ip::tcp::socket socket_;
  asio::steady_timer timer_;
  HttpSessionHost& host_;
  boost::beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
  std::optional<http::response<http::string_body>> response_;
  std::array<char, 4096> dropped_{};

  Phase phase_ = Phase::kIdle;
  std::uint64_t turn_ = 0;  // Grows with each phase: what was meant for an earlier one comes too late.
  std::shared_ptr<std::atomic<bool>> given_up_;  // Of the request under way; read by whoever works on it.
  bool timed_out_ = false;
  bool keep_alive_ = true;
  bool head_ = false;
  bool finishing_ = false;
};

}  // namespace

std::shared_ptr<HttpSession> make_http_session(asio::ip::tcp::socket socket, HttpSessionHost& host) {
  return std::make_shared<Session>(std::move(socket), host);
}

}  // namespace deltamesh
