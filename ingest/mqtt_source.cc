// ingest/mqtt_source.cc - the only file of ingest that sees Paho; its exceptions end here.
#include "ingest/mqtt_source.h"

#include <mqtt/async_client.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <random>
#include <thread>
#include <utility>

#include "ingest/broker_uri.h"
#include "ingest/decoder.h"

namespace deltamesh {
namespace {

using std::chrono::milliseconds;

// Paho reads the options for as long as the client lives, so they are built in place and never copied.
void fill(mqtt::connect_options& options, const MqttSettings& settings) {
  options.set_keep_alive_interval(settings.keepalive);
  options.set_connect_timeout(limits::kBrokerAnswer);
  options.set_automatic_reconnect(false);
  if (!settings.username.empty()) options.set_user_name(settings.username);
  if (!settings.password.empty()) options.set_password(settings.password);
  if (!settings.mqtt5) {
    options.set_mqtt_version(MQTTVERSION_3_1_1);
    options.set_clean_session(!settings.persistent);
    return;
  }
  options.set_mqtt_version(MQTTVERSION_5);
  options.set_clean_start(!settings.persistent);
  if (!settings.persistent) return;
  mqtt::properties properties;
  properties.add(mqtt::property(mqtt::property::SESSION_EXPIRY_INTERVAL,
                                static_cast<std::int32_t>(settings.session_expiry.count())));
  options.set_properties(std::move(properties));
}

// Doubles from first to last; each wait lies between a half and the whole of it.
class Waits {
 public:
  Waits(milliseconds first, milliseconds last) : first_(first), last_(last), next_(first) {}

  milliseconds next() {
    const auto whole = std::exchange(next_, std::min(last_, next_ * 2));
    const auto half = whole.count() / 2;
    return milliseconds(half + static_cast<std::int64_t>(random_()) % (half + 1));
  }
  void reset() { next_ = first_; }

 private:
  milliseconds first_, last_, next_;
  std::minstd_rand random_{std::random_device{}()};
};

std::chrono::nanoseconds wall_clock() {
  return std::chrono::system_clock::now().time_since_epoch();
}

}  // namespace

class MqttSource::Client {
 public:
  Client(const std::string& address, MqttSettings settings, std::vector<CompiledRule> rules, Batcher& batcher,
         IngestCounters& counters);
  ~Client();
  [[nodiscard]] MqttStatus status() const;

 private:
  void run();
  bool connect();
  bool subscribe();
  bool subscribe(const CompiledRule& rule);
  void wait_until_lost();
  void pause(milliseconds wait);
  void disconnect();
  void note_connected(bool connected);
  void note_error(const std::string& text);

  void handle(const mqtt::message& message);
  Judged<NamedEvent> judge(const mqtt::message& message, const CompiledRule*& rule) const;

  const MqttSettings settings_;
  const std::vector<CompiledRule> rules_;
  Batcher& batcher_;
  IngestCounters& counters_;
  mqtt::connect_options options_;
  mqtt::async_client paho_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  MqttStatus status_;
  bool lost_ = false;
  bool stopping_ = false;
  std::mutex handling_;  // Held while a message is handled.
  std::thread thread_;
};

MqttSource::Client::Client(const std::string& address, MqttSettings settings, std::vector<CompiledRule> rules,
                           Batcher& batcher, IngestCounters& counters)
    : settings_(std::move(settings)),
      rules_(std::move(rules)),
      batcher_(batcher),
      counters_(counters),
      paho_(address, settings_.client_id,
            mqtt::create_options(settings_.mqtt5 ? MQTTVERSION_5 : MQTTVERSION_3_1_1)) {
  fill(options_, settings_);
  status_.since = std::chrono::system_clock::now();
  paho_.set_message_callback([this](const mqtt::const_message_ptr& message) { handle(*message); });
  paho_.set_connection_lost_handler([this](const std::string& cause) {
    const std::lock_guard lock(mutex_);
    lost_ = true;
    status_.last_error = cause.empty() ? "connection lost" : cause;
    changed_.notify_all();
  });
  thread_ = std::thread([this] { run(); });
}

MqttSource::Client::~Client() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  batcher_.release();
  thread_.join();
  const std::lock_guard idle(handling_);
}

void MqttSource::Client::run() {
  Waits waits(settings_.reconnect_first, settings_.reconnect_last);
  const auto stopping = [this] {
    const std::lock_guard lock(mutex_);
    return stopping_;
  };
  while (!stopping()) {
    if (connect() && subscribe()) {
      note_connected(true);
      waits.reset();
      wait_until_lost();
      note_connected(false);
    }
    disconnect();
    if (!stopping()) pause(waits.next());
  }
}

bool MqttSource::Client::connect() {
  {
    const std::lock_guard lock(mutex_);
    lost_ = false;
  }
  try {
    if (paho_.connect(options_)->wait_for(limits::kBrokerAnswer + std::chrono::seconds(1))) return true;
    note_error("the broker does not answer");
  } catch (const std::exception& error) {
    note_error(error.what());
  }
  return false;
}

