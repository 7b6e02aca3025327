// tools/mqtt_publisher.cc - Paho as a publisher; its exceptions end here.
#include "tools/mqtt_publisher.h"

#include <mqtt/async_client.h>

#include <deque>
#include <random>
#include <thread>
#include <utility>

#include "ingest/broker_uri.h"

namespace deltamesh {
namespace {

constexpr std::chrono::milliseconds kConnectAgain{200};
constexpr std::chrono::seconds kConnectTimeout{5};

std::string random_id() {
  std::random_device random;
  return "deltamesh-" + std::to_string(random()) + "-" + std::to_string(random());
}

Error failed(const std::string& text) {
  return {ErrorCode::kIo, "MQTT: " + text};
}

mqtt::create_options buffering(int messages) {
  mqtt::create_options options;
  options.set_send_while_disconnected(true);
  options.set_max_buffered_messages(messages);
  return options;
}

}  // namespace

class MqttPublisher::Client {
 public:
  Client(const std::string& address, PublisherSettings settings)
      : settings_(std::move(settings)),
        paho_(address, settings_.client_id, buffering(settings_.in_flight_max)) {
    fill(options_, false);
    options_.set_automatic_reconnect(1, 5);
    fill(last_options_, true);
  }

  Status connect();
  Status publish(const std::string& topic, std::string_view payload);
  Status drain();
  void disconnect();

  std::uint64_t published = 0;
  std::uint64_t acknowledged = 0;

 private:
  void fill(mqtt::connect_options& options, bool clean) const;
  Status take_oldest();

  const PublisherSettings settings_;
  mqtt::connect_options options_;       // A session that the broker keeps, so that Paho repeats messages.
  mqtt::connect_options last_options_;  // For a last connection, which clears that session.
  mqtt::async_client paho_;
  std::deque<mqtt::delivery_token_ptr> in_flight_;
};

void MqttPublisher::Client::fill(mqtt::connect_options& options, bool clean) const {
  options.set_mqtt_version(MQTTVERSION_3_1_1);
  options.set_clean_session(clean);
  options.set_connect_timeout(kConnectTimeout);
  options.set_max_inflight(settings_.in_flight_max);
  if (!settings_.username.empty()) options.set_user_name(settings_.username);
  if (!settings_.password.empty()) options.set_password(settings_.password);
}

Status MqttPublisher::Client::connect() {
  const auto deadline = std::chrono::steady_clock::now() + settings_.patience;
  std::string reason = "the broker does not answer";
  while (std::chrono::steady_clock::now() < deadline) {
    try {
      if (paho_.connect(options_)->wait_for(kConnectTimeout * 2)) return Done{};
    } catch (const std::exception& error) {
      reason = error.what();
    }
    std::this_thread::sleep_for(kConnectAgain);
  }
  return failed(reason);
}

Status MqttPublisher::Client::publish(const std::string& topic, std::string_view payload) {
  while (!in_flight_.empty() && in_flight_.front()->is_complete()) {
    if (auto taken = take_oldest(); !taken) return taken;
  }
  if (in_flight_.size() >= static_cast<std::size_t>(settings_.in_flight_max)) {
    if (auto taken = take_oldest(); !taken) return taken;
  }
  try {
    in_flight_.push_back(paho_.publish(topic, payload.data(), payload.size(), settings_.qos, false));
    ++published;
  } catch (const std::exception& error) {
    return failed(error.what());
  }
  return Done{};
}

Status MqttPublisher::Client::take_oldest() {
  try {
    if (!in_flight_.front()->wait_for(settings_.patience))
      return failed("a message was not acknowledged in time");
  } catch (const std::exception& error) {
    return failed(std::string("a message was not acknowledged: ") + error.what());
  }
  in_flight_.pop_front();
  ++acknowledged;
  return Done{};
}

Status MqttPublisher::Client::drain() {
  while (!in_flight_.empty()) {
    if (auto taken = take_oldest(); !taken) return taken;
  }
  return Done{};
}

void MqttPublisher::Client::disconnect() {
  try {
    paho_.disconnect()->wait_for(kConnectTimeout);
    if (paho_.connect(last_options_)->wait_for(kConnectTimeout))
      paho_.disconnect()->wait_for(kConnectTimeout);
  } catch (const std::exception&) {
    // The broker is gone; there is no session left to clear.
  }
}

MqttPublisher::MqttPublisher(std::unique_ptr<Client> client) : client_(std::move(client)) {}
MqttPublisher::~MqttPublisher() {
  client_->disconnect();
}

Result<std::unique_ptr<MqttPublisher>> MqttPublisher::connect(PublisherSettings settings) {
  const auto address = broker_address(settings.uri);
  if (!address) return address.error();
  if (settings.client_id.empty()) settings.client_id = random_id();
  try {
    auto client = std::make_unique<Client>(*address, std::move(settings));
    if (auto connected = client->connect(); !connected) return connected.error();
    return std::unique_ptr<MqttPublisher>(new MqttPublisher(std::move(client)));
  } catch (const std::exception& error) {
    return failed(error.what());
  }
}

Status MqttPublisher::publish(const std::string& topic, std::string_view payload) {
  return client_->publish(topic, payload);
}
Status MqttPublisher::drain() {
  return client_->drain();
}
std::uint64_t MqttPublisher::published() const {
  return client_->published;
}
std::uint64_t MqttPublisher::acknowledged() const {
  return client_->acknowledged;
}

}  // namespace deltamesh
