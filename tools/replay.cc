// tools/replay.cc - main() of replay: recorded readings to a broker, at real or scaled speed.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <fstream>
#include <iostream>

#include "tools/replay_job.h"
#include "tools/time_units.h"

namespace {

using namespace deltamesh;

const std::map<std::string, RecordFormat> kFormats{{"ndjson", RecordFormat::kNdjson},
                                                   {"json-array", RecordFormat::kJsonArray},
                                                   {"csv-wide", RecordFormat::kCsv},
                                                   {"csv-long", RecordFormat::kCsv}};
const std::map<std::string, TimeUnit> kTimes(std::begin(kTimeUnits), std::end(kTimeUnits));

// Exit statuses.
constexpr int kGood = 0;
constexpr int kPartly = 1;  // Not all was published and acknowledged.
constexpr int kFailed = 2;  // It could not begin.

int fail(const std::string& text) {
  std::cerr << "replay: " << text << '\n';
  return kFailed;
}

struct Arguments {
  std::string file = "-";
  std::string speed = "max";
  std::string device_path;
  std::string topic;
  std::vector<std::string> texts;  // name=text
  ReplaySettings settings;
  PublisherSettings publisher;
};

void declare(CLI::App& app, Arguments& arguments) {
  ReplaySettings& settings = arguments.settings;
  app.add_option("file", arguments.file, "Recorded readings; - is the standard input");
  app.add_option("--broker", arguments.publisher.uri, "Such as mqtt://127.0.0.1:1883");
  app.add_option("--username", arguments.publisher.username, "For the broker");
  app.add_option("--password", arguments.publisher.password, "For the broker");
  app.add_option("--format", settings.format, "Of the file")
      ->required()
      ->transform(CLI::CheckedTransformer(kFormats));
  app.add_option("--topic", arguments.topic,
                 "Such as tele/{device}/SENSOR; a {name} is the column or JSON field of that name")
      ->required();
  app.add_option("--device-path", arguments.device_path, "JSON path or column of {device}");
  app.add_option("--set", arguments.texts, "name=text: what a {name} of the topic is, for all messages");
  app.add_option("--speed", arguments.speed, "Times real time, or max");
  app.add_option("--time-path", settings.time_path, "JSON path or column of the time, for --speed");
  app.add_option("--time-unit", settings.time_unit, "Of the time")
      ->transform(CLI::CheckedTransformer(kTimes));
  app.add_option("--qos", arguments.publisher.qos, "0, 1 or 2")->check(CLI::Range(0, 2));
  app.add_option("--in-flight", arguments.publisher.in_flight_max, "Unacknowledged messages at most")
      ->check(CLI::Range(1, 65'535));
  app.add_option("--from", settings.from, "First message, counted from 1");
  app.add_option("--to", settings.to, "Last message");
}

// What CLI11 cannot check; the text says what is wrong.
std::string complete(Arguments& arguments) {
  ReplaySettings& settings = arguments.settings;
  auto topic = TopicTemplate::parse(arguments.topic);
  if (!topic) return topic.error().text;
  settings.topic = *std::move(topic);
  if (!arguments.device_path.empty()) settings.paths["device"] = arguments.device_path;
  for (const std::string& text : arguments.texts) {
    const auto equals = text.find('=');
    if (equals == std::string::npos) return "--set " + text + ": must be name=text";
    settings.texts[text.substr(0, equals)] = text.substr(equals + 1);
  }
  if (arguments.speed == "max") return {};
  double speed = 0;
  if (!CLI::detail::lexical_cast(arguments.speed, speed) || !(speed > 0)) {
    return "--speed " + arguments.speed + ": must be a number above 0, or max";
  }
  settings.speed = speed;
  return {};
}

// Says how far it is, on terminals only, a few times a second.
class Progress {
 public:
  void show(const MqttPublisher& publisher) {
    if (!terminal_ || std::chrono::steady_clock::now() < next_) return;
    next_ = std::chrono::steady_clock::now() + std::chrono::milliseconds(200);
    std::cerr << '\r' << publisher.published() << " published, " << publisher.acknowledged()
              << " acknowledged" << std::flush;
  }
  void finish() const {
    if (terminal_) std::cerr << '\n';
  }

 private:
  bool terminal_ = isatty(STDERR_FILENO) == 1;
  std::chrono::steady_clock::time_point next_;
};

int run(const Arguments& arguments) {
  std::ifstream file;
  if (arguments.file != "-") file.open(arguments.file, std::ios::binary);
  std::istream& in = arguments.file == "-" ? std::cin : file;
  in.peek();  // Opening a folder works; reading it does not.
  if (in.bad() || (arguments.file != "-" && !file.is_open()))
    return fail(arguments.file + ": cannot be read");
  const auto publisher = MqttPublisher::connect(arguments.publisher);
  if (!publisher) return fail(publisher.error().text);
  Progress progress;
  const auto status = replay(in, arguments.settings, **publisher, [&] { progress.show(**publisher); });
  progress.finish();
  std::cout << (*publisher)->published() << " messages published, " << (*publisher)->acknowledged()
            << " acknowledged\n";
  if (status) return kGood;
  fail(arguments.file + ": " + status.error().text);
  return kPartly;
}

}  // namespace

int main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  CLI::App app("Publishes recorded readings to an MQTT broker.");
  Arguments arguments;
  declare(app, arguments);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kGood : kFailed;
  }
  if (const auto wrong = complete(arguments); !wrong.empty()) return fail(wrong);
  return run(arguments);
}
