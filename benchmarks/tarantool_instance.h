// benchmarks/tarantool_instance.h - a Tarantool in a process of its own, told what to do one command a line.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/child_process.h"

namespace deltamesh::bench {

// What the program says of its version; none where there is none.
std::optional<std::string> tarantool_version();

class TarantoolInstance {
 public:
  // Finds its ports; the folder, which is made if need be, keeps its data, and its log is beside that.
  explicit TarantoolInstance(std::filesystem::path folder);

  // Runs a script of benchmarks/, with the ports, the folder and then `arguments` as its own.
  void start(const std::string& script, const std::vector<std::string>& arguments);
  // Returns once it takes commands, which is when its script has configured it; throws if it ends before.
  void connect();
  // The answer to a command of its script, a number; throws with what it said if that is none.
  std::int64_t ask(const std::string& command);
  void stop();

  [[nodiscard]] std::uint16_t port() const { return listen_; }
  [[nodiscard]] pid_t pid() const { return process_->pid(); }  // Of one that was started.
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
  [[nodiscard]] std::string log() const;

 private:
  std::filesystem::path folder_;
  std::uint16_t listen_, control_;
  std::unique_ptr<testing::ChildProcess> process_;
  boost::asio::ip::tcp::iostream commands_;
};

}  // namespace deltamesh::bench
