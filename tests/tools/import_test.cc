// tests/tools/import_test.cc - recorded files into real stores, by the real program, killed and started
// again.
#include <signal.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <future>
#include <limits>
#include <set>

#include "engine/forget_block.h"
#include "engine/limits.h"
#include "engine/query.h"
#include "engine/sqlite/sqlite_store.h"
#include "tests/support/child_process.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait.h"
#include "tools/init.h"

namespace deltamesh {
namespace {

using testing::ChildProcess;
using testing::Output;
using testing::run;
using testing::TempDir;

const std::string kSyncNode = DELTAMESH_BIN_DIR "/sync-node";

// A folder with the settings of a node, its store, and files to import.
class Site {
 public:
  Site() {
    InitOptions options;
    options.role = Role::kCloud;
    REQUIRE(write_new_file(file("node.toml"), settings_text(options)).ok());
  }
  [[nodiscard]] std::string file(const std::string& name) const { return (dir_.path() / name).string(); }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(file(name), std::ios::binary) << text;
    return file(name);
  }

  [[nodiscard]] std::vector<std::string> command(const std::vector<std::string>& arguments) const {
    std::vector<std::string> all{kSyncNode, "import", "--config", file("node.toml")};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return all;
  }
  [[nodiscard]] Output import(const std::vector<std::string>& arguments) const {
    return run(command(arguments));
  }

  [[nodiscard]] std::unique_ptr<SqliteReader> reader() const {
    auto opened = SqliteReader::open_read_only(file("cloud.db"));
    REQUIRE(opened.ok());
    return *std::move(opened);
  }

