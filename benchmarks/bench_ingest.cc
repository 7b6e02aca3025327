// benchmarks/bench_ingest.cc - how fast does a node take readings in, until they are durable?
//
// Over MQTT: a recording is published through a real broker as fast as it accepts it, to a node and, in a pass of
// its own, to mosquitto_sub, which only counts. From files: `sync-node import`, the append path without a network.
#include <chrono>
#include <exception>
#include <fstream>
#include <iostream>

#include "benchmarks/options.h"
#include "benchmarks/process_use.h"
#include "benchmarks/recording.h"
#include "benchmarks/report.h"
#include "tests/scenarios/node_process.h"
#include "tests/support/mosquitto.h"
#include "tests/support/recorded_data.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait.h"

namespace {

using namespace deltamesh;
using testing::ChildProcess;
using testing::Mosquitto;
using testing::NodeProcess;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::minutes kPatience{10};
constexpr std::uint64_t kMessagesWhole = 50'270, kMessagesQuick = 10'000;
constexpr double kReadingsOfMessage = 7;

double seconds_since(Clock::time_point begun) {
  return std::chrono::duration<double>(Clock::now() - begun).count();
}

struct Publisher {
  const Mosquitto& broker;
  std::filesystem::path recording;
  std::uint64_t messages;
  int qos;

