// tests/sqlite/merge_cost_test.cc - what small commits cost, on disk and in bytes written, once their blocks
// are merged: a real node on a real file, in virtual time.
#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>

#include "engine/node.h"
#include "tests/sqlite/sqlite_fixture.h"
#include "tests/support/bytes_on_disk.h"
#include "tests/support/recorded_data.h"

namespace deltamesh {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const DatasetId kReadings = dataset_id("telemetry");

// What this process has handed to files, by the kernel's count.
std::uint64_t bytes_written() {
  std::ifstream in("/proc/self/io");
  for (std::string name; in >> name;) {
    std::uint64_t count = 0;
    in >> count;
    if (name == "wchar:") return count;
  }
  return 0;
}

struct Cost {
  std::size_t readings = 0, events = 0, commits = 0;
  std::uint64_t written = 0, on_disk = 0, blocks = 0, merged = 0;

  [[nodiscard]] double disk_a_reading() const { return ratio(on_disk, readings); }
  [[nodiscard]] double written_a_reading() const { return ratio(written, readings); }
  [[nodiscard]] double written_a_commit() const { return ratio(written, commits); }
  [[nodiscard]] std::string text() const {
    std::ostringstream out;
    out << events << " events, " << readings << " readings, " << commits << " commits: " << disk_a_reading()
        << " B a reading on disk, " << blocks << " blocks, " << merged << " merged; written "
        << written_a_reading() << " B a reading, " << written_a_commit() << " a commit";
    return out.str();
  }
  static double ratio(std::uint64_t a, std::size_t b) {
    return static_cast<double>(a) / static_cast<double>(std::max<std::size_t>(b, 1));
  }
};

// A node whose driver waits for each batch.
class LiveNode {
 public:
  LiveNode(const std::string& path, bool merges) : path_(path) {
    NodeConfig config;
    config.datasets = {{"telemetry"}};
    config.commit_interval = seconds(0);
    if (!merges) config.merge_levels.clear();
    auto store = SqliteStore::open(options_for(path));
    if (!store) FAIL(store.error().text);
    store_ = std::move(*store);
    auto reader = store_->make_reader();
    REQUIRE(reader);
    reader_ = std::move(*reader);
    node_ = std::make_unique<Node>(config, *reader_->image(), *reader_);
    written_before_ = bytes_written();
  }

  void write(const std::vector<NamedEvent>& events, milliseconds interval) {
    now_.steady += interval;
    now_.wall += interval;
    REQUIRE(node_->write(kReadings, events, now_).ok());
    carry_out();
    ++cost_.commits;
    cost_.events += events.size();
    for (const NamedEvent& event : events) cost_.readings += event.readings.size();
  }

  // Whatever is left to merge is merged, and the log written back.
  Cost finish() {
    for (int i = 0; i < 100'000; ++i) {
      now_.steady += seconds(1);
      const std::uint64_t before = node_->counters().blocks_merged;
      node_->tick(now_);
      carry_out();
      if (i > 60 && node_->counters().blocks_merged == before) break;
    }
    const StreamId stream{kReadings, StreamClass::kMetric, store_->identity().node,
                          store_->identity().incarnation};
    const auto blocks = reader_->held_blocks(stream, 1, 10'000'000);
    cost_.blocks = blocks->size();
    cost_.merged = node_->counters().blocks_merged;
    node_.reset();
    reader_.reset();
    store_.reset();
    cost_.written = bytes_written() - written_before_;
    cost_.on_disk = testing::bytes_on_disk(path_);
    return cost_;
  }

 private:
  void carry_out() {
    for (;;) {
      Effects effects = node_->take_effects();
      if (effects.persist.empty()) return;
      std::vector<BatchId> durable;
      Reports reports;
      for (Batch& batch : effects.persist)
        store_->commit(std::move(batch), reports.callback([&](BatchId id, const Status& status) {
          if (status) durable.push_back(id);
        }));
      reports.wait();
      for (const BatchId id : durable) node_->durable(id, now_);
    }
  }

