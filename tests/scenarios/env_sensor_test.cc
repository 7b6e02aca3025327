// tests/scenarios/env_sensor_test.cc - a recording reaches three stores through a broker, crashes and
// absence.
#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>

#include "tests/scenarios/breakable_link.h"
#include "tests/scenarios/node_process.h"
#include "tests/support/mosquitto.h"
#include "tests/support/recorded_data.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait.h"

namespace deltamesh::testing {
namespace {

constexpr std::uint64_t kMessages = 50'270;
constexpr std::size_t kValues = 351'890;  // As dots; seven of them were recorded twice.
constexpr std::size_t kSamples = 351'883;

std::string mqtt_settings(const Mosquitto& broker) {
  return "[[mqtt]]\nbroker = \"" + broker.uri() +
         "\"\nclient_id = \"gateway\"\n[[mqtt.rule]]\ntopic = \"tele/{device}/SENSOR\"\nqos = 1\n"
         "dataset = \"env\"\nselect = [\"data.*\"]\ndevice = \"device\"\ntimestamp = \"ts\"\n";
}

// cloud <- (a link that can be held) <- gateway <- device
struct Plant {
  explicit Plant(const std::filesystem::path& folder)
      : cloud(folder, "cloud"),
        link(cloud.ws_port()),
        gateway(
            folder, "gateway",
            {{"ws://127.0.0.1:" + std::to_string(link.port()) + "/sync"}, "10s", mqtt_settings(broker), {}}),
        device(folder, "device", {{gateway.tcp()}, "10s", {}, {}}) {}

  void start() {
    for (NodeProcess* node : {&cloud, &gateway, &device}) node->start();
    REQUIRE(wait_until([this] { return gateway.live_sessions() == 2 && subscribed(); }));
  }

  [[nodiscard]] bool subscribed() const {
    return gateway.health().at("mqtt").at("brokers").at(0).at("connected").as_bool();
  }

  Mosquitto broker{BrokerSaves::kNever};
  NodeProcess cloud;
  BreakableLink link;
  NodeProcess gateway, device;
};

// Messages `from` to `to` of the recording, on their way to the broker.
class Replay {
 public:
  Replay(const Plant& plant, const std::filesystem::path& recording, std::uint64_t from, std::uint64_t to)
      : process_({program("replay"), recording.string(), "--broker", plant.broker.uri(), "--format",
                  "json-array", "--topic", "tele/{device}/SENSOR", "--device-path", "device", "--qos", "1",
                  "--from", std::to_string(from), "--to", std::to_string(to)},
                 dir_.path() / "output") {}

  void finish() {
    const auto status = process_.wait(std::chrono::minutes(3));
    INFO(read_text(dir_.path() / "output"));
    REQUIRE(status == 0);
  }

 private:
  TempDir dir_;
  ChildProcess process_;
};

// Messages `from` to `to` of the recording. In their midst the cloud's answers are held back, so what it is
// seen to take after that stays unacknowledged until it is dead. Returns when the gateway has them all.
void publish_through_a_crash(Plant& plant, const std::filesystem::path& recording, std::uint64_t from,
                             std::uint64_t to) {
  const std::uint64_t middle = from + (to - from) / 4;
  Replay(plant, recording, from, middle).finish();
  REQUIRE(wait_until([&] { return holds_all(plant.cloud, 1, middle); }));  // So they are in session.
  const std::string cloud = plant.cloud.node_id();
  plant.link.hold_answers();
  const std::uint64_t taken = plant.cloud.counter("events_received");
  Replay rest(plant, recording, middle + 1, to);
  REQUIRE(wait_until([&] {
    return plant.cloud.counter("events_received") > taken && plant.gateway.events_unacknowledged(cloud) > 0;
  }));
  plant.cloud.kill();
  plant.link.mend();
  plant.cloud.start();
  rest.finish();
  REQUIRE(wait_until([&] { return plant.gateway.counter("events_written") >= to; }));
}

using Lines = std::vector<std::string>;

Lines sorted_lines(const Output& output) {
  REQUIRE(output.status == 0);
  std::istringstream in(output.text);
  Lines lines;
  for (std::string one; std::getline(in, one);) lines.push_back(one);
  std::sort(lines.begin(), lines.end());
  return lines;
}

Lines values_of(const NodeProcess& node, bool raw) {
  Lines command{"python3", DELTAMESH_SOURCE_DIR "/tests/scenarios/store_values.py", program("crdt-dump"),
                node.store()};
  if (raw) command.emplace_back("--raw");
  return sorted_lines(run(command));
}

void check_store(const NodeProcess& node, const Lines& dots, const Lines& samples) {
  INFO(node.store());
  CHECK(holds_all(node, 1, kMessages));
  CHECK(counted(node, "events") == kMessages);
  CHECK(counted(node, "samples") == kValues);
  CHECK((values_of(node, true) == dots));  // In brackets, so that a failure prints no megabytes.
  CHECK((values_of(node, false) == samples));
}

TEST_CASE(
    "a recording reaches gateway, device and cloud exactly, through crashes of the cloud and a device "
    "offline",
    "[scenario][data]") {
  const auto archive = recorded_data("env-sensor-mqtt.tar.zst");
  if (!archive) return;
  const TempDir dir;
  const auto recording = dir.path() / "recording.json";
  const Output unpacked = run({"tar", "--zstd", "-xOf", archive->string(), "raw_data_xlarge.json"});
  REQUIRE(unpacked.status == 0);
  std::ofstream(recording, std::ios::binary) << unpacked.text;

  Plant plant(dir.path());
  plant.start();
  publish_through_a_crash(plant, recording, 1, 16'756);
  CHECK(plant.device.stop() == 0);
  const std::uint64_t held = counted(plant.device, "events");
  CHECK(held <= 16'756);
  publish_through_a_crash(plant, recording, 16'757, 33'514);
  CHECK(counted(plant.device, "events") == held);
  plant.device.start();
  publish_through_a_crash(plant, recording, 33'515, kMessages);
  for (const NodeProcess* node : {&plant.gateway, &plant.device, &plant.cloud}) {
    INFO(node->log());
    REQUIRE(wait_until([node] { return holds_all(*node, 1, kMessages); }, std::chrono::minutes(2)));
  }
  for (NodeProcess* node : {&plant.device, &plant.gateway, &plant.cloud}) CHECK(node->stop() == 0);

  const Lines dots =
      sorted_lines(run({"python3", DELTAMESH_SOURCE_DIR "/tests/ingest/env_sensor_parse.py"}, recording));
  Lines samples = dots;
  samples.erase(std::unique(samples.begin(), samples.end()), samples.end());
  REQUIRE(dots.size() == kValues);
  REQUIRE(samples.size() == kSamples);
  for (const NodeProcess* node : {&plant.gateway, &plant.device, &plant.cloud})
    check_store(*node, dots, samples);
  CHECK(same_contents(plant.gateway, plant.cloud));
  CHECK(same_contents(plant.gateway, plant.device));
  CHECK(same_contents(plant.device, plant.cloud));
}

}  // namespace
}  // namespace deltamesh::testing
