// tests/ingest/mqtt_source_test.cc - messages of a real broker arrive, also after it was killed.
#include "ingest/mqtt_source.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <mutex>
#include <set>

#include "tests/ingest/recording_sink.h"
#include "tests/support/mosquitto.h"
#include "tests/support/wait.h"

namespace deltamesh {
namespace {

using testing::BrokerSaves;
using testing::kPatience;
using testing::Mosquitto;
using testing::RecordingSink;
using testing::wait_until;

const DatasetId kClimate = dataset_id("climate");

CompiledRule rule_for(const std::string& topic, PayloadKind payload, const std::string& timestamp = {}) {
  IngestRule rule;
  rule.topic = topic;
  rule.dataset = "climate";
  rule.payload = payload;
  rule.timestamp = timestamp;
  auto compiled = CompiledRule::compile(std::move(rule));
  if (!compiled) FAIL(compiled.error().text);
  return *std::move(compiled);
}

std::vector<CompiledRule> rules() {
  return {rule_for("plant/{device}/{metric}", PayloadKind::kPlain),
          rule_for("tele/{device}/SENSOR", PayloadKind::kJson, "ts")};
}

MqttSettings settings_for(const Mosquitto& broker) {
  MqttSettings settings;
  settings.uri = broker.uri();
  settings.client_id = "ingest-test";
  settings.reconnect_first = std::chrono::milliseconds(20);
  settings.reconnect_last = std::chrono::milliseconds(200);
  return settings;
}

std::unique_ptr<MqttSource> start(MqttSettings settings, Batcher& batcher, IngestCounters& counters) {
  auto source = MqttSource::start(std::move(settings), rules(), batcher, counters);
  if (!source) FAIL(source.error().text);
  return *std::move(source);
}

std::string json(int second) {
  return R"({"t":21.5,"ts":)" + std::to_string(second) + "}";
}

// A message a second, from 1 on.
std::vector<std::string> json_lines(int count) {
  std::vector<std::string> lines;
  for (int second = 1; second <= count; ++second) lines.push_back(json(second));
  return lines;
}

TEST_CASE("messages of both kinds arrive, in order, by MQTT 3.1.1 and 5", "[ingest][mqtt]") {
  const bool mqtt5 = GENERATE(false, true);
  CAPTURE(mqtt5);
  const Mosquitto broker;
  RecordingSink sink;
  IngestCounters counters;
  Batcher batcher(sink, counters);
  auto settings = settings_for(broker);
  settings.mqtt5 = mqtt5;
  auto source = start(settings, batcher, counters);
  REQUIRE(wait_until([&] { return source->status().connected; }));
  broker.publish_lines("tele/d/SENSOR", json_lines(200));
  broker.publish("plant/g3/temp", "19");
  CHECK(wait_until([&] { return sink.count(kClimate) == 201; }));
  const auto events = sink.events(kClimate);
  for (std::size_t i = 0; i < 200; ++i) CHECK(events[i].time == static_cast<Ticks>(i + 1) * 1000);
  CHECK(events[200].readings[0].series == "g3/temp");
  CHECK(source->status().messages == 201);
  CHECK(source->status().connects == 1);
}

// A message that was acknowledged when the broker died comes again if it had not saved that, so messages are
// looked for, not counted.
bool has_value(const RecordingSink& sink, double value) {
  const auto events = sink.events(kClimate);
  return std::any_of(events.begin(), events.end(), [value](const NamedEvent& event) {
    return std::get<double>(event.readings.front().value) == value;
  });
}

TEST_CASE("after the broker is killed and comes back, the source subscribes again by itself",
          "[ingest][mqtt]") {
  const bool persistent = GENERATE(true, false);
  CAPTURE(persistent);
  Mosquitto broker;
  RecordingSink sink;
  IngestCounters counters;
  Batcher batcher(sink, counters);
  auto settings = settings_for(broker);
  settings.persistent = persistent;
  auto source = start(settings, batcher, counters);
  for (std::size_t round = 1; round <= 3; ++round) {
    REQUIRE(wait_until([&] { return source->status().connects == round && source->status().connected; }));
    broker.publish("plant/g3/temp", std::to_string(round));
    CHECK(wait_until([&] { return has_value(sink, static_cast<double>(round)); }));
    broker.kill();
    CHECK(wait_until([&] { return !source->status().connected; }));
    CHECK_FALSE(source->status().last_error.empty());
    broker.start();
  }
}

TEST_CASE("a broker that is not there yet is waited for", "[ingest][mqtt]") {
  Mosquitto broker;
  broker.kill();
  RecordingSink sink;
  IngestCounters counters;
  Batcher batcher(sink, counters);
  auto source = start(settings_for(broker), batcher, counters);
  CHECK(wait_until([&] { return !source->status().last_error.empty(); }));
  CHECK_FALSE(source->status().connected);
  broker.start();
  CHECK(wait_until([&] { return source->status().connected; }));
}

TEST_CASE("a persistent session delivers what was published while the source was away", "[ingest][mqtt]") {
  const bool mqtt5 = GENERATE(false, true);
  CAPTURE(mqtt5);
  const Mosquitto broker;
  RecordingSink sink;
  IngestCounters counters;
  Batcher batcher(sink, counters);
  auto settings = settings_for(broker);
  settings.mqtt5 = mqtt5;
  auto source = start(settings, batcher, counters);
  REQUIRE(wait_until([&] { return source->status().connected; }));
  source.reset();
  broker.publish_lines("tele/d/SENSOR", json_lines(50));
  CHECK(sink.count(kClimate) == 0);
  source = start(settings, batcher, counters);
  CHECK(wait_until([&] { return sink.count(kClimate) == 50; }));
}

TEST_CASE("malformed messages are counted by reason and the good ones still arrive", "[ingest][mqtt]") {
  const Mosquitto broker;
  RecordingSink sink;
  IngestCounters counters;
  Batcher batcher(sink, counters);
  auto source = start(settings_for(broker), batcher, counters);
  REQUIRE(wait_until([&] { return source->status().connected; }));
  broker.publish("tele/d/SENSOR", "{\"t\":");
  broker.publish("tele/d/SENSOR", std::string("\0\xff\x01", 3));
  broker.publish("tele/d/SENSOR", "");
  broker.publish("tele/d/SENSOR", R"({"t":1})");
  broker.publish("tele/d/SENSOR", R"({"ts":1})");
  broker.publish("tele/d/SENSOR", std::string(limits::kPayloadBytesMax + 1, 'x'));
  broker.publish("plant/g3/temp", "1e999");
  broker.publish("plant/g3/temp", "warm");
  broker.publish("plant/g3/temp", "21.5");
  CHECK(wait_until([&] { return sink.count(kClimate) == 1; }));
  const auto counts = counters.snapshot();
  CHECK(counts.messages == 9);
  CHECK(counts.refused_for(Refusal::kNotJson) == 3);
  CHECK(counts.refused_for(Refusal::kNoTimestamp) == 1);
  CHECK(counts.refused_for(Refusal::kNoValues) == 1);
  CHECK(counts.refused_for(Refusal::kTooLarge) == 1);
  CHECK(counts.refused_for(Refusal::kBadNumber) == 1);
  CHECK(counts.refused_for(Refusal::kBadValue) == 1);
  CHECK(counts.refused_total() == 8);
}

TEST_CASE("a source that was held back when it stops still hands in what it had received", "[ingest][mqtt]") {
  const Mosquitto broker;
  RecordingSink sink;
  IngestCounters counters;
  Batcher batcher(sink, counters, {.unacknowledged_max = 5});
  sink.hold();
  auto source = start(settings_for(broker), batcher, counters);
  REQUIRE(wait_until([&] { return source->status().connected; }));
  broker.publish_lines("tele/d/SENSOR", json_lines(100));
  CHECK(wait_until([&] { return counters.snapshot().waits > 0; }));
  source.reset();
  sink.let_go();
  // What the source had not taken waits in the session for its return.
  source = start(settings_for(broker), batcher, counters);
  std::set<Ticks> seen;
  CHECK(wait_until([&] {
    for (const NamedEvent& event : sink.events(kClimate)) seen.insert(event.time);
    return seen.size() == 100;
  }));
}

// Takes over the session of settings_for() and returns the payloads that the broker has not seen
// acknowledged.
std::string unacknowledged(const Mosquitto& broker, int count) {
  return testing::run({"mosquitto_sub", "-h", "127.0.0.1", "-p", std::to_string(broker.port()), "-i",
                       "ingest-test", "-c", "-q", "1", "-t", "tele/+/SENSOR", "-W", "60", "-C",
                       std::to_string(count)})
      .text;
}

TEST_CASE("in strict mode nothing is acknowledged to the broker before it is durable, not even at the end",
          "[ingest][mqtt]") {
  const Mosquitto broker;
  RecordingSink sink;
  IngestCounters counters;
  Batcher batcher(sink, counters);
  auto settings = settings_for(broker);
  settings.strict = true;
  auto source = start(settings, batcher, counters);
  REQUIRE(wait_until([&] { return source->status().connected; }));
  sink.hold();
  broker.publish_lines("tele/d/SENSOR", json_lines(10));
  REQUIRE(wait_until([&] { return sink.waiting() == 1; }));
  CHECK(batcher.unacknowledged() == 1);  // The second is not even asked for.
  CHECK_FALSE(source->stop(std::chrono::milliseconds(100)));
  std::string all;
  for (const std::string& line : json_lines(10)) all += line + "\n";
  CHECK(unacknowledged(broker, 10) == all);
  sink.let_go();
  source.reset();
  CHECK(batcher.stop(kPatience) == 0);
  CHECK(sink.events(kClimate).at(0).time == 1000);
}

TEST_CASE("in strict mode a message does not wait for the commit interval", "[ingest][mqtt]") {
  const Mosquitto broker;
  RecordingSink sink;
  sink.commit_by_flush_only();
  IngestCounters counters;
  Batcher batcher(sink, counters);
  auto settings = settings_for(broker);
  settings.strict = true;
  auto source = start(settings, batcher, counters);
  REQUIRE(wait_until([&] { return source->status().connected; }));
  broker.publish_lines("tele/d/SENSOR", json_lines(10));
  CHECK(wait_until([&] { return sink.count(kClimate) == 10; }));
}

TEST_CASE("a rule that asks for QoS 2 gets QoS 1, which loses nothing when the node is killed",
          "[ingest][mqtt]") {
  const Mosquitto broker(BrokerSaves::kNever, "log_type all\n");
  RecordingSink sink;
  IngestCounters counters;
  Batcher batcher(sink, counters);
  auto rule = rule_for("plant/{device}/{metric}", PayloadKind::kPlain).rule();
  rule.qos = 2;
  auto source = MqttSource::start(settings_for(broker), {*CompiledRule::compile(rule)}, batcher, counters);
  REQUIRE(source.ok());
  REQUIRE(wait_until([&] { return (*source)->status().connected; }));
  CHECK_THAT(broker.log(), Catch::Contains("ingest-test 1 plant/+/+"));
  CHECK((*source)->status().refused_filters.empty());
}

// Mosquitto's plugin for access rules; the plain ACL file of this version grants every subscription.
std::string access_rules(const testing::TempDir& dir) {
  for (const auto& folder : std::filesystem::directory_iterator("/usr/lib")) {
    const auto plugin = folder.path() / "mosquitto_dynamic_security.so";
    if (!std::filesystem::exists(plugin)) continue;
    const auto rules = dir.path() / "access.json";
    std::ofstream(rules) << R"({"defaultACLAccess":{"publishClientSend":true,"publishClientReceive":true,
        "subscribe":false,"unsubscribe":true},"anonymousGroup":"all",
        "groups":[{"groupname":"all","roles":[{"rolename":"reader"}],"clients":[]}],
        "roles":[{"rolename":"reader","acls":[{"acltype":"subscribePattern","topic":"plant/#","allow":true}]}],
        "clients":[]})";
    return "plugin " + plugin.string() + "\nplugin_opt_config_file " + rules.string() + "\n";
  }
  return {};
}

