// tests/api/http_server_test.cc - the server against clients that keep the rules of HTTP, and that break
// them.
#include "api/http_server.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

#include "tests/api/http_client.h"
#include "tests/support/wait.h"

namespace deltamesh::testing {
namespace {

using namespace std::chrono_literals;

// Echoes the request; "/hold" is answered by release(), "/drop" by nobody.
class EchoServer {
 public:
  explicit EchoServer(const HttpSettings& settings = {}) {
    auto listening = HttpServer::listen(io_, settings, [this](HttpRequest request, Responder respond) {
      handle(std::move(request), std::move(respond));
    });
    REQUIRE(listening);
    server_ = *std::move(listening);
    port_ = server_->port();
    thread_ = std::thread([this] { io_.run(); });
  }
  ~EchoServer() {
    on_thread([this] { server_.reset(); });
    held_.reset();
    work_.reset();
    thread_.join();
  }
  EchoServer(const EchoServer&) = delete;
  EchoServer& operator=(const EchoServer&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }

  HttpCounters counters() {
    HttpCounters counters;
    on_thread([&] { counters = server_->counters(); });
    return counters;
  }

  void wait_for_held() {
    std::unique_lock lock(mutex_);
    REQUIRE(changed_.wait_for(lock, kPatience, [this] { return held_.has_value(); }));
  }
  void release() {
    wait_for_held();
    (*held_)(HttpResponse{200, "released"});
  }

  // Returns a future of the end.
  std::future<void> stop(std::chrono::milliseconds patience) {
    auto done = std::make_shared<std::promise<void>>();
    on_thread([&] { server_->stop(patience, [done] { done->set_value(); }); });
    return done->get_future();
  }

 private:
  template <class Action>
  void on_thread(Action action) {
    std::promise<void> done;
    boost::asio::post(io_, [&] {
      action();
      done.set_value();
    });
    done.get_future().wait();
  }

