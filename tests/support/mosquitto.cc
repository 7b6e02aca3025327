// tests/support/mosquitto.cc - the configuration and the life of a broker.
#include "tests/support/mosquitto.h"

#include <pwd.h>
#include <signal.h>
#include <unistd.h>

#include <fstream>
#include <stdexcept>
#include <utility>

#include "tests/support/free_port.h"
#include "tests/support/wait.h"

namespace deltamesh::testing {
namespace {

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

Mosquitto::Mosquitto(BrokerSaves saves, std::string more)
    : saves_(saves), more_(std::move(more)), port_(free_port()) {
  write_config();
  start();
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
  if (!try_start()) throw std::runtime_error("mosquitto does not start:\n" + log());
}

void Mosquitto::kill() {
  process_->signal(SIGKILL);
  process_->wait();
}

}  // namespace deltamesh::testing