TEST_CASE("a subscription that the broker refuses is told, and the others work", "[ingest][mqtt]") {
  const testing::TempDir dir;
  const std::string access = access_rules(dir);
  if (access.empty()) {
    std::cerr << "SKIPPED: refused subscriptions need mosquitto's plugin for access rules\n";
    return;
  }
  const bool mqtt5 = GENERATE(false, true);
  CAPTURE(mqtt5);
  const Mosquitto broker(BrokerSaves::kNever, access);
  RecordingSink sink;
  IngestCounters counters;
  Batcher batcher(sink, counters);
  auto settings = settings_for(broker);
  settings.mqtt5 = mqtt5;
  std::vector<std::string> told;
  std::mutex mutex;
  auto source =
      MqttSource::start(settings, rules(), batcher, counters, [&](Note::Level level, const auto& text) {
        const std::lock_guard lock(mutex);
        told.push_back((level == Note::Level::kWarning ? "warning: " : "info: ") + text);
      });
  REQUIRE(source.ok());
  REQUIRE(wait_until([&] { return (*source)->status().connected; }));
  const auto status = (*source)->status();
  CHECK(status.uri == broker.uri());
  REQUIRE(status.refused_filters.size() == 1);
  CHECK_THAT(status.refused_filters[0], Catch::StartsWith("tele/+/SENSOR"));
  broker.publish("plant/g3/temp", "19");
  CHECK(wait_until([&] { return sink.count(kClimate) == 1; }));
  const std::lock_guard lock(mutex);
  REQUIRE(told.size() == 1);
  CHECK_THAT(told[0],
             Catch::StartsWith("warning: connected to " + broker.uri()) && Catch::Contains("tele/+/SENSOR"));
}

