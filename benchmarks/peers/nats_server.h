// benchmarks/peers/nats_server.h - a NATS server with JetStream in a process of its own, and a client of it.
//
// The client speaks the protocol of NATS as text on a socket: publishing, and one question at a time.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "tests/support/child_process.h"

namespace deltamesh::bench {

class NatsServer {
 public:
  // Its name is that of its domain, too; the folder, which is made if need be, keeps its streams, and its
  // settings and log are beside that.
  NatsServer(std::string name, std::filesystem::path folder);

  // As a hub, or as the leaf of the hub that takes leaves at this port. Returns once it takes clients.
  void start(bool fsync, std::optional<std::uint16_t> hub_port = {});
  void stop();

  void publish(std::string_view subject, std::string_view payload);
  // The answer of JetStream's API to a question; null while nobody answers there. Throws if the answer is an
  // error.
  boost::json::value ask(const std::string& subject, const boost::json::value& question = {});
  // What the stream holds.
  std::uint64_t messages(const std::string& stream);

  [[nodiscard]] std::uint16_t leaf_port() const { return leaf_port_; }
  [[nodiscard]] pid_t pid() const { return process_->pid(); }  // Of one that was started.
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
  [[nodiscard]] std::string log() const;

 private:
  void connect();
  std::string answer();

  std::string name_;
  std::filesystem::path folder_;
  std::uint16_t port_, leaf_port_;
  std::unique_ptr<testing::ChildProcess> process_;
  boost::asio::ip::tcp::iostream client_;
};

}  // namespace deltamesh::bench
