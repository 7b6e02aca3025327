// ingest/mqtt_source.cc - the only file of ingest that sees Paho; its exceptions end here.
#include "ingest/mqtt_source.h"

#include <mqtt/async_client.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "ingest/broker_uri.h"
#include "ingest/decoder.h"
#include "ingest/reconnect_wait.h"

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

std::chrono::microseconds steady_clock() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now().time_since_epoch());
}

// Whatever a rule asks for: see the header.
int wanted_qos(const CompiledRule& rule) {
  return std::min(rule.rule().qos, 1);
}

int granted_qos(const mqtt::token& subscribed) {
  const auto response = subscribed.get_subscribe_response();
  const auto& codes = response.get_reason_codes();
  return codes.empty() ? 0 : static_cast<int>(codes.front());
}

}  // namespace

class MqttSource::Client {
 public:
  Client(const std::string& address, MqttSettings settings, std::vector<CompiledRule> rules, Batcher& batcher,
         IngestCounters& counters, MqttJournal::LogHook log);
  ~Client();
  void begin_stop();
  bool stop(milliseconds patience);
  [[nodiscard]] MqttStatus status() const { return journal_.status(); }

 private:
  using Refusals = std::vector<std::string>;
  void run();
  bool connect();
  bool subscribe(Refusals& refused);
  bool subscribe(const CompiledRule& rule, Refusals& refused);
  bool answered(mqtt::token& token, milliseconds patience);
  void wait_until_lost();
  void pause(milliseconds wait);
  void disconnect();
  [[nodiscard]] bool stopping() const;
  void lose(const std::string& why);

  void handle(const mqtt::message& message);
  Judged<NamedEvent> judge(const mqtt::message& message, const CompiledRule*& rule) const;

  const MqttSettings settings_;
  const std::vector<CompiledRule> rules_;
  Batcher& batcher_;
  IngestCounters& counters_;
  MqttJournal journal_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::string lost_;  // Why the connection is gone; empty while it stands.
  bool stopping_ = false;
  bool ended_ = false;   // run() has returned.
  std::mutex handling_;  // Held while a message is handled.
  mqtt::connect_options options_;
  mqtt::async_client paho_;  // Ends before all that its callbacks use.
  std::thread thread_;
};

MqttSource::Client::Client(const std::string& address, MqttSettings settings, std::vector<CompiledRule> rules,
                           Batcher& batcher, IngestCounters& counters, MqttJournal::LogHook log)
    : settings_(std::move(settings)),
      rules_(std::move(rules)),
      batcher_(batcher),
      counters_(counters),
      journal_(settings_.uri, std::move(log)),
      paho_(address, settings_.client_id,
            mqtt::create_options(settings_.mqtt5 ? MQTTVERSION_5 : MQTTVERSION_3_1_1)) {
  fill(options_, settings_);
  paho_.set_message_callback([this](const mqtt::const_message_ptr& message) { handle(*message); });
  paho_.set_connection_lost_handler([this](const std::string& cause) { lose(cause); });
  thread_ = std::thread([this] { run(); });
}

MqttSource::Client::~Client() {
  begin_stop();
  batcher_.release();
  thread_.join();
  const std::lock_guard idle(handling_);
}

void MqttSource::Client::begin_stop() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  changed_.notify_all();
}

bool MqttSource::Client::stop(milliseconds patience) {
  begin_stop();
  batcher_.release();
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, patience, [this] { return ended_; });
}

