// tests/ingest/tools_test.cc - device-sim and replay publish what they say, through a real broker.
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <sstream>

#include "ingest/mqtt_source.h"
#include "tests/ingest/recording_sink.h"
#include "tests/support/mosquitto.h"
#include "tests/support/wait.h"
#include "tools/reading_file.h"

namespace deltamesh {
namespace {

using testing::Mosquitto;
using testing::Output;
using testing::RecordingSink;
using testing::run;
using testing::wait_until;

const DatasetId kClimate = dataset_id("climate");
const std::string kDeviceSim = DELTAMESH_BIN_DIR "/device-sim";
const std::string kReplay = DELTAMESH_BIN_DIR "/replay";

// A broker and a source that takes everything below tele/.
struct Plant {
  explicit Plant(const std::string& timestamp, TimeUnit unit = TimeUnit::kMilliseconds) {
    IngestRule rule;
    rule.topic = "tele/{device}/SENSOR";
    rule.dataset = "climate";
    rule.timestamp = timestamp;
    rule.timestamp_unit = unit;
    auto compiled = CompiledRule::compile(std::move(rule));
    REQUIRE(compiled.ok());
    MqttSettings settings;
    settings.uri = broker.uri();
    settings.client_id = "tools-test";
    auto started = MqttSource::start(settings, {*compiled}, batcher, counters);
    REQUIRE(started.ok());
    source = *std::move(started);
    REQUIRE(wait_until([&] { return source->status().connected; }));
  }

  [[nodiscard]] bool has(std::size_t events) const {
    return wait_until([&] { return sink.count(kClimate) == events; });
  }

  Mosquitto broker{testing::BrokerSaves::kNever};
  RecordingSink sink;
  IngestCounters counters;
  Batcher batcher{sink, counters};
  std::unique_ptr<MqttSource> source;
};

struct TextFile {
  explicit TextFile(const std::string& text) { std::ofstream(path(), std::ios::binary) << text; }
  [[nodiscard]] std::string path() const { return (dir.path() / "file").string(); }
  testing::TempDir dir;
};

std::vector<std::string> payloads(const std::string& text, RecordFormat format,
                                  std::vector<std::string> left_out = {}) {
  std::istringstream in(text);
  auto reader = read_records(in, format, std::move(left_out));
  REQUIRE(reader.ok());
  std::vector<std::string> result;
  while (true) {
    auto record = (*reader)->next();
    if (!record) {
      result.push_back("error: " + record.error().text);
      return result;
    }
    if (!*record) return result;
    result.push_back((*record)->payload);
  }
}

using Lines = std::vector<std::string>;

TEST_CASE("elements of a JSON array are handed on byte by byte", "[tools][replay]") {
  struct Row {
    const char* text;
    Lines expected;
  };
  const auto row = GENERATE(values<Row>({
      {R"([{"a": 1.50}, {"b":[1, {"c":"],}"}]} ,3])", {R"({"a": 1.50})", R"({"b":[1, {"c":"],}"}]})", "3"}},
      {R"( [ {"q":"\"]\\"} ] )", {R"({"q":"\"]\\"})"}},
      {"[]", {}},
      {"[ ]\n", {}},
      {"{}", {"error: element 1: the file is not a JSON array"}},
      {"", {"error: element 1: the file is not a JSON array"}},
      {"[1", {"error: element 1: the array does not end"}},
      {"[1,", {"1", "error: element 2: the array does not end"}},
      {"[1,]", {"1", "error: element 2: is empty"}},
      {"[1]x", {"error: element 1: something stands after the array"}},
  }));
  CAPTURE(row.text);
  CHECK(payloads(row.text, RecordFormat::kJsonArray) == row.expected);
}