  void handle(HttpRequest request, Responder respond) {
    if (request.target == "/drop") return;
    if (request.target == "/hold") {
      const std::lock_guard lock(mutex_);
      held_.emplace(std::move(respond));
      changed_.notify_all();
      return;
    }
    respond(HttpResponse{200, request.method + " " + request.target + " " + request.body});
  }

  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{io_.get_executor()};
  std::unique_ptr<HttpServer> server_;
  std::uint16_t port_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Responder> held_;
  std::thread thread_;
};

TEST_CASE("one connection serves request after request", "[http]") {
  EchoServer server;
  HttpClient client(server.port());
  for (const std::string body : {"one", "", "three"}) {
    REQUIRE(client.send(request_text("PUT", "/x", body)));
    const auto reply = client.receive();
    REQUIRE(reply);
    CHECK(reply->status == 200);
    CHECK(reply->body == "PUT /x " + body);
  }
  CHECK(server.counters().connections == 1);
  CHECK(server.counters().requests == 3);
}

TEST_CASE("pipelined requests are answered in their order", "[http]") {
  EchoServer server;
  HttpClient client(server.port());
  std::string all;
  for (int i = 0; i < 50; ++i) all += request_text("POST", "/" + std::to_string(i), std::string(1000, 'b'));
  REQUIRE(client.send(all));
  for (int i = 0; i < 50; ++i) {
    const auto reply = client.receive();
    REQUIRE(reply);
    CHECK(reply->body == "POST /" + std::to_string(i) + " " + std::string(1000, 'b'));
  }
}

TEST_CASE("a client that asks for it, or speaks HTTP/1.0, is disconnected after its answer", "[http]") {
  EchoServer server;
  const auto text =
      GENERATE(as<std::string>(), "GET /x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
               "GET /x HTTP/1.0\r\n\r\n");
  HttpClient client(server.port());
  REQUIRE(client.send(text));
  CHECK(client.receive()->body == "GET /x ");
  CHECK(client.ended());
}

TEST_CASE("a HEAD is answered like a GET, without the body", "[http]") {
  EchoServer server;
  HttpClient client(server.port());
  REQUIRE(client.send(request_text("HEAD", "/x") + request_text("GET", "/y")));
  CHECK(client.receive(true)->headers.at("content-length") == "7");
  CHECK(client.receive()->body == "GET /y ");
}

TEST_CASE("what goes wrong after a HEAD is told with its body", "[http]") {
  EchoServer server;
  HttpClient client(server.port());
  REQUIRE(client.send(request_text("HEAD", "/x") + "nonsense\r\n\r\n"));
  CHECK(client.receive(true)->status == 200);
  const auto reply = client.receive();
  REQUIRE(reply);
  CHECK(reply->status == 400);
  CHECK(reply->body.find("not an HTTP/1.1 request") != std::string::npos);
}

TEST_CASE("a client that waits for leave to send its body gets it", "[http]") {
  EchoServer server;
  HttpClient client(server.port());
  REQUIRE(
      client.send("PUT /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"));
  CHECK(client.receive()->status == 100);
  REQUIRE(client.send("body"));
  CHECK(client.receive()->body == "PUT /x body");
}

TEST_CASE("a body may come in chunks", "[http]") {
  EchoServer server;
  HttpClient client(server.port());
  REQUIRE(
      client.send("PUT /x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"));
  CHECK(client.receive()->body == "PUT /x abcde");
}

TEST_CASE("who breaks a rule reads why and is disconnected", "[http]") {
  struct Row {
    std::string request;
    int status;
    const char* part;
  };
  const std::string get = "GET / HTTP/1.1\r\n";
  const auto row = GENERATE_COPY(values<Row>({
      {"nonsense\r\n\r\n", 400, "not an HTTP/1.1 request"},
      {"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n", 400, "not an HTTP/1.1 request"},
      {get + "Host localhost\r\n\r\n", 400, "not an HTTP/1.1 request"},
      {get + "Host: localhost\r\nContent-Length: many\r\n\r\n", 400, "not an HTTP/1.1 request"},
      {"PUT / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400, "not an HTTP"},
      {std::string("\0\1\2\3", 4) + "\r\n\r\n", 400, "not an HTTP/1.1 request"},
      {get + "\r\n", 400, "names one Host"},
      {get + "Host: localhost\r\nHost: localhost\r\n\r\n", 400, "names one Host"},
      {get + "Host: gateway.example\r\n\r\n", 403, "only requests to localhost"},
      {get + "Host: localhost:80x\r\n\r\n", 403, "only requests to localhost"},
      {get + "Host: 10.0.0.1\r\n\r\n", 403, "only requests to localhost"},
      {get + "Host: localhost\r\nOrigin: https://pages.example\r\n\r\n", 403, "other sites"},
      {get + "Host: localhost\r\nOrigin: null\r\n\r\n", 403, "other sites"},
      {get + "Host: localhost\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n", 431, "headers are too large"},
      {"GET /" + std::string(100'000, 'x') + " HTTP/1.1\r\nHost: localhost\r\n\r\n", 431, "too large"},
      {"PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 8388609\r\n\r\n", 413, "body is too large"},
      {"PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999\r\n\r\n", 400,
       "not an HTTP"},
  }));
  EchoServer server;
  HttpClient client(server.port());
  client.send(row.request);
  CAPTURE(row.request.substr(0, 80));
  const auto reply = client.receive();
  REQUIRE(reply);
  CHECK(reply->status == row.status);
  CHECK(reply->body.find(row.part) != std::string::npos);
  CHECK(reply->headers.at("connection") == "close");
  CHECK(client.ended());
  CHECK(server.counters().requests == 0);
  CHECK(server.counters().requests_refused == 1);
}

TEST_CASE("loopback has several names", "[http]") {
  EchoServer server;
  const auto headers =
      GENERATE(as<std::string>(), "Host: LOCALHOST:8480", "Host: 127.0.0.1", "Host: 127.0.0.1:1",
               "Host: [::1]:8480", "Host: [::1]", "Host: localhost\r\nOrigin: http://127.0.0.1:3000");
  HttpClient client(server.port());
  REQUIRE(client.send("GET /x HTTP/1.1\r\n" + headers + "\r\n\r\n"));
  CHECK(client.receive()->status == 200);
}

TEST_CASE("a chunked body is cut off at the same bound", "[http]") {
  HttpSettings settings;
  settings.body_bytes_max = 10'000;
  EchoServer server(settings);
  HttpClient client(server.port());
  client.send("PUT / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 20; ++i) client.send("400\r\n" + std::string(1024, 'x') + "\r\n");
  CHECK(client.receive()->status == 413);
  CHECK(client.ended());
}

TEST_CASE("the reason reaches a client that is still sending", "[http]") {
  EchoServer server;
  HttpClient client(server.port());
  client.send("PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20000000\r\n\r\n");
  client.send(std::string(20'000'000, 'x'));
  const auto reply = client.receive();
  REQUIRE(reply);
  CHECK(reply->status == 413);
}

TEST_CASE("a client too slow to say what it wants is told so and disconnected", "[http]") {
  HttpSettings settings;
  settings.request_timeout = 50ms;
  EchoServer server(settings);
  const auto text = GENERATE(as<std::string>(), "G", "GET / HTTP/1.1\r\nHost:",
                             "PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhalf");
  HttpClient client(server.port());
  REQUIRE(client.send(text));
  const auto reply = client.receive();
  REQUIRE(reply);
  CHECK(reply->status == 408);
  CHECK(client.ended());
}

TEST_CASE("an idle connection is closed without a word", "[http]") {
  HttpSettings settings;
  settings.idle_timeout = 50ms;
  EchoServer server(settings);
  HttpClient silent(server.port());
  CHECK(silent.ended());
  // A client that is held up between connecting and asking counts as idle too.
  CHECK(wait_until([&] {
    HttpClient served(server.port());
    served.send(request_text("GET", "/x"));
    const auto reply = served.receive();
    return reply && reply->status == 200 && served.ended();
  }));
}

TEST_CASE("a client that goes away in the middle is forgotten", "[http]") {
  EchoServer server;
  {
    HttpClient client(server.port());
    client.send("PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhalf");
    client.end_sending();
    CHECK(client.ended());
  }
  CHECK(ask(server.port(), "GET", "/x").status == 200);
}

TEST_CASE("an answer that never comes is given up, and comes too late when it does", "[http]") {
  HttpSettings settings;
  settings.answer_timeout = 50ms;
  EchoServer server(settings);
  HttpClient client(server.port());
  client.send(request_text("GET", "/hold"));
  const auto reply = client.receive();
  REQUIRE(reply);
  CHECK(reply->status == 503);
  CHECK(reply->body.find("\"timeout\"") != std::string::npos);
  server.release();
  client.send(request_text("GET", "/x"));
  CHECK(client.receive()->body == "GET /x ");
  CHECK(server.counters().answers_late == 1);
}

TEST_CASE("a request that its handler forgets is answered all the same", "[http]") {
  EchoServer server;
  const auto reply = ask(server.port(), "GET", "/drop");
  CHECK(reply.status == 503);
  CHECK(reply.headers.at("retry-after") == "1");
}

TEST_CASE("the connection over the bound reads why, and room is made by one that ends", "[http]") {
  HttpSettings settings;
  settings.connections_max = 2;
  EchoServer server(settings);
  auto first = std::make_unique<HttpClient>(server.port());
  HttpClient second(server.port());
  for (HttpClient* const client : {first.get(), &second}) {
    client->send(request_text("GET", "/x"));
    REQUIRE(client->receive()->status == 200);
  }
  const auto refused = ask(server.port(), "GET", "/x");
  CHECK(refused.status == 503);
  CHECK(refused.body.find("too many connections") != std::string::npos);
  first.reset();
  CHECK(wait_until([&] { return ask(server.port(), "GET", "/x").status == 200; }));
  CHECK(server.counters().connections_refused >= 1);
}

TEST_CASE("stopping answers what is under way, ends what is idle, and takes nothing new", "[http]") {
  EchoServer server;
  HttpClient busy(server.port()), idle(server.port());
  idle.send(request_text("GET", "/x"));
  REQUIRE(idle.receive()->status == 200);
  busy.send(request_text("GET", "/hold"));
  server.wait_for_held();
  auto stopped = server.stop(kPatience);
  CHECK(idle.ended());
  CHECK_THROWS(HttpClient(server.port()));
  server.release();
  const auto reply = busy.receive();
  REQUIRE(reply);
  CHECK(reply->body == "released");
  CHECK(reply->headers.at("connection") == "close");
  CHECK(busy.ended());
  busy.end_sending();
  CHECK(stopped.wait_for(kPatience) == std::future_status::ready);
}

TEST_CASE("stopping does not wait longer than it is told", "[http]") {
  EchoServer server;
  HttpClient busy(server.port());
  busy.send(request_text("GET", "/hold"));
  server.wait_for_held();
  auto stopped = server.stop(10ms);
  CHECK(stopped.wait_for(kPatience) == std::future_status::ready);
  CHECK(busy.ended());
}

TEST_CASE("an address that others can reach is refused before anything listens", "[http]") {
  boost::asio::io_context io;
  const auto handler = [](const HttpRequest&, const Responder&) {};
  for (const auto* address : {"0.0.0.0", "::", "192.168.1.2", "::ffff:127.0.0.1", "localhost", ""}) {
    HttpSettings settings;
    settings.address = address;
    CAPTURE(address);
    const auto server = HttpServer::listen(io, settings, handler);
    REQUIRE(!server);
    CHECK(server.error().code == ErrorCode::kInvalid);
  }
  HttpSettings settings;
  const auto first = HttpServer::listen(io, settings, handler);
  REQUIRE(first);
  CHECK((*first)->port() != 0);
  settings.port = (*first)->port();
  CHECK(HttpServer::listen(io, settings, handler).error().code == ErrorCode::kIo);
}

}  // namespace
}  // namespace deltamesh::testing
