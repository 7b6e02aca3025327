// benchmarks/tarantool_instance.cc - the process and the connection to its script.
#include "benchmarks/tarantool_instance.h"

#include <signal.h>

#include <charconv>
#include <chrono>
#include <stdexcept>

#include "tests/support/free_port.h"
#include "tests/support/wait.h"

namespace deltamesh::bench {

using boost::asio::ip::tcp;

std::optional<std::string> tarantool_version() {
  const testing::Output output = testing::run({"tarantool", "--version"});
  if (output.status != 0) return std::nullopt;
  return output.text.substr(0, output.text.find('\n'));
}

TarantoolInstance::TarantoolInstance(std::filesystem::path folder)
    : folder_(std::move(folder)), listen_(testing::free_port()), control_(testing::free_port()) {
  std::filesystem::create_directories(folder_);
}

void TarantoolInstance::start(const std::string& script, const std::vector<std::string>& arguments) {
  std::vector<std::string> command{"tarantool", DELTAMESH_SOURCE_DIR "/benchmarks/" + script,
                                   std::to_string(listen_), std::to_string(control_), folder_.string()};
  command.insert(command.end(), arguments.begin(), arguments.end());
  process_ = std::make_unique<testing::ChildProcess>(std::move(command), folder_.string() + ".log");
}

void TarantoolInstance::connect() {
  const auto ready = [&] { return !process_->running() || testing::accepts_connections(control_); };
  if (!testing::wait_until(ready) || !process_->running())
    throw std::runtime_error("tarantool does not start:\n" + log());
  commands_.expires_after(std::chrono::hours(1));
  commands_.connect(tcp::endpoint(boost::asio::ip::address_v4::loopback(), control_));
}

std::int64_t TarantoolInstance::ask(const std::string& command) {
  commands_ << command << '\n' << std::flush;
  std::string answer;
  std::getline(commands_, answer);
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(answer.data(), answer.data() + answer.size(), number);
  if (error != std::errc() || end != answer.data() + answer.size())
    throw std::runtime_error("tarantool does not do \"" + command.substr(0, 40) + "\": " + answer);
  return number;
}

void TarantoolInstance::stop() {
  commands_.close();
  process_->signal(SIGTERM);
  if (!process_->wait()) throw std::runtime_error("tarantool does not stop:\n" + log());
}

std::string TarantoolInstance::log() const {
  return testing::read_text(folder_.string() + ".log");
}

}  // namespace deltamesh::bench