bool MqttSource::Client::stopping() const {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

void MqttSource::Client::lose(const std::string& why) {
  const std::lock_guard lock(mutex_);
  if (lost_.empty()) lost_ = why.empty() ? "connection lost" : why;
  changed_.notify_all();
}

void MqttSource::Client::run() {
  ReconnectWait wait(settings_.reconnect_first, settings_.reconnect_last);
  while (!stopping()) {
    Refusals refused;
    if (connect() && subscribe(refused)) {
      journal_.connected(std::move(refused));
      wait.reset();
      wait_until_lost();
    }
    disconnect();
    if (!stopping()) pause(wait.next());
  }
  const std::lock_guard lock(mutex_);
  ended_ = true;
  changed_.notify_all();
}

bool MqttSource::Client::connect() {
  {
    const std::lock_guard lock(mutex_);
    lost_.clear();
  }
  try {
    if (answered(*paho_.connect(options_), limits::kBrokerAnswer + std::chrono::seconds(1))) return true;
    if (!stopping()) journal_.failed("the broker does not answer");
  } catch (const std::exception& error) {
    journal_.failed(error.what());
  }
  return false;
}

bool MqttSource::Client::subscribe(Refusals& refused) {
  return std::all_of(rules_.begin(), rules_.end(),
                     [&](const CompiledRule& rule) { return subscribe(rule, refused); });
}

// False if the connection is of no use; a refused filter is noted and leaves the others at work.
bool MqttSource::Client::subscribe(const CompiledRule& rule, Refusals& refused) {
  const std::string filter = rule.topic().filter();
  try {
    const auto token = paho_.subscribe(filter, wanted_qos(rule));
    if (!answered(*token, limits::kBrokerAnswer)) {
      if (!stopping()) journal_.failed("the broker does not answer to a subscription");
      return false;
    }
    const int granted = granted_qos(*token);
    if (granted < wanted_qos(rule))
      refused.push_back(filter + " (QoS 1, only " + std::to_string(granted) + ")");
  } catch (const std::exception& error) {
    refused.push_back(filter + " (" + error.what() + ")");
  }
  return paho_.is_connected();
}

// Looks up now and then, so that an answer that does not come does not hold up the end.
bool MqttSource::Client::answered(mqtt::token& token, milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!token.wait_for(limits::kStopSlice)) {
    if (stopping() || std::chrono::steady_clock::now() > deadline) return false;
  }
  return true;
}

// Asks once in a while too: Paho does not report every way to lose a connection. It may report one while
// holding the lock that is_connected() needs, so ours is let go first.
void MqttSource::Client::wait_until_lost() {
  std::unique_lock lock(mutex_);
  while (!stopping_ && lost_.empty()) {
    changed_.wait_for(lock, std::chrono::seconds(1));
    lock.unlock();
    if (!paho_.is_connected()) lose({});
    lock.lock();
  }
  const std::string why = lost_;
  lock.unlock();
  why.empty() ? journal_.stopped() : journal_.failed(why);
}

void MqttSource::Client::pause(milliseconds wait) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, wait, [this] { return stopping_; });
}

// While a message is handled, Paho does neither this nor answer is_connected().
void MqttSource::Client::disconnect() {
  try {
    while (paho_.is_connected()) {
      if (paho_.disconnect()->wait_for(limits::kBrokerAnswer)) return;
    }
  } catch (const std::exception& error) {
    if (!stopping()) journal_.failed(error.what());
  }
}

// On Paho's thread, of which there is one for all clients of the process: while this waits, nothing else of
// Paho moves. The broker gets its acknowledgement when this returns.
void MqttSource::Client::handle(const mqtt::message& message) {
  const std::lock_guard handling(handling_);
  journal_.received();
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
  const Message seen{message.get_topic(), message.get_payload_str(), steady_clock()};
  const auto at = std::find_if(rules_.begin(), rules_.end(), [&](const CompiledRule& candidate) {
    return candidate.topic().match(seen.topic).has_value();
  });
  if (at == rules_.end()) return Refused{Refusal::kTopicMismatch, "no rule for this topic"};
  rule = &*at;
  return decode(*rule, seen);
}

MqttSource::MqttSource(std::unique_ptr<Client> client) : client_(std::move(client)) {}
MqttSource::~MqttSource() = default;

Result<std::unique_ptr<MqttSource>> MqttSource::start(MqttSettings settings, std::vector<CompiledRule> rules,
                                                      Batcher& batcher, IngestCounters& counters,
                                                      MqttJournal::LogHook log) {
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
    return std::unique_ptr<MqttSource>(new MqttSource(std::make_unique<Client>(
        *address, std::move(settings), std::move(rules), batcher, counters, std::move(log))));
  } catch (const std::exception& error) {
    return Error{ErrorCode::kInvalid, std::string("MQTT client: ") + error.what()};
  }
}

void MqttSource::begin_stop() {
  client_->begin_stop();
}

bool MqttSource::stop(milliseconds patience) {
  return client_->stop(patience);
}

MqttStatus MqttSource::status() const {
  return client_->status();
}

}  // namespace deltamesh
