// tests/scenarios/stop_test.cc - a node that is stopped keeps what it acknowledged to a broker.
#include <catch2/catch.hpp>
#include <fstream>
#include <set>

#include "tests/scenarios/node_process.h"
#include "tests/support/mosquitto.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait.h"

namespace deltamesh::testing {
namespace {

constexpr std::size_t kMessages = 1'000;

std::string mqtt_settings(const Mosquitto& broker) {
  return "[[mqtt]]\nbroker = \"" + broker.uri() +
         "\"\nclient_id = \"gateway\"\n[[mqtt.rule]]\ntopic = \"tele/{device}/SENSOR\"\nqos = 1\n"
         "dataset = \"env\"\ntimestamp = \"ts\"\ntimestamp_unit = \"ms\"\n";
}

NodeOptions options(const Mosquitto& broker) {
  NodeOptions options;
  options.more = mqtt_settings(broker);
  options.commit_interval = "10s";  // So that what comes is not durable when the node is stopped.
  return options;
}

std::vector<std::string> messages() {
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < kMessages; ++i)
    lines.push_back("{\"ts\":" + std::to_string(i) + ",\"t\":" + std::to_string(i) + "}");
  return lines;
}

std::uint64_t messages_taken(const NodeProcess& node) {
  return node.health().at("ingest").at("messages").to_number<std::uint64_t>();
}

bool subscribed(const NodeProcess& node) {
  return node.health().at("mqtt").at("brokers").at(0).at("connected").as_bool();
}

std::set<std::int64_t> stored_times(const NodeProcess& node) {
  const auto answer = dump({"samples", node.store(), "--dataset", "env", "--series", "d/t"});
  REQUIRE(answer.is_object());
  std::set<std::int64_t> times;
  for (const auto& sample : answer.at("samples").as_array())
    times.insert(sample.at("time").to_number<std::int64_t>());
  return times;
}

TEST_CASE("SIGTERM long before the next commit loses no message that was acknowledged", "[scenario][stop]") {
  const Mosquitto broker;
  const TempDir dir;
  NodeProcess gateway(dir.path(), "gateway", options(broker));
  gateway.start();
  REQUIRE(wait_until([&] { return subscribed(gateway); }));
  broker.publish_lines("tele/d/SENSOR", messages());
  REQUIRE(wait_until([&] { return messages_taken(gateway) == kMessages; }));
  CHECK(gateway.stop() == 0);
  CHECK(stored_times(gateway).size() == kMessages);
  CHECK_THAT(gateway.log(), !Catch::Contains("given up"));
}

TEST_CASE("SIGTERM while messages arrive leaves each in the store or with the broker", "[scenario][stop]") {
  const Mosquitto broker;
  const TempDir dir;
  NodeProcess gateway(dir.path(), "gateway", options(broker));
  gateway.start();
  REQUIRE(wait_until([&] { return subscribed(gateway); }));
  ChildProcess publisher({program("replay"), "-", "--broker", broker.uri(), "--format", "ndjson", "--topic",
                          "tele/d/SENSOR", "--in-flight", "10"},
                         dir.path() / "publisher", [&] {
                           const auto file = dir.path() / "messages";
                           std::ofstream out(file);
                           for (const std::string& line : messages()) out << line << '\n';
                           return file;
                         }());
  REQUIRE(wait_until([&] { return messages_taken(gateway) >= kMessages / 4; }));
  CHECK(gateway.stop() == 0);
  CHECK(publisher.wait() == 0);
  gateway.start();
  REQUIRE(wait_until([&] { return stored_times(gateway).size() == kMessages; }));
  CHECK(gateway.stop() == 0);
}

}  // namespace
}  // namespace deltamesh::testing
