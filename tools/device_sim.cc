// tools/device_sim.cc - main() of device-sim: a plant full of simulated sensors that publish to a broker.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdlib>
#include <future>
#include <iostream>

#include "ingest/topic.h"
#include "tools/device_sim_device.h"
#include "tools/mqtt_publisher.h"
#include "tools/stop_signals.h"

namespace {

using namespace deltamesh;
using Clock = std::chrono::steady_clock;

// Exit statuses.
constexpr int kGood = 0;    // Also when it was stopped by SIGTERM or SIGINT.
constexpr int kPartly = 1;  // Not all was acknowledged.
constexpr int kFailed = 2;  // It could not begin.

// So that times in milliseconds and the number of messages fit everywhere.
constexpr double kDurationMax = 1e9, kRateMax = 1e6;
constexpr double kMessagesMax = 1e15;

int fail(const std::string& text) {
  std::cerr << "device-sim: " << text << '\n';
  return kFailed;
}

struct Arguments {
  PublisherSettings publisher;
  std::string topic = "plant/{device}/SENSOR";
  std::uint64_t devices = 100;
  double rate = 1;         // Messages a second and device.
  double duration = 30;    // Simulated seconds.
  double speed = 1;        // Simulated seconds a second; 0: as fast as it goes.
  std::int64_t start = 0;  // Milliseconds since 1970; 0: now.
  std::uint64_t seed = 1;
  SimFaults faults;
  bool json = false;
};

void declare(CLI::App& app, Arguments& arguments) {
  const CLI::AsNumberWithUnit seconds(
      std::map<std::string, double>{{"ms", 0.001}, {"s", 1}, {"m", 60}, {"h", 3600}});
  app.add_option("--broker", arguments.publisher.uri, "Such as mqtt://127.0.0.1:1883");
  app.add_option("--username", arguments.publisher.username, "For the broker");
  app.add_option("--password", arguments.publisher.password, "For the broker");
  app.add_option("--topic", arguments.topic, "With {device}, such as plant/{device}/SENSOR");
  app.add_option("--devices", arguments.devices, "How many")->check(CLI::Range(1, 1'000'000));
  app.add_option("--rate", arguments.rate, "Messages a second and device")
      ->check(CLI::PositiveNumber)
      ->check(CLI::Range(0.0, kRateMax));
  app.add_option("--duration", arguments.duration, "Simulated time, such as 30s or 5m")
      ->transform(seconds)
      ->check(CLI::Range(0.0, kDurationMax));
  app.add_option("--speed", arguments.speed, "Simulated seconds a second; 0 is as fast as it goes")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--start", arguments.start, "First time stamp, in ms since 1970 (default: now)");
  app.add_option("--seed", arguments.seed, "Equal seeds and starts give equal messages");
  app.add_option("--drop-out", arguments.faults.drop_out, "Chance a message to fall silent")
      ->check(CLI::Range(0.0, 1.0));
  app.add_option("--reboot", arguments.faults.reboot, "Chance a message to reboot")
      ->check(CLI::Range(0.0, 1.0));
  app.add_option("--in-flight", arguments.publisher.in_flight_max, "Unacknowledged messages at most")
      ->check(CLI::Range(1, 65'535));
  app.add_flag("--json", arguments.json, "The summary as one JSON object");
}

struct Summary {
  std::uint64_t messages = 0, values = 0, silent = 0, reboots = 0, acknowledged = 0;
};

std::int64_t now_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

std::vector<SimulatedDevice> make_devices(const Arguments& arguments) {
  std::vector<SimulatedDevice> devices;
  for (std::uint64_t i = 1; i <= arguments.devices; ++i)
    devices.emplace_back(arguments.seed, i, arguments.faults);
  return devices;
}

Status send(SimulatedDevice& device, std::int64_t time_ms, const TopicTemplate& topic,
            MqttPublisher& publisher, Summary& summary) {
  const auto message = device.message(time_ms);
  if (!message) {
    ++summary.silent;
    return Done{};
  }
  const auto filled = topic.fill({{"device", device.name()}});
  if (!filled) return filled.error();
  ++summary.messages;
  summary.values += static_cast<std::uint64_t>(message->values);
  return publisher.publish(*filled, message->payload);
}

// The devices send one after the other, spread evenly over each period, until all is sent or a signal comes.
Status simulate(const Arguments& arguments, const TopicTemplate& topic, StopSignals& signals,
                MqttPublisher& publisher, Summary& summary) {
  auto devices = make_devices(arguments);
  const auto periods = static_cast<std::uint64_t>(arguments.duration * arguments.rate);
  const std::int64_t start_ms = arguments.start != 0 ? arguments.start : now_ms();
  const auto start = Clock::now();
  for (std::uint64_t slot = 0; slot < periods * devices.size(); ++slot) {
    const double second = static_cast<double>(slot) / static_cast<double>(devices.size()) / arguments.rate;
    const double real = arguments.speed > 0 ? second / arguments.speed : 0;
    if (signals.wait_until(start + std::chrono::microseconds(static_cast<std::int64_t>(real * 1e6)))) break;
    const auto time_ms = start_ms + static_cast<std::int64_t>(second * 1000);
    auto sent = send(devices[slot % devices.size()], time_ms, topic, publisher, summary);
    if (!sent) return sent;
  }
  for (const SimulatedDevice& device : devices) summary.reboots += device.reboots();
  return publisher.drain();
}

void print(const Summary& summary, const Arguments& arguments) {
  if (arguments.json) {
    std::cout << "{\"devices\":" << arguments.devices << ",\"messages\":" << summary.messages
              << ",\"values\":" << summary.values << ",\"acknowledged\":" << summary.acknowledged
              << ",\"silent\":" << summary.silent << ",\"reboots\":" << summary.reboots << "}\n";
    return;
  }
  std::cout << arguments.devices << " devices: " << summary.messages << " messages with " << summary.values
            << " values published, " << summary.acknowledged << " acknowledged; " << summary.silent
            << " left out while silent, " << summary.reboots << " reboots\n";
}

// Connecting may take long, and a signal must end it all the same; nothing was sent by then.
Result<std::unique_ptr<MqttPublisher>> connect(const PublisherSettings& settings, StopSignals& signals) {
  auto connecting = std::async(std::launch::async, [&] { return MqttPublisher::connect(settings); });
  while (connecting.wait_for(std::chrono::milliseconds(0)) != std::future_status::ready) {
    if (signals.wait_until(Clock::now() + std::chrono::milliseconds(20))) std::_Exit(kFailed);
  }
  return connecting.get();
}

int run(const Arguments& arguments) {
  const double messages = arguments.duration * arguments.rate * static_cast<double>(arguments.devices);
  if (messages > kMessagesMax) return fail("--duration, --rate and --devices make too many messages");
  const auto topic = TopicTemplate::parse(arguments.topic);
  if (!topic) return fail(topic.error().text);
  if (auto probe = topic->fill({{"device", "sim"}}); !probe) return fail(probe.error().text);
  StopSignals signals;
  const auto publisher = connect(arguments.publisher, signals);
  if (!publisher) return fail(publisher.error().text);
  Summary summary;
  const auto status = simulate(arguments, *topic, signals, **publisher, summary);
  summary.acknowledged = (*publisher)->acknowledged();
  print(summary, arguments);
  if (status) return kGood;
  fail(status.error().text);
  return kPartly;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Simulates sensors that publish to an MQTT broker.");
  Arguments arguments;
  declare(app, arguments);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kGood : kFailed;
  }
  return run(arguments);
}