TEST_CASE("rows of CSV become objects, numbers as they stand", "[tools][replay]") {
  struct Row {
    const char* text;
    Lines expected;
  };
  const auto row = GENERATE(values<Row>({
      {"timestamp,P1,P2\n2018-07-07T20:03:06,17.47,7.70\n",
       {R"({"timestamp":"2018-07-07T20:03:06","P1":17.47,"P2":7.70})"}},
      {"a,b\r\n1,\r\n,2\r\n", {R"({"a":1})", R"({"b":2})"}},
      {"a\n007\n", {R"({"a":"007"})"}},
      {"a\n.5\n", {R"({"a":".5"})"}},
      {"a\n-0.5e3\n", {R"({"a":-0.5e3})"}},
      {"a,b\n\"x,\"\"y\"\"\",2\n", {R"({"a":"x,\"y\"","b":2})"}},
      {"a,id\n1,x\n", {R"({"a":1})"}},
      {"id\nx\n", {"{}"}},
      {"a,b\n1\n", {"error: line 2: 1 cells under 2 columns"}},
      {"a\n\xff\n", {"error: line 2: is not UTF-8"}},
      {"", {}},
  }));
  CAPTURE(row.text);
  CHECK(payloads(row.text, RecordFormat::kCsv, {"id"}) == row.expected);
}

TEST_CASE("device-sim says what it published, and all of it arrives", "[tools][device-sim]") {
  const Plant plant("ts");
  const Output output =
      run({kDeviceSim, "--broker", plant.broker.uri(), "--devices", "20", "--duration", "50s", "--seed", "7",
           "--speed", "0", "--topic", "tele/{device}/SENSOR", "--json"});
  CHECK(output.text ==
        "{\"devices\":20,\"messages\":1000,\"values\":7000,\"acknowledged\":1000,\"silent\":0,\"reboots\":0}"
        "\n");
  CHECK(output.status == 0);
  CHECK(plant.has(1000));
  CHECK(plant.counters.snapshot().refused_total() == 0);
  CHECK(wait_until([&] { return plant.counters.snapshot().readings == 7000; }));  // Counted after the answer.
}

TEST_CASE("device-sim repeats itself from its seed, drop-outs and reboots included", "[tools][device-sim]") {
  const Plant plant("ts");
  const std::vector<std::string> command{kDeviceSim,
                                         "--broker",
                                         plant.broker.uri(),
                                         "--devices",
                                         "5",
                                         "--start",
                                         "1600000000000",
                                         "--duration",
                                         "40s",
                                         "--speed",
                                         "0",
                                         "--drop-out",
                                         "0.05",
                                         "--reboot",
                                         "0.02",
                                         "--topic",
                                         "tele/{device}/SENSOR",
                                         "--seed"};
  const auto with_seed = [&](const char* seed) {
    auto full = command;
    full.push_back(seed);
    const auto before = plant.sink.count(kClimate);
    const Output output = run(full);
    REQUIRE(output.status == 0);
    const auto sent = std::stoul(output.text.substr(output.text.find(": ") + 2));
    REQUIRE(plant.has(before + sent));
    auto events = plant.sink.events(kClimate);
    std::string all;
    for (std::size_t i = before; i < events.size(); ++i) {
      all += std::to_string(events[i].time);
      for (const NamedReading& reading : events[i].readings) {
        all += reading.series + (type_of(reading.value) == ValueType::kDouble
                                     ? std::to_string(std::get<double>(reading.value))
                                     : "");
      }
    }
    CHECK(sent < 200);  // Some were left out.
    return all;
  };
  const auto first = with_seed("7");
  CHECK((first == with_seed("7")));
  CHECK_FALSE((first == with_seed("8")));
}

TEST_CASE("device-sim without a broker fails and says so", "[tools][device-sim]") {
  const Output output = run({kDeviceSim, "--broker", "mqtt://nowhere:x"});
  CHECK(output.status == 2);
  CHECK_THAT(output.text, Catch::Contains("port"));
}