 private:
  TempDir dir_;
};

// All events of a store's one telemetry stream, in the order of their numbers.
std::vector<Event> events_in(const StoreReader& reader) {
  std::vector<Event> all;
  const auto take = [&](const StoredBlock& block) {
    CHECK(block.first == all.size() + 1);
    auto events = decode_block(*block.bytes, limits::kBlock);
    REQUIRE(events.ok());
    all.insert(all.end(), events->begin(), events->end());
    return true;
  };
  const auto knowledge = reader.knowledge();
  REQUIRE(knowledge.ok());
  for (const auto& entry : knowledge->entries()) {
    REQUIRE(reader
                .visit_blocks(entry.stream, std::numeric_limits<Ticks>::min(),
                              std::numeric_limits<Ticks>::max(), StoreReader::Order::kOldestFirst, take)
                .ok());
    CHECK(entry.known.head() == all.size());
  }
  return all;
}

std::vector<Event> events_in(const Site& site) {
  return events_in(*site.reader());
}

// Of all streams, while an import runs; 0 if there is no store yet.
Seq durable_events(const Site& site) {
  const auto reader = SqliteReader::open_read_only(site.file("cloud.db"));
  if (!reader) return 0;
  const auto knowledge = (*reader)->knowledge();
  Seq events = 0;
  if (knowledge) {
    for (const auto& entry : knowledge->entries()) events += entry.known.head();
  }
  return events;
}

std::string stamp(int second) {
  char text[32];
  std::snprintf(text, sizeof text, "2020-01-%02dT%02d:%02d:%02d", 1 + second / 86'400, second / 3'600 % 24,
                second / 60 % 60, second % 60);
  return text;
}

TEST_CASE("an import tells what it did, and exits with 1 if a row was refused", "[import]") {
  const Site site;
  const auto good = site.write("a.csv", "t,x,y\n2020-01-01T00:00:01,1,2\n2020-01-01T00:00:02,,3\n");
  const Output first = site.import({good, "--format", "csv-wide", "--zone", "UTC"});
  CHECK(first.status == 0);
  CHECK_THAT(first.text, Catch::StartsWith("2 rows, 2 events, 3 readings in "));
  const auto bad = site.write("b.csv", "t,x\n2020-01-01T00:00:01,1\nnever,2\n2020-01-01T00:00:03,3\n");
  const Output second = site.import({bad, "--format", "csv-wide", "--series-prefix", "plant/"});
  CHECK(second.status == 1);
  CHECK_THAT(second.text, Catch::Contains("3 rows, 2 events") &&
                              Catch::Contains("refused: bad_timestamp: 1 rows (line 3), the first: " + bad));
  CHECK(events_in(site).size() == 4);
  const auto series = site.reader()->series(dataset_id("telemetry"), std::nullopt);
  REQUIRE(series.ok());
  std::set<std::string> names;
  for (const StreamSeries& each : *series) names.insert(each.decl.name);
  CHECK(names == std::set<std::string>{"a/x", "a/y", "plant/x"});
}

TEST_CASE("what is imported again is left out, and a grown file is continued", "[import]") {
  const Site site;
  std::string text = "t,x\n";
  for (int i = 0; i < 500; ++i) text += stamp(i) + "," + std::to_string(i) + "\n";
  const auto file = site.write("a.csv", text);
  REQUIRE(site.import({file, "--format", "csv-wide"}).status == 0);
  const Output again = site.import({file, "--format", "csv-wide"});
  CHECK(again.status == 0);
  CHECK_THAT(again.text, Catch::StartsWith("0 rows, 0 events, 0 readings") &&
                             Catch::Contains("500 rows were imported before and left out"));
  site.write("a.csv", text + stamp(500) + ",500\n");
  CHECK_THAT(site.import({file, "--format", "csv-wide"}).text,
             Catch::StartsWith("1 rows, 1 events, 1 readings"));
  CHECK(events_in(site).size() == 501);
}

// What the store has of one file after another state of it was imported too.
std::vector<std::uint64_t> lines_after(const std::string& format, const std::vector<std::string>& states) {
  const Site site;
  for (const std::string& text : states) {
    const auto file = site.write("log", text);
    REQUIRE(site.import({file, "--format", format}).status == 0);
  }
  std::vector<std::uint64_t> lines;
  for (const Event& event : events_in(site)) lines.push_back(event.source->counter);
  return lines;
}

TEST_CASE("a small file that grows is continued, however small it was", "[import]") {
  using Lines = std::vector<std::uint64_t>;
  const std::string header = "t,x\n", one = stamp(1) + ",1\n", two = stamp(2) + ",2\n",
                    three = stamp(3) + ",3\n";
  CHECK(lines_after("csv-wide", {header + one + two + three,
                                 header + one + two + three + stamp(4) + ",4\n"}) == Lines{2, 3, 4, 5});
  CHECK(lines_after("csv-wide", {header, header + one, header + one + two}) == Lines{2, 3});
  const auto row = [](int i) { return "{\"time\":\"" + stamp(i) + "\",\"x\":1}\n"; };
  CHECK(lines_after("ndjson", {row(1), row(1) + row(2), row(1) + row(2) + row(3)}) == Lines{1, 2, 3});
}

TEST_CASE("a last line without its end is left for the next run, and the report says so", "[import]") {
  const Site site;
  const std::string whole = "t,x\n" + stamp(1) + ",1\n" + stamp(2) + ",21\n";
  const auto file = site.write("log", whole.substr(0, whole.size() - 2));  // "...,2"
  const Output first = site.import({file, "--format", "csv-wide"});
  CHECK(first.status == 0);
  CHECK_THAT(first.text, Catch::StartsWith("1 rows, 1 events, 1 readings") &&
                             Catch::Contains(file + ": line 3 has no end yet and is left for the next run"));
  site.write("log", whole);
  const Output second = site.import({file, "--format", "csv-wide"});
  CHECK_THAT(second.text,
             Catch::StartsWith("1 rows, 1 events, 1 readings") && !Catch::Contains("no end yet"));
  const auto events = events_in(site);
  REQUIRE(events.size() == 2);
  CHECK((std::get<double>(events[1].readings.at(0).value) == 21));
}

TEST_CASE("files of one name with other rows are other files", "[import]") {
  const Site site;
  const auto first = site.write("log", "t,x\n" + stamp(1) + ",1\n");
  REQUIRE(site.import({first, "--format", "csv-wide"}).status == 0);
  const auto rotated = site.write("log", "t,x\n" + stamp(2) + ",2\n");
  CHECK_THAT(site.import({rotated, "--format", "csv-wide"}).text, Catch::StartsWith("1 rows, 1 events"));
}

TEST_CASE("files are merged in the order of time", "[import]") {
  const Site site;
  std::string even = "t,x\n", odd = "t,x\n";
  for (int i = 0; i < 3'000; ++i) (i % 2 == 0 ? even : odd) += stamp(i) + "," + std::to_string(i) + "\n";
  const auto a = site.write("even.csv", even), b = site.write("odd.csv", odd);
  REQUIRE(site.import({a, b, "--format", "csv-wide"}).status == 0);
  const auto events = events_in(site);
  REQUIRE(events.size() == 3'000);
  std::set<std::uint64_t> sessions;
  for (std::size_t i = 0; i < events.size(); ++i) {
    CHECK((std::get<double>(events[i].readings.at(0).value) == static_cast<double>(i)));
    CHECK(events[i].source->counter == 2 + i / 2);
    sessions.insert(events[i].source->session);
  }
  CHECK(sessions.size() == 2);
}

TEST_CASE("the other formats go the same way", "[import]") {
  const Site site;
  const auto rows = site.write("long.csv",
                               "timestamp,sensor_id,sensor_type,metric,value\n2020-01-01T00:00:01,7,bme,t,1\n"
                               "2020-01-01T00:00:01,7,bme,h,2\n");
  CHECK(site.import({rows, "--format", "csv-long"}).status == 0);
  const auto lines = site.write("lines.ndjson", "{\"time\":1577836802,\"t\":1,\"ok\":true}\n");
  CHECK(site.import({lines, "--format", "ndjson", "--time-unit", "s"}).status == 0);
  const auto events = events_in(site);
  REQUIRE(events.size() == 2);
  CHECK(events[0].readings.size() == 2);
  CHECK(events[1].time == 1'577'836'802'000);
}

TEST_CASE("what cannot be imported is said, and exits with 2", "[import]") {
  const Site site;
  const auto csv = site.write("a.csv", "t,x\n2020-01-01T00:00:01,1\n");
  struct Row {
    std::vector<std::string> arguments;
    const char* says;
  };
  const std::vector<Row> rows{
      {{csv, "--format", "csv-wide", "--zone", "Europe/London"}, "--zone Europe/London: only UTC so far"},
      {{csv, "--format", "csv-wide", "--dataset", "x"}, "no dataset \"x\""},
      {{csv, "--format", "csv-wide", "--dataset", "settings"}, "is a map"},
      {{csv, csv, "--format", "csv-wide"}, "the same file twice?"},
      {{site.file("none.csv"), "--format", "csv-wide"}, "none.csv: cannot be read"},
      {{"/proc/self/mem", "--format", "csv-wide"}, "/proc/self/mem: cannot be read"},
      {{csv, "--format", "csv-long"}, "a.csv: the header has no column"},
      {{csv}, "--format is required"},
      {{csv, "--format", "xml"}, "--format"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.says);
    const Output output = site.import(row.arguments);
    CHECK(output.status == 2);
    CHECK_THAT(output.text, Catch::Contains(row.says));
  }
}

// As another node has written it.
void write_rule(const std::string& store_file, const ForgetRule& rule) {
  SqliteOptions options;
  options.path = store_file;
  const auto store = SqliteStore::open(options);
  REQUIRE(store.ok());
  StreamId stream{rules_map(), StreamClass::kMetric, {}, {}};
  stream.node.bytes.fill(7);
  MapWrite write{rules_map(), {}};
  write.entry.key = rule_key(rule);
  write.entry.version = {0, {1'700'000'000'000 << 16}, {stream, 1}};
  write.entry.value = encode(RuleNote{stream.node, {}, "wrong"});
  Batch batch;
  batch.entries.push_back(write);
  Knowledge::Entry known{stream, {}};
  known.known.hold({1, 1});
  batch.knowledge.push_back(known);
  std::promise<Status> outcome;
  (*store)->commit(std::move(batch), [&](BatchId, Status status) { outcome.set_value(std::move(status)); });
  REQUIRE(outcome.get_future().get().ok());
}

TEST_CASE("an import keeps nothing of what a rule names, however often it reads it", "[import][forget]") {
  const Site site;
  const auto csv =
      site.write("room.csv", "t,x,y\n" + stamp(1) + ",11,12\n" + stamp(2) + ",21,22\n" + stamp(3) + ",31,\n");
  write_rule(site.file("cloud.db"), {"telemetry", "room/x"});
  for (int run = 0; run < 2; ++run) {
    const Output output = site.import({csv, "--format", "csv-wide"});
    CAPTURE(output.text);
    CHECK(output.status == 0);
    const auto reader = site.reader();
    SampleQuery query;
    query.dataset = dataset_id("telemetry");
    query.range = {kTimeOpenFrom, kTimeOpenTo};
    query.series = "room/y";
    CHECK(query_samples(*reader, query)->samples.size() == 2);
    query.series = "room/x";
    CHECK(query_samples(*reader, query)->samples.empty());
    std::size_t values = 0, marks = 0;
    const auto knowledge = reader->knowledge();
    REQUIRE(knowledge.ok());
    for (const auto& entry : knowledge->entries()) {
      const auto count = [&](const StoredBlock& block) {
        const auto events = decode_block(*block.bytes, limits::kBlock);
        REQUIRE(events.ok());
        for (const Event& event : *events) ++(is_mark(event) ? marks : values);
        return true;
      };
      REQUIRE(reader
                  ->visit_blocks(entry.stream, kTimeOpenFrom, kTimeOpenTo, StoreReader::Order::kOldestFirst,
                                 count)
                  .ok());
    }
    CHECK(values == 2);
    CHECK(marks == (run == 0 ? 1 : 2));  // The last row tells no more that it was read.
  }
}

TEST_CASE("a store that a node has open is left to it", "[import]") {
  const Site site;
  const auto csv = site.write("a.csv", "t,x\n2020-01-01T00:00:01,1\n");
  SqliteOptions options;
  options.path = site.file("cloud.db");
  const auto store = SqliteStore::open(options);
  REQUIRE(store.ok());
  const Output output = site.import({csv, "--format", "csv-wide"});
  CHECK(output.status == 2);
  CHECK_THAT(output.text, Catch::Contains("stop its sync-node first, or append through its HTTP API"));
}

TEST_CASE("an import that is killed again and again ends with each row once", "[import]") {
  constexpr int kRows = 200'000;
  const Site site;
  std::string text = "timestamp,temperature,humidity,pressure\n";
  for (int i = 0; i < kRows; ++i)
    text += stamp(i) + "," + std::to_string(i) + "," + std::to_string(i % 100) + ".5,1013.25\n";
  const auto file = site.write("recorded.csv", text);
  const auto command = site.command({file, "--format", "csv-wide"});
  int kills = 0;
  // Each run is killed once more events are durable than before it, until one gets through.
  for (Seq before = 0;; before = durable_events(site), ++kills) {
    ChildProcess import(command, site.file("output"));
    REQUIRE(testing::wait_until([&] { return !import.running() || durable_events(site) > before; }));
    import.signal(SIGKILL);
    if (import.wait() == 0) break;
    REQUIRE(kills < 50);
  }
  CHECK(kills > 0);
  CHECK_THAT(testing::read_text(site.file("output")), Catch::Contains("imported before and left out"));
  const auto events = events_in(site);
  REQUIRE(events.size() == kRows);
  bool each_once = true;
  for (std::size_t i = 0; i < events.size(); ++i) {
    each_once = each_once && events[i].source->counter == i + 2 && events[i].readings.size() == 3 &&
                std::get<double>(events[i].readings[0].value) == static_cast<double>(i);
  }
  CHECK(each_once);
}

}  // namespace
}  // namespace deltamesh