bool MqttSource::Client::subscribe() {
  {
    const std::lock_guard lock(mutex_);
    status_.refused_filters.clear();
  }
  return std::all_of(rules_.begin(), rules_.end(),
                     [this](const CompiledRule& rule) { return subscribe(rule); });
}

// False if the connection is of no use; a refused filter is noted and leaves the others at work.
bool MqttSource::Client::subscribe(const CompiledRule& rule) {
  const std::string filter = rule.topic().filter();
  try {
    if (paho_.subscribe(filter, rule.rule().qos)->wait_for(limits::kBrokerAnswer)) return true;
    note_error("the broker does not answer to a subscription");
    return false;
  } catch (const std::exception& error) {
    note_error("subscription to " + filter + ": " + error.what());
    const std::lock_guard lock(mutex_);
    status_.refused_filters.push_back(filter);
  }
  return paho_.is_connected();
}

// Asks once in a while too: Paho does not report every way to lose a connection. It may report one while
// holding the lock that is_connected() needs, so ours is let go first.
void MqttSource::Client::wait_until_lost() {
  std::unique_lock lock(mutex_);
  while (!stopping_ && !lost_) {
    changed_.wait_for(lock, std::chrono::seconds(1));
    lock.unlock();
    const bool connected = paho_.is_connected();
    lock.lock();
    if (!connected) lost_ = true;
  }
}

void MqttSource::Client::pause(milliseconds wait) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, wait, [this] { return stopping_; });
}

void MqttSource::Client::disconnect() {
  try {
    if (paho_.is_connected()) paho_.disconnect()->wait_for(limits::kBrokerAnswer);
  } catch (const std::exception& error) {
    note_error(error.what());
  }
}

void MqttSource::Client::note_connected(bool connected) {
  const std::lock_guard lock(mutex_);
  status_.connected = connected;
  status_.since = std::chrono::system_clock::now();
  if (connected) ++status_.connects;
}

void MqttSource::Client::note_error(const std::string& text) {
  const std::lock_guard lock(mutex_);
  status_.last_error = text;
}

// On Paho's thread, of which there is one for all clients of the process: while this waits, nothing else of
// Paho moves. The broker gets its acknowledgement when this returns.
void MqttSource::Client::handle(const mqtt::message& message) {
  const std::lock_guard handling(handling_);
  {
    const std::lock_guard lock(mutex_);
    ++status_.messages;
  }
  counters_.received();
  const CompiledRule* rule = nullptr;
  auto judged = judge(message, rule);
  if (const auto* refused = std::get_if<Refused>(&judged)) {
    counters_.refused(*refused, message.get_topic());
  } else if (message.is_retained() && rule->timestamp().empty()) {
    counters_.skipped_retained();
  } else if (settings_.strict) {
    batcher_.push_durable(rule->dataset(), std::get<NamedEvent>(std::move(judged)));
  } else {
    batcher_.push(rule->dataset(), std::get<NamedEvent>(std::move(judged)));
  }
}

// The first rule whose template matches decides.
Judged<NamedEvent> MqttSource::Client::judge(const mqtt::message& message, const CompiledRule*& rule) const {
  const Message seen{message.get_topic(), message.get_payload_str(), wall_clock()};
  const auto at = std::find_if(rules_.begin(), rules_.end(), [&](const CompiledRule& candidate) {
    return candidate.topic().match(seen.topic).has_value();
  });
  if (at == rules_.end()) return Refused{Refusal::kTopicMismatch, "no rule for this topic"};
  rule = &*at;
  return decode(*rule, seen);
}

MqttStatus MqttSource::Client::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

MqttSource::MqttSource(std::unique_ptr<Client> client) : client_(std::move(client)) {}
MqttSource::~MqttSource() = default;

Result<std::unique_ptr<MqttSource>> MqttSource::start(MqttSettings settings, std::vector<CompiledRule> rules,
                                                      Batcher& batcher, IngestCounters& counters) {
  const auto address = broker_address(settings.uri);
  if (!address) return address.error();
  if (rules.empty()) return Error{ErrorCode::kInvalid, "an MQTT source needs a rule"};
  if (rules.size() > limits::kIngestRulesMax) {
    return Error{ErrorCode::kLimit, "more than " + std::to_string(limits::kIngestRulesMax) + " rules"};
  }
  if (settings.persistent && settings.client_id.empty()) {
    return Error{ErrorCode::kInvalid, "a persistent MQTT session needs a client_id"};
  }
  try {
    return std::unique_ptr<MqttSource>(new MqttSource(
        std::make_unique<Client>(*address, std::move(settings), std::move(rules), batcher, counters)));
  } catch (const std::exception& error) {
    return Error{ErrorCode::kInvalid, std::string("MQTT client: ") + error.what()};
  }
}

MqttStatus MqttSource::status() const {
  return client_->status();
}

}  // namespace deltamesh
