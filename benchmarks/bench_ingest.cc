// benchmarks/bench_ingest.cc - how fast does a node take readings in, until they are durable?
//
// Over MQTT: a recording is published through a real broker as fast as it accepts it, to a node and, in the
// same run, to mosquitto_sub, which only counts. From files: `sync-node import`, the append path without a
// network.
#include <signal.h>

#include <algorithm>
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
    return {{testing::program("replay"), recording.string(), "--broker", broker.uri(), "--format",
             "json-array", "--topic", "tele/{device}/SENSOR", "--device-path", "device", "--qos",
             std::to_string(qos), "--to", std::to_string(messages)},
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
  double seconds = 0, taken = 0, subscriber_received = 0;
  double store_bytes = 0;
  bench::ProcessUse use;
};

// Counts a line a message. It says nothing once it has subscribed, but the broker does.
class Subscriber {
 public:
  Subscriber(const Publisher& publisher, const std::filesystem::path& folder)
      : output_(folder / "subscriber"),
        process_({"mosquitto_sub", "-p", std::to_string(publisher.broker.port()), "-i", "subscriber", "-t",
                  "tele/#", "-q", std::to_string(publisher.qos), "-F", "%l"},
                 output_) {
    const auto known = [&] { return publisher.broker.log().find(" as subscriber ") != std::string::npos; };
    if (!testing::wait_until(known)) throw std::runtime_error("mosquitto_sub does not connect");
  }
  [[nodiscard]] double stop() {
    process_.signal(SIGTERM);
    process_.wait();
    const std::string lines = testing::read_text(output_);
    return static_cast<double>(std::count(lines.begin(), lines.end(), '\n'));
  }

 private:
  std::filesystem::path output_;
  ChildProcess process_;
};

// Until the node has every message, or, of QoS 0, none came for a while: the broker may drop some on their
// way.
void await_messages(const NodeProcess& node, const Publisher& publisher, MqttRun& run) {
  const auto begun = Clock::now();
  double quiet_since = 0;
  const auto all_came = [&] {
    const auto now = static_cast<double>(node.counter("events_written"));
    if (now != run.taken) run.seconds = quiet_since = seconds_since(begun);
    run.taken = now;
    return now >= static_cast<double>(publisher.messages) ||
           (publisher.qos == 0 && now > 0 && seconds_since(begun) - quiet_since > 1);
  };
  if (!testing::wait_until(all_came, kPatience))
    throw std::runtime_error("messages are missing:\n" + node.log());
}

// The node and mosquitto_sub hear the same messages in the same run.
MqttRun run_mqtt(const Publisher& publisher, const std::filesystem::path& folder) {
  NodeProcess node(folder, "node", {{}, "10s", mqtt_settings(publisher), {}});
  node.start();
  if (!testing::wait_until(
          [&] { return node.health().at("mqtt").at("brokers").at(0).at("connected").as_bool(); }))
    throw std::runtime_error("the node does not subscribe:\n" + node.log());
  Subscriber subscriber(publisher, folder);
  MqttRun run;
  const auto begun = Clock::now();
  const ChildProcess replay = publisher.start(folder / "replay.log");
  await_messages(node, publisher, run);
  const auto taken = static_cast<std::uint64_t>(run.taken);
  if (!testing::wait_until([&] { return testing::holds_all(node, 1, taken); }, kPatience))
    throw std::runtime_error("what was taken is not durable:\n" + node.log());
  if (publisher.qos > 0) run.seconds = seconds_since(begun);
  run.use = bench::process_use(node.pid());
  run.subscriber_received = subscriber.stop();
  node.stop();
  run.store_bytes = static_cast<double>(std::filesystem::file_size(node.store()));
  return run;
}

void measure_mqtt(bench::Report& report, const bench::Options& options,
                  const std::filesystem::path& recording, int qos) {
  const std::uint64_t messages = options.quick ? kMessagesQuick : kMessagesWhole;
  std::vector<MqttRun> runs;
  for (unsigned i = 0; i < options.runs; ++i) {
    const testing::TempDir dir;
    const Mosquitto broker(testing::BrokerSaves::kNever);
    runs.push_back(run_mqtt({broker, recording, messages, qos}, dir.path()));
  }
  const auto median_of = [&](auto pick) {
    std::vector<double> values;
    for (const MqttRun& run : runs) values.push_back(pick(run));
    return bench::median(std::move(values));
  };
  const auto readings = [](const MqttRun& run) { return run.taken * kReadingsOfMessage; };
  report.begin_case();
  report.param("recording", std::string("env-sensor-mqtt.tar.zst"));
  report.param("messages", static_cast<double>(messages));
  report.param("qos", static_cast<double>(qos));
  report.param("runs", static_cast<double>(options.runs));
  const auto add = [&](const char* metric, const char* unit, auto pick) {
    report.add({metric, median_of(pick), unit, {}});
  };
  report.add(
      {"mqtt_messages_received", median_of([](const MqttRun& run) { return run.taken; }), "",
       bench::Peer{"mosquitto_sub", median_of([](const MqttRun& run) { return run.subscriber_received; })}});
  add("mqtt_messages_per_second", "messages/s", [](const MqttRun& run) { return run.taken / run.seconds; });
  add("mqtt_readings_per_second", "readings/s",
      [&](const MqttRun& run) { return readings(run) / run.seconds; });
  add("mqtt_cpu_us_per_reading", "us",
      [&](const MqttRun& run) { return run.use.cpu_seconds / readings(run) * 1e6; });
  add("mqtt_memory_peak", "MiB",
      [](const MqttRun& run) { return static_cast<double>(run.use.memory_peak_bytes) / 1048576; });
  add("mqtt_disk_bytes_per_reading", "B",
      [&](const MqttRun& run) { return run.store_bytes / readings(run); });
  add("mqtt_written_bytes_per_reading", "B",
      [&](const MqttRun& run) { return static_cast<double>(run.use.disk_bytes) / readings(run); });
}

void measure_import(bench::Report& report, const bench::Options& options,
                    const std::filesystem::path& archive, const std::filesystem::path& folder) {
  std::vector<std::string> files = bench::unpack(archive, folder);
  std::erase_if(files, [](const std::string& file) { return !file.ends_with(".csv"); });
  std::vector<double> seconds;
  double readings = 0, bytes = 0;
  for (unsigned i = 0; i < options.runs; ++i) {
    const testing::TempDir dir;
    const NodeProcess node(dir.path(), "node");
    std::vector<std::string> command{testing::program("sync-node"),
                                     "import",
                                     "--config",
                                     node.settings_file(),
                                     "--dataset",
                                     "env",
                                     "--format",
                                     options.quick ? "csv-long" : "csv-wide"};
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
  for (const int qos : {0, 1})
    measure_mqtt(report, options, dir.path() / "messages" / "raw_data_xlarge.json", qos);
  return report.finish(options.json_file) ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  int status = 0;
  const auto options = bench::parse_options(
      argc, argv, "How fast does a node take readings in, until they are durable?", status);
  if (!options) return status;
  try {
    return measure(*options);
  } catch (const std::exception& error) {
    std::cerr << "bench_ingest: " << error.what() << "\n";
    return 1;
  }
}