TEST_CASE("replay publishes chosen elements under the topic that their fields name", "[tools][replay]") {
  const Plant plant("ts", TimeUnit::kSeconds);
  std::string array = "[";
  for (int i = 1; i <= 30; ++i) {
    array += (i > 1 ? "," : "") + std::string(R"({"ts":)") + std::to_string(i) + R"(,"id":"d)" +
             std::to_string(i % 3) + R"(","t":21.50})";
  }
  const TextFile file(array + "]");
  const Output output =
      run({kReplay, file.path(), "--broker", plant.broker.uri(), "--format", "json-array", "--topic",
           "tele/{device}/SENSOR", "--device-path", "id", "--from", "11", "--to", "20"});
  CHECK(output.text == "10 messages published, 10 acknowledged\n");
  CHECK(output.status == 0);
  REQUIRE(plant.has(10));
  const auto events = plant.sink.events(kClimate);
  CHECK(events.front().time == 11'000);
  CHECK(events.front().readings[0].series == "d2/t");
  CHECK(events.back().time == 20'000);
}

TEST_CASE("replay reads CSV from its input, at scaled speed by the times in it", "[tools][replay]") {
  const Plant plant("timestamp", TimeUnit::kIso8601);
  const TextFile file(
      "timestamp,P1,P2\n2018-07-07T20:00:00,1.5,2\n2018-07-07T20:00:10,3,4\n2018-07-07T20:00:20,5,6\n");
  const Output output = run({kReplay, "-", "--broker", plant.broker.uri(), "--format", "csv-wide", "--topic",
                             "tele/{device}/SENSOR", "--set", "device=sds011", "--speed", "1000"},
                            file.path());
  CHECK(output.text == "3 messages published, 3 acknowledged\n");
  CHECK(output.status == 0);
  REQUIRE(plant.has(3));
  CHECK(plant.sink.events(kClimate)[2].time == 1'530'993'620'000);
  CHECK(plant.sink.events(kClimate)[2].readings[1].series == "sds011/P2");
}

TEST_CASE("replay stops at what it cannot publish, names it, and fails", "[tools][replay]") {
  struct Row {
    const char* format;
    const char* text;
    const char* says;
  };
  const auto row = GENERATE(values<Row>({
      {"ndjson", "{\"device\":\"d\"}\n{\"x\":1}\n", "message 2: nothing fills {device}"},
      {"ndjson", "{\"device\":\"a/b\"}\n", "message 1: \"a/b\" cannot be one level"},
      {"json-array", "[{\"device\":\"d\"},", "element 2"},
      {"csv-long", "device,v\nd,1,2\n", "line 2"},
  }));
  const Mosquitto broker;
  const TextFile file(row.text);
  const Output output =
      run({kReplay, file.path(), "--broker", broker.uri(), "--format", row.format, "--topic", "t/{device}"});
  CHECK(output.status == 1);
  CHECK_THAT(output.text, Catch::Contains(row.says));
}

// The topics under which messages have reached the broker, in any of its lives.
std::set<std::string> published(const Mosquitto& broker) {
  std::istringstream log(broker.log());
  std::set<std::string> topics;
  for (std::string line; std::getline(log, line);) {
    if (line.find("Received PUBLISH") == std::string::npos) continue;
    const auto begin = line.find('\'') + 1;
    topics.insert(line.substr(begin, line.find('\'', begin) - begin));
  }
  return topics;
}

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

// For writing; a broker that is started meanwhile does not inherit it, or its reader would never see the end.
std::unique_ptr<std::FILE, CloseFile> open_pipe(const std::filesystem::path& path) {
  std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path.c_str(), "we"));
  REQUIRE(file != nullptr);
  return file;
}

// What the broker has acknowledged and not yet saved or passed on is lost with it, whoever sent it. So the
// broker's own log is asked, which has a message before its acknowledgement leaves.
TEST_CASE("replay gets every message to a broker that is killed meanwhile", "[tools][replay]") {
  Mosquitto broker(testing::BrokerSaves::kEveryChange, "log_type all\n");
  const testing::TempDir dir;
  const auto output = dir.path() / "output", pipe = dir.path() / "pipe";
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  testing::ChildProcess replay({kReplay, "-", "--broker", broker.uri(), "--format", "ndjson", "--topic",
                                "tele/{device}/SENSOR", "--in-flight", "20"},
                               output, pipe);
  auto lines = open_pipe(pipe);
  const auto feed = [&lines](int from, int to) {
    for (int i = from; i <= to; ++i) std::fprintf(lines.get(), "{\"device\":\"d%d\",\"t\":1}\n", i);
    std::fflush(lines.get());
  };
  feed(1, 300);
  REQUIRE(wait_until([&] { return published(broker).size() >= 200; }));
  broker.kill();
  REQUIRE(replay.running());
  feed(301, 600);
  broker.start();
  feed(601, 1000);
  lines.reset();
  CHECK(replay.wait() == 0);
  CHECK_THAT(testing::read_text(output), Catch::Contains("1000 messages published, 1000 acknowledged"));
  CHECK(published(broker).size() == 1000);
}

}  // namespace
}  // namespace deltamesh