  [[nodiscard]] ChildProcess start(const std::filesystem::path& output) const {
    return {{testing::program("replay"), recording.string(), "--broker", broker.uri(), "--format", "json-array",
             "--topic", "tele/{device}/SENSOR", "--device-path", "device", "--qos", std::to_string(qos), "--to",
             std::to_string(messages)},
            output};
  }
};

std::string mqtt_settings(const Publisher& publisher) {
  return "[[mqtt]]\nbroker = \"" + publisher.broker.uri() +
         "\"\nclient_id = \"node\"\n[[mqtt.rule]]\ntopic = \"tele/{device}/SENSOR\"\nqos = " +
         std::to_string(publisher.qos) +
         "\ndataset = \"env\"\nselect = [\"data.*\"]\ndevice = \"device\"\ntimestamp = \"ts\"\n";
}

struct MqttRun {
  double node_seconds = 0, subscriber_seconds = 0, lost = 0;
  double store_bytes = 0;
  bench::ProcessUse use;
};

// Until the store on disk holds every message (QoS 1), or none came for a second (QoS 0 may lose some).
void await_durable(NodeProcess& node, const Publisher& publisher) {
  std::uint64_t taken = 0;
  auto last = Clock::now();
  const bool taken_all = testing::wait_until(
      [&] {
        const std::uint64_t now = node.counter("events_written");
        if (now != taken) last = Clock::now();
        taken = now;
        return taken >= publisher.messages || (publisher.qos == 0 && taken > 0 && seconds_since(last) > 1);
      },
      kPatience);
  if (!taken_all || !testing::wait_until([&] { return testing::holds_all(node, 1, taken); }, kPatience))
    throw std::runtime_error("the node did not take the recording in:\n" + node.log());
}

void run_node(MqttRun& run, const Publisher& publisher, const std::filesystem::path& folder) {
  NodeProcess node(folder, "node", {{}, "10s", mqtt_settings(publisher), {}});
  node.start();
  testing::wait_until([&] { return node.health().at("mqtt").at("brokers").at(0).at("connected").as_bool(); });
  const auto begun = Clock::now();
  const ChildProcess replay = publisher.start(folder / "replay.log");
  await_durable(node, publisher);
  run.node_seconds = seconds_since(begun);
  run.use = bench::process_use(node.pid());
  run.lost = static_cast<double>(publisher.messages) - static_cast<double>(node.counter("events_written"));
  node.stop();
  run.store_bytes = static_cast<double>(std::filesystem::file_size(node.store()));
}

// mosquitto_sub says nothing when it has subscribed, but the broker's log does.
void run_subscriber(MqttRun& run, const Publisher& publisher, const std::filesystem::path& folder) {
  ChildProcess subscriber({"mosquitto_sub", "-p", std::to_string(publisher.broker.port()), "-t", "tele/#", "-q",
                           std::to_string(publisher.qos), "-C", std::to_string(publisher.messages), "-i", "counter"},
                          folder / "subscriber.log");
  testing::wait_until([&] { return publisher.broker.log().find("counter 0 tele/#") != std::string::npos ||
                                   publisher.broker.log().find("counter 1 tele/#") != std::string::npos; },
                      std::chrono::seconds(5));
  const auto begun = Clock::now();
  const ChildProcess replay = publisher.start(folder / "replay.log");
  if (subscriber.wait(kPatience) != 0) throw std::runtime_error("mosquitto_sub did not receive all messages");
  run.subscriber_seconds = seconds_since(begun);
}

void measure_mqtt(bench::Report& report, const bench::Options& options, const std::filesystem::path& recording, int qos) {
  std::vector<MqttRun> runs;
  const std::uint64_t messages = options.quick ? kMessagesQuick : kMessagesWhole;
  for (unsigned i = 0; i < options.runs; ++i) {
    const testing::TempDir dir;
    const Mosquitto broker(testing::BrokerSaves::kNever);
    const Publisher publisher{broker, recording, messages, qos};
    MqttRun run;
    run_subscriber(run, publisher, dir.path());
    run_node(run, publisher, dir.path());
    runs.push_back(run);
  }
  const auto median_of = [&](auto pick) {
    std::vector<double> values;
    for (const MqttRun& run : runs) values.push_back(pick(run));
    return bench::median(std::move(values));
  };
  const auto count = static_cast<double>(messages);
  const double readings = count * kReadingsOfMessage;
  report.begin_case();
  report.param("recording", std::string("env-sensor-mqtt.tar.zst"));
  report.param("messages", count);
  report.param("qos", static_cast<double>(qos));
  report.add({"mqtt_messages_per_second", median_of([&](const MqttRun& run) { return (count - run.lost) / run.node_seconds; }),
              "messages/s",
              bench::Peer{"mosquitto_sub", median_of([&](const MqttRun& run) { return count / run.subscriber_seconds; })}});
  report.add({"mqtt_messages_lost", median_of([](const MqttRun& run) { return run.lost; }), "", {}});
  report.add({"mqtt_cpu_us_per_reading", median_of([&](const MqttRun& run) { return run.use.cpu_seconds / readings * 1e6; }),
              "us", {}});
  report.add({"mqtt_memory_peak", median_of([](const MqttRun& run) { return static_cast<double>(run.use.memory_peak_bytes) / 1048576; }),
              "MiB", {}});
  report.add({"mqtt_disk_bytes_per_reading", median_of([&](const MqttRun& run) { return run.store_bytes / readings; }), "B", {}});
  report.add({"mqtt_written_bytes_per_reading",
              median_of([&](const MqttRun& run) { return static_cast<double>(run.use.disk_bytes) / readings; }), "B", {}});
}

void measure_import(bench::Report& report, const bench::Options& options, const std::filesystem::path& archive,
                    const std::filesystem::path& folder) {
  std::vector<std::string> files = bench::unpack(archive, folder);
  std::erase_if(files, [](const std::string& file) { return !file.ends_with(".csv"); });
  std::vector<double> seconds;
  double readings = 0, bytes = 0;
  for (unsigned i = 0; i < options.runs; ++i) {
    const testing::TempDir dir;
    const NodeProcess node(dir.path(), "node");
    std::vector<std::string> command{testing::program("sync-node"), "import", "--config", node.settings_file(),
                                     "--dataset", "env", "--format", options.quick ? "csv-long" : "csv-wide"};
    command.insert(command.end(), files.begin(), files.end());
    const auto begun = Clock::now();
    bench::run_or_throw(std::move(command));
    seconds.push_back(seconds_since(begun));
    readings = static_cast<double>(testing::counted(node, "samples"));
    bytes = static_cast<double>(std::filesystem::file_size(node.store()));
  }
  report.begin_case();
  report.param("recording", archive.filename().string());
  report.param("readings", readings);
  report.add({"import_readings_per_second", readings / bench::median(seconds), "readings/s", {}});
  report.add({"import_disk_bytes_per_reading", bytes / readings, "B", {}});
}

int measure(const bench::Options& options) {
  const auto messages = testing::recorded_data("env-sensor-mqtt.tar.zst");
  const auto rows =
      testing::recorded_data(options.quick ? "aberdeen-sample-7d.csv.zst" : "aberdeen-by-sensor.tar.zst");
  if (!messages || !rows) return 0;
  const testing::TempDir dir;
  bench::unpack(*messages, dir.path() / "messages");
  bench::Report report("ingest");
  measure_import(report, options, *rows, dir.path() / "rows");
  for (const int qos : {0, 1}) measure_mqtt(report, options, dir.path() / "messages" / "raw_data_xlarge.json", qos);
  return report.finish(options.json_file) ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  int status = 0;
  const auto options =
      bench::parse_options(argc, argv, "How fast does a node take readings in, until they are durable?", status);
  if (!options) return status;
  try {
    return measure(*options);
  } catch (const std::exception& error) {
    std::cerr << "bench_ingest: " << error.what() << "\n";
    return 1;
  }
}
