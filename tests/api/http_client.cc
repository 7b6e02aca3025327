// tests/api/http_client.cc - sockets of the system, and answers with a Content-Length.
#include "tests/api/http_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <stdexcept>

#include "tests/support/wait.h"

namespace deltamesh::testing {
namespace {

std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

int connected_socket(std::uint16_t port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const timeval patience{kPatience.count(), 0};
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return socket;
  ::close(socket);
  throw std::runtime_error("no connection to the server under test");
}

}  // namespace

HttpClient::HttpClient(std::uint16_t port) : socket_(connected_socket(port)) {}

HttpClient::~HttpClient() {
  ::close(socket_);
}

bool HttpClient::send(std::string_view bytes) const {
  while (!bytes.empty()) {
    const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void HttpClient::end_sending() const {
  ::shutdown(socket_, SHUT_WR);
}

bool HttpClient::read_more() {
  std::array<char, 65536> chunk{};
  const auto size = ::recv(socket_, chunk.data(), chunk.size(), 0);
  if (size <= 0) return false;
  buffer_.append(chunk.data(), static_cast<std::size_t>(size));
  return true;
}

bool HttpClient::ended() {
  return buffer_.empty() && !read_more();
}

std::optional<std::string> HttpClient::take_until(std::string_view end) {
  for (;;) {
    const auto at = buffer_.find(end);
    if (at != std::string::npos) {
      std::string taken = buffer_.substr(0, at);
      buffer_.erase(0, at + end.size());
      return taken;
    }
    if (!read_more()) return std::nullopt;
  }
}

std::optional<HttpReply> HttpClient::receive(bool head) {
  const auto status = take_until("\r\n");
  if (!status || status->rfind("HTTP/1.1 ", 0) != 0) return std::nullopt;
  HttpReply reply;
  reply.status = std::stoi(status->substr(9, 3));
  for (;;) {
    const auto line = take_until("\r\n");
    if (!line) return std::nullopt;
    if (line->empty()) break;
    const auto colon = line->find(": ");
    if (colon == std::string::npos) return std::nullopt;
    reply.headers[lower(line->substr(0, colon))] = line->substr(colon + 2);
  }
  if (head || reply.status < 200) return reply;
  const std::size_t size = std::stoul(reply.headers.at("content-length"));
  while (buffer_.size() < size) {
    if (!read_more()) return std::nullopt;
  }
  reply.body = buffer_.substr(0, size);
  buffer_.erase(0, size);
  return reply;
}

std::string request_text(const std::string& method, const std::string& target, const std::string& body,
                         const std::string& headers) {
  std::string text = method + " " + target + " HTTP/1.1\r\nHost: localhost\r\n" + headers;
  if (!body.empty()) text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  return text + "\r\n" + body;
}

HttpReply ask(std::uint16_t port, const std::string& method, const std::string& target,
              const std::string& body, const std::string& headers) {
  HttpClient client(port);
  client.send(request_text(method, target, body, headers));
  return client.receive(method == "HEAD").value_or(HttpReply{});
}

}  // namespace deltamesh::testing
