// tests/api/http_client.h - a client that says exactly what it is told to, and reads what comes back.
//
// Plain sockets and a few lines of HTTP of its own: it can break every rule, and shares no code with the
// server.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace deltamesh::testing {

struct HttpReply {
  int status = 0;
  std::map<std::string, std::string> headers;  // Names in lower case.
  std::string body;
};

class HttpClient {
 public:
  explicit HttpClient(std::uint16_t port);  // Connects to 127.0.0.1, or throws.
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // False once the server no longer reads.
  bool send(std::string_view bytes) const;
  void end_sending() const;

  // The next answer; nullopt if the connection ends first. `head`: the answer to a HEAD has no body.
  std::optional<HttpReply> receive(bool head = false);
  // Whether the server has ended the connection, waiting until it does or has something to say.
  bool ended();

 private:
  bool read_more();
  std::optional<std::string> take_until(std::string_view end);

  int socket_ = -1;
  std::string buffer_;
};

// "GET /x HTTP/1.1", Host, Content-Length if there is a body, and `headers`, each ending in "\r\n".
std::string request_text(const std::string& method, const std::string& target, const std::string& body = {},
                         const std::string& headers = {});

// One request on a connection of its own.
HttpReply ask(std::uint16_t port, const std::string& method, const std::string& target,
              const std::string& body = {}, const std::string& headers = {});

}  // namespace deltamesh::testing
