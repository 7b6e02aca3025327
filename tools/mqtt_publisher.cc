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
constexpr std::chrono::milliseconds kLookAgain{100};
constexpr std::chrono::seconds kConnectTimeout{5};

std::string random_id() {
  std::random_device random;
  return "deltamesh-" + std::to_string(random()) + "-" + std::to_string(random());
}

Error failed(const std::string& text) {
  return {ErrorCode::kIo, "MQTT: " + text};
}

// Paho refuses messages that wait for its own thread beyond this bound, also while it is connected.
mqtt::create_options room_for(int messages) {
  mqtt::create_options options;
  options.set_max_buffered_messages(messages);
  return options;
}

}  // namespace

// Keeps what is not acknowledged and sends it again on each new connection. Paho would do that too, but gives
// some messages up while the broker is away, and never completes others.
class MqttPublisher::Client {
 public:
  Client(const std::string& address, PublisherSettings settings)
      : settings_(std::move(settings)),
        paho_(address, settings_.client_id, room_for(settings_.in_flight_max)) {
    options_.set_mqtt_version(MQTTVERSION_3_1_1);
    options_.set_clean_session(true);
    options_.set_connect_timeout(kConnectTimeout);
    options_.set_max_inflight(settings_.in_flight_max);
    if (!settings_.username.empty()) options_.set_user_name(settings_.username);
    if (!settings_.password.empty()) options_.set_password(settings_.password);
  }

  Status connect();
  Status publish(const std::string& topic, std::string_view payload);
  Status drain();
  void disconnect();

  std::uint64_t published = 0;
  std::uint64_t acknowledged = 0;

 private:
  using milliseconds = std::chrono::milliseconds;
  struct Message {
    std::string topic;
    std::string payload;
    mqtt::delivery_token_ptr token;  // Empty if it was not sent, or in vain.
  };

  void send(Message& message);
  bool is_acknowledged(Message& message, milliseconds wait);
  Status take_oldest();
  Status repeat();

  const PublisherSettings settings_;
  mqtt::connect_options options_;
  mqtt::async_client paho_;
  std::deque<Message> in_flight_;
};

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
  // A wait without patience would cost more than the message.
  while (!in_flight_.empty() && in_flight_.front().token && in_flight_.front().token->is_complete()) {
    if (auto taken = take_oldest(); !taken) return taken;
  }
  if (in_flight_.size() >= static_cast<std::size_t>(settings_.in_flight_max)) {
    if (auto taken = take_oldest(); !taken) return taken;
  }
  in_flight_.push_back({topic, std::string(payload), {}});
  send(in_flight_.back());
  ++published;
  return Done{};
}

void MqttPublisher::Client::send(Message& message) {
  try {
    message.token =
        paho_.publish(message.topic, message.payload.data(), message.payload.size(), settings_.qos, false);
  } catch (const std::exception&) {
    message.token.reset();
  }
}

bool MqttPublisher::Client::is_acknowledged(Message& message, milliseconds wait) {
  if (!message.token) return false;
  try {
    return message.token->wait_for(wait);
  } catch (const std::exception&) {
    message.token.reset();
    return false;
  }
}

Status MqttPublisher::Client::take_oldest() {
  const auto deadline = std::chrono::steady_clock::now() + settings_.patience;
  while (!is_acknowledged(in_flight_.front(), kLookAgain)) {
    if (std::chrono::steady_clock::now() > deadline) return failed("a message was not acknowledged in time");
    if (!paho_.is_connected()) {
      if (auto repeated = repeat(); !repeated) return repeated;
    } else if (!in_flight_.front().token) {
      send(in_flight_.front());
    }
  }
  in_flight_.pop_front();
  ++acknowledged;
  return Done{};
}

// In their order, on a new connection.
Status MqttPublisher::Client::repeat() {
  if (auto connected = connect(); !connected) return connected;
  for (Message& message : in_flight_) send(message);
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
  } catch (const std::exception&) {
    // The broker is gone already.
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
