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

NodeOptions options(const Mosquitto& broker) {
  NodeOptions options;
  options.commit_interval = "10s";  // So that what comes is not durable when the node is stopped.
  options.more = "[[mqtt]]\nbroker = \"" + broker.uri() +
                 "\"\nclient_id = \"gateway\"\n[[mqtt.rule]]\ntopic = \"tele/{device}/SENSOR\"\nqos = 1\n"
                 "dataset = \"env\"\ntimestamp = \"ts\"\ntimestamp_unit = \"ms\"\n";
  return options;
}

// A broker, and a gateway that has subscribed.
struct Plant {
  Plant() {
    gateway.start();
    REQUIRE(wait_until(
        [this] { return gateway.health().at("mqtt").at("brokers").at(0).at("connected").as_bool(); }));
  }
  [[nodiscard]] std::uint64_t messages_taken() const {
    return gateway.health().at("ingest").at("messages").to_number<std::uint64_t>();
  }

  const Mosquitto broker;
  const TempDir dir;
  NodeProcess gateway{dir.path(), "gateway", options(broker)};
};

std::vector<std::string> messages() {
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < kMessages; ++i)
    lines.push_back("{\"ts\":" + std::to_string(i) + ",\"t\":" + std::to_string(i) + "}");
  return lines;
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
  Plant plant;
  plant.broker.publish_lines("tele/d/SENSOR", messages());
  REQUIRE(wait_until([&] { return plant.messages_taken() == kMessages; }));
  CHECK(plant.gateway.stop() == 0);
  CHECK(stored_times(plant.gateway).size() == kMessages);
  CHECK_THAT(plant.gateway.log(), !Catch::Contains("given up"));
}

TEST_CASE("SIGTERM while messages arrive leaves each in the store or with the broker", "[scenario][stop]") {
  Plant plant;
  const auto file = plant.dir.path() / "messages";
  std::ofstream out(file);
  for (const std::string& line : messages()) out << line << '\n';
  out.close();
  ChildProcess publisher({program("replay"), file.string(), "--broker", plant.broker.uri(), "--format",
                          "ndjson", "--topic", "tele/d/SENSOR", "--in-flight", "10"},
                         plant.dir.path() / "publisher");
  REQUIRE(wait_until([&] { return plant.messages_taken() >= kMessages / 4; }));
  CHECK(plant.messages_taken() < kMessages);
  CHECK(plant.gateway.stop() == 0);
  CHECK(publisher.wait() == 0);
  plant.gateway.start();
  REQUIRE(wait_until([&] { return stored_times(plant.gateway).size() == kMessages; }));
  CHECK(plant.gateway.stop() == 0);
}

}  // namespace
}  // namespace deltamesh::testing
