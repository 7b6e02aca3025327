// ingest/mqtt_source.h - takes messages from an MQTT broker, by rules, into a Batcher.
//
// It connects, subscribes, and does both again, with growing waits, whenever the connection is lost or cannot
// be made: that is the one mechanism of reconnecting (Paho's own is off). A message that no rule can use is
// counted and logged, never an error of the source.
//
// It subscribes with QoS 1 where a rule asks for 2: Paho keeps the first half of a QoS 2 delivery in memory
// only, so a kill between the halves would lose a message that the broker holds for delivered. A message that
// comes twice does no harm, for a query reads samples as a set.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "crdt/result.h"
#include "ingest/batcher.h"
#include "ingest/counters.h"
#include "ingest/limits.h"
#include "ingest/mqtt_journal.h"
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

class MqttSource {
 public:
  // `batcher` and `counters` outlive this. Returns at once, whether or not the broker is there; the error is
  // about the settings.
  static Result<std::unique_ptr<MqttSource>> start(MqttSettings settings, std::vector<CompiledRule> rules,
                                                   Batcher& batcher, IngestCounters& counters,
                                                   MqttJournal::LogHook log = {});
  ~MqttSource();  // As stop(), with all the patience there is.
  MqttSource(const MqttSource&) = delete;
  MqttSource& operator=(const MqttSource&) = delete;

  // Begins what stop() does and returns at once: of several sources, tell all before waiting for one.
  void begin_stop();
  // Lets go of the batcher's bound and disconnects. Returns whether that is done: then all that was received
  // is in the batcher, so stop that after this. If not, a strict message is still not durable. Paho would
  // acknowledge it as soon as its handler returned, and cannot disconnect before, so nothing but the end of
  // the process, or the disk, ends this.
  bool stop(std::chrono::milliseconds patience);

  [[nodiscard]] MqttStatus status() const;

 private:
  class Client;
  explicit MqttSource(std::unique_ptr<Client> client);
  std::unique_ptr<Client> client_;
};

}  // namespace deltamesh
