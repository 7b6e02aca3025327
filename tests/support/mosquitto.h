// tests/support/mosquitto.h - a real broker on a free loopback port, which can be killed and started again.
//
// Its queues are unbounded (the default silently drops beyond 1,000 messages) and it answers at once
// (TCP_NODELAY).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/child_process.h"
#include "tests/support/temp_dir.h"

namespace deltamesh::testing {

// kEveryChange: sessions and their messages survive SIGKILL, at under 1,000 messages/s. kNever: they do not.
enum class BrokerSaves : unsigned char { kEveryChange, kNever };

class Mosquitto {
 public:
  // Returns once it accepts connections; throws if it does not. `more` are further lines of its
  // configuration, such as "log_type all\n".
  explicit Mosquitto(BrokerSaves saves = BrokerSaves::kEveryChange, std::string more = {});

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::string uri() const { return "mqtt://127.0.0.1:" + std::to_string(port_); }
  // Of all its lives.
  [[nodiscard]] std::string log() const { return read_text(dir_.path() / "log"); }

  // Through mosquitto_pub with QoS 1; returns when the broker has acknowledged. Payloads of publish_lines()
  // have no line breaks and share a connection. Throws if that fails.
  void publish(const std::string& topic, const std::string& payload, bool retain = false) const;
  void publish_lines(const std::string& topic, const std::vector<std::string>& payloads) const;

  void kill();   // SIGKILL; returns when it is gone.
  void start();  // Again, on the same port with the same data.

 private:
  void write_config() const;
  bool try_start();
  void run_publisher(std::vector<std::string> arguments, const std::string& input) const;

  BrokerSaves saves_;
  std::string more_;
  TempDir dir_;
  std::uint16_t port_;
  std::unique_ptr<ChildProcess> process_;
};

}  // namespace deltamesh::testing
