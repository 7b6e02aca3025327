// tests/support/mosquitto.cc - the configuration and the life of a broker.
#include "tests/support/mosquitto.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <stdexcept>
#include <utility>

#include "tests/support/wait.h"

namespace deltamesh::testing {
namespace {

class Socket {
 public:
  Socket() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (fd_ < 0) throw std::runtime_error("no socket");
  }
  ~Socket() { close(fd_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  [[nodiscard]] int fd() const { return fd_; }

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

// Debian keeps it out of the ordinary user's path.
std::string program() {
  const char* usual = "/usr/sbin/mosquitto";
  return access(usual, X_OK) == 0 ? usual : "mosquitto";
}

// As root the broker would change to a user who cannot write into our folder.
std::string current_user() {
  const passwd* user = getpwuid(geteuid());
  return user ? user->pw_name : "root";
}

}  // namespace

std::uint16_t free_port() {
  const Socket socket;
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  auto* const raw = reinterpret_cast<sockaddr*>(&address);
  if (bind(socket.fd(), raw, size) != 0 || getsockname(socket.fd(), raw, &size) != 0) {
    throw std::runtime_error("no free port");
  }
  return ntohs(address.sin_port);
}

bool accepts_connections(std::uint16_t port) {
  const Socket socket;
  const sockaddr_in address = loopback(port);
  return connect(socket.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

Mosquitto::Mosquitto(BrokerSaves saves, std::string more) : saves_(saves), more_(std::move(more)) {
  // Another program may take the port between finding and using it.
  for (int attempt = 0; attempt < 5; ++attempt) {
    port_ = free_port();
    write_config();
    if (try_start()) return;
  }
  throw std::runtime_error("mosquitto does not start:\n" + log());
}

void Mosquitto::write_config() const {
  std::ofstream config(dir_.path() / "config");
  config << "listener " << port_ << " 127.0.0.1\n"
         << "allow_anonymous true\n"
         << "user " << current_user() << "\n"
         << "max_queued_messages 0\n"
         << "set_tcp_nodelay true\n"
         << more_;
  if (saves_ == BrokerSaves::kNever) return;
  config << "persistence true\n"
         << "persistence_location " << dir_.path().string() << "/\n"
         << "autosave_interval 1\n"
         << "autosave_on_changes true\n";
}

bool Mosquitto::try_start() {
  const auto config = (dir_.path() / "config").string();
  process_ =
      std::make_unique<ChildProcess>(std::vector<std::string>{program(), "-c", config}, dir_.path() / "log");
  wait_until([this] { return !process_->running() || accepts_connections(port_); });
  return process_->running();
}

void Mosquitto::publish(const std::string& topic, const std::string& payload, bool retain) const {
  std::vector<std::string> arguments{"-t", topic, payload.empty() ? "-n" : "-s"};
  if (retain) arguments.push_back("-r");
  run_publisher(std::move(arguments), payload);
}

void Mosquitto::publish_lines(const std::string& topic, const std::vector<std::string>& payloads) const {
  std::string input;
  for (const std::string& payload : payloads) input += payload + "\n";
  run_publisher({"-t", topic, "-l"}, input);
}

void Mosquitto::run_publisher(std::vector<std::string> arguments, const std::string& input) const {
  const TempDir dir;
  const auto file = dir.path() / "input";
  std::ofstream(file, std::ios::binary) << input;
  const std::vector<std::string> head{"mosquitto_pub",       "-h", "127.0.0.1", "-p",
                                      std::to_string(port_), "-q", "1"};
  arguments.insert(arguments.begin(), head.begin(), head.end());
  const Output output = run(std::move(arguments), file);
  if (output.status != 0) throw std::runtime_error("mosquitto_pub: " + output.text);
}

void Mosquitto::start() {
  if (!try_start()) throw std::runtime_error("mosquitto does not start again:\n" + log());
}

void Mosquitto::kill() {
  process_->signal(SIGKILL);
  process_->wait();
}

}  // namespace deltamesh::testing
