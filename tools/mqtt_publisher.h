// tools/mqtt_publisher.h - publishes to a broker with a bounded number of messages in flight.
//
// Reconnects by itself and repeats what was not acknowledged, so each message of QoS 1 arrives at least once
// or is reported as an error. Not thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "crdt/result.h"

namespace deltamesh {

struct PublisherSettings {
  std::string uri = "mqtt://127.0.0.1:1883";
  std::string client_id;  // Empty: a random one.
  std::string username;   // Empty: none.
  std::string password;
  int qos = 1;
  int in_flight_max = 200;
  std::chrono::seconds patience{60};  // For the first connection, and for any acknowledgement.
};

class MqttPublisher {
 public:
  // Tries until the broker answers or patience ends.
  static Result<std::unique_ptr<MqttPublisher>> connect(PublisherSettings settings);
  ~MqttPublisher();
  MqttPublisher(const MqttPublisher&) = delete;
  MqttPublisher& operator=(const MqttPublisher&) = delete;

  // Waits while in_flight_max messages are unacknowledged.
  Status publish(const std::string& topic, std::string_view payload);
  // Waits for every acknowledgement.
  Status drain();

  [[nodiscard]] std::uint64_t published() const;
  [[nodiscard]] std::uint64_t acknowledged() const;

 private:
  class Client;
  explicit MqttPublisher(std::unique_ptr<Client> client);
  std::unique_ptr<Client> client_;
};

}  // namespace deltamesh