TEST_CASE("a broker that grants less than QoS 1 is told of", "[ingest][mqtt]") {
  const bool mqtt5 = GENERATE(false, true);
  CAPTURE(mqtt5);
  const Mosquitto broker(BrokerSaves::kNever, "max_qos 0\n");
  RecordingSink sink;
  IngestCounters counters;
  Batcher batcher(sink, counters);
  auto settings = settings_for(broker);
  settings.mqtt5 = mqtt5;
  auto source = start(settings, batcher, counters);
  REQUIRE(wait_until([&] { return source->status().connected; }));
  const auto refused = source->status().refused_filters;
  REQUIRE(refused.size() == 2);
  CHECK(refused[1] == "tele/+/SENSOR (QoS 1, only 0)");
}

// Accepts connections and never says a word.
class SilentBroker {
 public:
  SilentBroker() : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address_;
    auto* const raw = reinterpret_cast<sockaddr*>(&address_);
    REQUIRE(bind(socket_, raw, size) == 0);
    REQUIRE(listen(socket_, 8) == 0);
    REQUIRE(getsockname(socket_, raw, &size) == 0);
  }
  ~SilentBroker() { close(socket_); }
  SilentBroker(const SilentBroker&) = delete;
  SilentBroker& operator=(const SilentBroker&) = delete;

  [[nodiscard]] std::string uri() const {
    return "mqtt://127.0.0.1:" + std::to_string(ntohs(address_.sin_port));
  }
  // Returns once somebody has connected and said something.
  void wait_for_guest() const {
    const int guest = accept(socket_, nullptr, nullptr);
    char first = 0;
    REQUIRE(recv(guest, &first, 1, MSG_PEEK) == 1);
    guests_.push_back(guest);
  }

 private:
  int socket_ = -1;
  sockaddr_in address_{};
  mutable std::vector<int> guests_;
};

