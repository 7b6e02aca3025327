// api/http_server.h - HTTP/1.1 on a loopback address: connections in, plain requests out, answers back.
//
// Keeps connections alive, serves the requests of one in their order (pipelined ones wait), and bounds what a
// client may send, how long it may take, and how many there are. Whoever breaks a rule of HTTP reads why and
// is disconnected. There is no encryption and no account yet, so only programs of this machine are let in: it
// listens on loopback alone, and turns away browsers that were led here by another site (Host or Origin name
// something else than this machine).
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "api/http_message.h"
#include "api/limits.h"
#include "api/responder.h"
#include "crdt/result.h"

namespace deltamesh {

struct HttpSettings {
  std::string address = "127.0.0.1";  // Or "::1".
  std::uint16_t port = 0;             // 0: a free one.
  std::uint32_t header_bytes_max = limits::kHttpHeaderBytesMax;
  std::uint64_t body_bytes_max = limits::kHttpBodyBytesMax;
  std::size_t connections_max = limits::kHttpConnectionsMax;
  std::chrono::milliseconds request_timeout = limits::kHttpRequestTimeout;
  std::chrono::milliseconds idle_timeout = limits::kHttpIdleTimeout;
  std::chrono::milliseconds answer_timeout = limits::kHttpAnswerTimeout;
};

struct HttpCounters {
  std::uint64_t connections = 0;
  std::uint64_t connections_refused = 0;  // Over the bound; told so.
  std::uint64_t requests = 0;             // Handed to the handler.
  std::uint64_t requests_refused = 0;     // Not HTTP, too large, too slow, or not from this machine.
  std::uint64_t answers_late = 0;         // Given up: answer_timeout.
};

class HttpServer {
 public:
  // Runs on the thread of `io`; its answer may come from any thread.
  using Handler = std::function<void(HttpRequest, Responder)>;

  // `io` is run by one thread and outlives the server and every Responder. An address that is not loopback is
  // refused.
  static Result<std::unique_ptr<HttpServer>> listen(boost::asio::io_context& io, const HttpSettings& settings,
                                                    Handler handler);
  ~HttpServer();  // Breaks what is left; on that thread, or when it has ended.
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] const HttpCounters& counters() const;  // On the thread of `io`.

  // Takes nothing new, lets requests under way be answered, then calls `stopped`; after `patience` it breaks
  // what is left. On the thread of `io`, once.
  void stop(std::chrono::milliseconds patience, std::function<void()> stopped);

 private:
  class Core;
  explicit HttpServer(std::shared_ptr<Core> core);
  std::shared_ptr<Core> core_;
};

}  // namespace deltamesh
