// tests/support/free_port.cc - random ports, each tried and reserved.
#include "tests/support/free_port.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <random>
#include <stdexcept>
#include <string>

namespace deltamesh::testing {
namespace {

constexpr std::uint16_t kFirst = 10'000;
constexpr std::uint16_t kLast = 32'767;  // net.ipv4.ip_local_port_range starts above it.
constexpr int kAttempts = 100;

class Socket {
 public:
  explicit Socket(int family) : fd_(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (fd_ < 0) throw std::runtime_error("no socket");
  }
  ~Socket() {
    if (fd_ >= 0) close(fd_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  [[nodiscard]] int fd() const { return fd_; }
  void keep_until_exit() { fd_ = -1; }

 private:
  int fd_;
};

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

bool is_free(std::uint16_t port) {
  const Socket socket(AF_INET);
  const sockaddr_in address = loopback(port);
  return bind(socket.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

// A name without a file can be bound once on a machine, and ends with the process (unix(7), "abstract").
bool reserve(std::uint16_t port) {
  const std::string name = std::string(1, '\0') + "deltamesh-test-port-" + std::to_string(port);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::copy(name.begin(), name.end(), address.sun_path);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  Socket socket(AF_UNIX);
  if (bind(socket.fd(), reinterpret_cast<const sockaddr*>(&address), size) != 0) return false;
  socket.keep_until_exit();
  return true;
}

}  // namespace

std::uint16_t free_port() {
  std::random_device random;
  std::uniform_int_distribution<std::uint16_t> ports(kFirst, kLast);
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const std::uint16_t port = ports(random);
    if (is_free(port) && reserve(port)) return port;
  }
  throw std::runtime_error("no free port");
}

bool accepts_connections(std::uint16_t port) {
  const Socket socket(AF_INET);
  const sockaddr_in address = loopback(port);
  return connect(socket.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

}  // namespace deltamesh::testing
