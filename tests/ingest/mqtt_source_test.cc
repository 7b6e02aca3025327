// tests/ingest/mqtt_source_test.cc - messages of a real broker arrive, also after it was killed.
#include "ingest/mqtt_source.h"

#include <catch2/catch.hpp>
#include <set>

#include "tests/ingest/recording_sink.h"
#include "tests/support/mosquitto.h"
#include "tests/support/wait.h"

namespace deltamesh {
namespace {

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
    CHECK(wait_until([&] { return sink.count(kClimate) == round; }));
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

TEST_CASE("in strict mode nothing is acknowledged to the broker before it is durable", "[ingest][mqtt]") {
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
  sink.let_go();
  CHECK(wait_until([&] { return sink.count(kClimate) == 10; }));
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
  CHECK(counters.snapshot().retained_skipped == 1);
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
