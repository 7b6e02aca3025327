// ingest/mqtt_source.h - takes messages from an MQTT broker, by rules, into a Batcher.
//
// It connects, subscribes, and does both again, with growing waits, whenever the connection is lost or cannot
// be made: that is the one mechanism of reconnecting (Paho's own is off). A message that no rule can use is
// counted and logged, never an error of the source.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "crdt/result.h"
#include "ingest/batcher.h"
#include "ingest/counters.h"
#include "ingest/limits.h"
#include "ingest/rule.h"

namespace deltamesh {

struct MqttSettings {
  std::string uri = "mqtt://127.0.0.1:1883";
  std::string client_id;  // One a broker; needed for a persistent session.
  std::string username;   // Empty: none.
  std::string password;
  bool mqtt5 = false;      // Else 3.1.1.
  bool persistent = true;  // The broker keeps messages of QoS 1 and 2 while we are away.
  bool strict = false;     // Acknowledge each message only when it is durable: one commit a message.
  std::chrono::seconds session_expiry{7 * 24 * 3600};  // Of a persistent session; MQTT 5 only.
  std::chrono::seconds keepalive{20};
  std::chrono::milliseconds reconnect_first = limits::kReconnectFirst;
  std::chrono::milliseconds reconnect_last = limits::kReconnectLast;
};

struct MqttStatus {
  bool connected = false;                       // And subscribed to all that the broker allows.
  std::chrono::system_clock::time_point since;  // Of the last change of `connected`.
  std::uint64_t connects = 0;
  std::uint64_t messages = 0;
  std::vector<std::string> refused_filters;  // Subscriptions that the broker refused.
  std::string last_error;
};

class MqttSource {
 public:
  // `batcher` and `counters` outlive this. Returns at once, whether or not the broker is there; the error is
  // about the settings.
  static Result<std::unique_ptr<MqttSource>> start(MqttSettings settings, std::vector<CompiledRule> rules,
                                                   Batcher& batcher, IngestCounters& counters);
  // Lets go of the batcher's bound, disconnects, and waits for the message being handled. What was received
  // is in the batcher then, so stop that after this.
  ~MqttSource();
  MqttSource(const MqttSource&) = delete;
  MqttSource& operator=(const MqttSource&) = delete;

  [[nodiscard]] MqttStatus status() const;

 private:
  class Client;
  explicit MqttSource(std::unique_ptr<Client> client);
  std::unique_ptr<Client> client_;
};

}  // namespace deltamesh
