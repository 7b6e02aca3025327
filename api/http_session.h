// api/http_session.h - one connection of the HTTP server, without the library that reads and writes it.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <memory>

#include "api/http_server.h"

namespace deltamesh {

class HttpSession {
 public:
  virtual ~HttpSession() = default;
  virtual void start() = 0;
  // Instead of start(): says this and ends.
  virtual void refuse(HttpResponse response) = 0;
  // Ends once the request under way, if there is one, is answered.
  virtual void finish() = 0;
  // Ends now.
  virtual void close() = 0;
};

// What a session needs of its server, until it has called ended().
class HttpSessionHost {
 public:
  virtual const HttpSettings& settings() const = 0;
  virtual HttpCounters& session_counters() = 0;
  virtual void handle(HttpRequest request, Responder respond) = 0;
  // Once a session, whoever ended it.
  virtual void ended(HttpSession& session) = 0;

 protected:
  ~HttpSessionHost() = default;
};

std::shared_ptr<HttpSession> make_http_session(boost::asio::ip::tcp::socket socket, HttpSessionHost& host);

}  // namespace deltamesh