  std::string path_;
  std::unique_ptr<SqliteStore> store_;
  std::unique_ptr<StoreReader> reader_;
  std::unique_ptr<Node> node_;
  Instant now_{seconds(0), seconds(1'780'000'000)};
  std::uint64_t written_before_ = 0;
  Cost cost_;
};

// Commits of so many events each.
Cost cost_of(const std::vector<NamedEvent>& events, std::size_t a_commit, milliseconds interval,
             bool merges) {
  const TempFolder folder;
  LiveNode node(folder.file("store"), merges);
  for (std::size_t i = 0; i < events.size(); i += a_commit) {
    const auto begin = events.begin() + static_cast<std::ptrdiff_t>(i);
    const auto count = std::min(a_commit, events.size() - i);
    node.write({begin, begin + static_cast<std::ptrdiff_t>(count)}, interval);
  }
  return node.finish();
}

// Ten sensors of three readings each take turns: 30 readings a second.
std::vector<NamedEvent> sensors(std::size_t seconds_long) {
  std::vector<NamedEvent> events;
  Random random(5);
  for (std::size_t i = 0; i < 10 * seconds_long; ++i) {
    const std::string name = "sensor-" + std::to_string(i % 10) + "/";
    NamedEvent event{static_cast<Ticks>(1'780'000'000'000 + i * 100), 0, Quality::kGood, std::nullopt, {}};
    const double day = static_cast<double>(i % 864'000) / 864'000;
    event.readings.push_back({name + "temperature", "Cel",
                              20 + std::round(day * 500 + static_cast<double>(random.below(20))) / 100});
    event.readings.push_back(
        {name + "humidity", "%RH", 60 + std::round(day * 900 + static_cast<double>(random.below(60))) / 100});
    event.readings.push_back({name + "pressure", "Pa", 101'300 + static_cast<double>(random.below(40))});
    events.push_back(std::move(event));
  }
  return events;
}

std::string unpacked(const std::filesystem::path& archive, const std::string& member) {
  const std::string command = "tar --zstd -xOf '" + archive.string() + "' " + member;
  std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), ::pclose);
  std::string text;
  std::array<char, 65'536> buffer;
  for (std::size_t n = 0; (n = std::fread(buffer.data(), 1, buffer.size(), pipe.get())) > 0;)
    text.append(buffer.data(), n);
  return text;
}

double number(std::string_view text) {
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// {"data":{"co":0.01,...,"light":false},"device_id":"..","ts":1594598424.5,"device":"iot-device-01"},...
std::vector<NamedEvent> env_sensor(const std::string& json) {
  std::vector<NamedEvent> events;
  for (std::size_t at = json.find("{\"data\":{"); at != std::string::npos;) {
    const std::size_t next = json.find("{\"data\":{", at + 1);
    const std::string_view one = std::string_view(json).substr(at + 9, next - at - 9);
    const auto after = [&](std::string_view key) { return one.substr(one.find(key) + key.size()); };
    const std::string_view device = after("\"device\":\"");
    NamedEvent event{static_cast<Ticks>(std::llround(number(after("\"ts\":")) * 1'000)),
                     0,
                     Quality::kGood,
                     std::nullopt,
                     {}};
    std::string_view data = one.substr(0, one.find('}'));
    while (!data.empty()) {
      const std::string_view field = data.substr(0, data.find(','));
      data.remove_prefix(std::min(field.size() + 1, data.size()));
      const std::size_t colon = field.find(':');
      const std::string_view value = field.substr(colon + 1);
      const std::string name =
          std::string(device.substr(0, device.find('"'))) + "/" + std::string(field.substr(1, colon - 2));
      if (value == "true" || value == "false") {
        event.readings.push_back({name, "", value == "true"});
      } else {
        event.readings.push_back({name, "", number(value)});
      }
    }
    events.push_back(std::move(event));
    at = next;
  }
  return events;
}

Ticks utc(const std::string& text) {
  std::tm tm{};
  std::sscanf(text.c_str(), "%d-%d-%dT%d:%d:%d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
              &tm.tm_min, &tm.tm_sec);
  tm.tm_year -= 1900;
  tm.tm_mon -= 1;
  return static_cast<Ticks>(::timegm(&tm)) * 1'000;
}

// Each sensor's file has a line of names and one a reading group.
void add_sensor(const std::filesystem::path& path, std::vector<NamedEvent>& events) {
  std::ifstream in(path);
  std::vector<std::string> names;
  for (std::string line; std::getline(in, line);) {
    std::vector<std::string> fields;
    std::istringstream cells(line);
    for (std::string cell; std::getline(cells, cell, ',');) fields.push_back(cell);
    if (names.empty()) {
      for (const std::string& field : fields) names.push_back(path.stem().string() + "/" + field);
      continue;
    }
    REQUIRE(fields.size() <= names.size());
    NamedEvent event{utc(fields[0]), 0, Quality::kGood, std::nullopt, {}};
    for (std::size_t i = 1; i < fields.size(); ++i)
      if (!fields[i].empty()) event.readings.push_back({names[i], "", number(fields[i])});
    if (!event.readings.empty()) events.push_back(std::move(event));
  }
}

// In the order of time.
std::vector<NamedEvent> aberdeen(const std::filesystem::path& archive) {
  const TempFolder folder;
  const std::string command =
      "tar --zstd -xf '" + archive.string() + "' -C '" + folder.path().string() + "' by-sensor";
  REQUIRE(std::system(command.c_str()) == 0);
  std::vector<std::filesystem::path> files;
  for (const auto& file : std::filesystem::directory_iterator(folder.path() / "by-sensor"))
    files.push_back(file.path());
  std::sort(files.begin(), files.end());
  std::vector<NamedEvent> events;
  for (const auto& file : files) add_sensor(file, events);
  std::stable_sort(events.begin(), events.end(),
                   [](const auto& a, const auto& b) { return a.time < b.time; });
  return events;
}

void report(const char* what, const Cost& cost) {
  std::cout << what << ": " << cost.text() << "\n";
}

}  // namespace

TEST_CASE("short commits cost few bytes on the device, and merging adds little to that", "[sqlite][merge]") {
  struct Row {
    const char* what;
    milliseconds interval;
    std::size_t seconds_long;
    double written_a_reading_max;
  };
  const auto row = GENERATE(
      values<Row>({{"commits of 5 s", seconds(5), 3'600, 100}, {"commits of 30 s", seconds(30), 7'200, 22}}));
  const auto events = sensors(row.seconds_long);
  const auto a_commit = static_cast<std::size_t>(row.interval.count() / 100);
  const Cost without = cost_of(events, a_commit, row.interval, false);
  const Cost with = cost_of(events, a_commit, row.interval, true);
  INFO(row.what << "\nwithout: " << without.text() << "\nwith:    " << with.text());
  report(row.what, without);
  report("  merged", with);
  CHECK(with.written_a_reading() <= row.written_a_reading_max);
  CHECK(with.written_a_reading() <= 1.1 * without.written_a_reading());
  CHECK(with.blocks < without.blocks / 4);
  CHECK(with.on_disk < without.on_disk);
}

TEST_CASE("recorded telemetry, written as it came, takes few bytes a reading once it is merged",
          "[.merge-disk]") {
  const auto env = testing::recorded_data("env-sensor-mqtt.tar.zst");
  const auto city = testing::recorded_data("aberdeen-by-sensor.tar.zst");
  if (!env || !city) return;
  {
    const auto events = env_sensor(unpacked(*env, "--wildcards '*raw_data_xlarge.json'"));
    REQUIRE(events.size() == 50'270);
    for (const std::size_t a_commit : {1u, 3u, 20u}) {
      report("env-sensor", cost_of(events, a_commit, seconds(5), false));
      const Cost merged = cost_of(events, a_commit, seconds(5), true);
      report("  merged  ", merged);
      CHECK(merged.disk_a_reading() <= 2.2);
    }
  }
  const auto events = aberdeen(*city);
  REQUIRE(events.size() > 4'000'000);
  const std::vector<NamedEvent> part(events.begin(), events.begin() + 300'000);
  for (const std::size_t a_commit : {3u, 30u}) {
    report("Aberdeen, the first 300,000 events", cost_of(part, a_commit, seconds(30), false));
    const Cost merged = cost_of(part, a_commit, seconds(30), true);
    report("  merged", merged);
    CHECK(merged.disk_a_reading() <= 2.4);
  }
  const Cost merged = cost_of(events, 1'000, seconds(300), true);
  report("Aberdeen, merged", merged);
  CHECK(merged.disk_a_reading() <= 2.4);
}

}  // namespace deltamesh