TEST_CASE("a source that a broker does not answer can be stopped", "[ingest][mqtt]") {
  const SilentBroker broker;
  RecordingSink sink;
  IngestCounters counters;
  Batcher batcher(sink, counters);
  MqttSettings settings;
  settings.uri = broker.uri();
  settings.client_id = "ingest-test";
  auto source = start(settings, batcher, counters);
  broker.wait_for_guest();
  CHECK(source->stop(limits::kBrokerAnswer / 2));
}

TEST_CASE("an old value that a broker repeats is no new sample, unless it has its own time",
          "[ingest][mqtt]") {
  const Mosquitto broker;
  broker.publish("plant/g3/temp", "21.5", true);
  broker.publish("tele/d/SENSOR", json(5), true);
  RecordingSink sink;
  IngestCounters counters;
  Batcher batcher(sink, counters);
  auto source = start(settings_for(broker), batcher, counters);
  CHECK(wait_until([&] { return counters.snapshot().messages == 2; }));
  CHECK(wait_until([&] { return sink.count(kClimate) == 1; }));
  CHECK(sink.events(kClimate)[0].time == 5000);
  CHECK(wait_until([&] { return counters.snapshot().retained_skipped == 1; }));
}

TEST_CASE("settings that cannot work are refused before anything is connected", "[ingest][mqtt]") {
  RecordingSink sink;
  IngestCounters counters;
  Batcher batcher(sink, counters);
  MqttSettings settings;
  settings.client_id = "x";
  settings.uri = "http://x";
  CHECK_FALSE(MqttSource::start(settings, rules(), batcher, counters).ok());
  settings.uri = "mqtt://127.0.0.1:1";
  CHECK_FALSE(MqttSource::start(settings, {}, batcher, counters).ok());
  settings.client_id = "";
  CHECK_FALSE(MqttSource::start(settings, rules(), batcher, counters).ok());
}

}  // namespace
}  // namespace deltamesh
