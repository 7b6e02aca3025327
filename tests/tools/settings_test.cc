// tests/tools/settings_test.cc - what settings mean.
#include <catch2/catch.hpp>
#include <fstream>

#include "tests/support/temp_dir.h"
#include "tests/tools/settings_fixture.h"

namespace deltamesh {
namespace {

Settings good(const std::string& text) {
  auto [settings, errors] = parse(text);
  REQUIRE(errors == Errors{});
  return settings;
}

const std::string kWhole = R"([node]
store = "data/node.db"
cache = "4MiB"
fleet = "00112233445566778899aabbccddeeff"
commit_interval = "1s"
clock = "untrusted"
max_size = "64MB"
[[dataset]]
name = "fine"
kind = "telemetry"
resolution = "ns"
class = "alarm"
scope = "push"
keep_for = "30d"
keep_bytes = "20MB"
keep_until = "cloud"
[[dataset]]
name = "desired"
kind = "map"
scope = "neither"
[[tier]]
name = "cloud"
nodes = ["00112233445566778899aabbccddeeff", "ffeeddccbbaa99887766554433221100"]
copies = 2
[sync]
listen = ["tcp://127.0.0.1:7400", "ws://[::1]:7480"]
peers = ["tcp://cloud.example:7400"]
keepalive = "2s"
bandwidth = "20kB"
scrub = "90s"
[api]
listen = "[::1]:8080"
[[mqtt]]
broker = "mqtt://127.0.0.1:1884"
client_id = "gateway"
username = "u"
password = "p"
protocol = "5"
strict = true
keepalive = "30s"
session_expiry = "1d"
[[mqtt.rule]]
topic = "plant/{device}/SENSOR"
qos = 2
dataset = "fine"
series = "{device}/{path}"
select = ["data.*"]
timestamp = "ts"
timestamp_unit = "us"
units = { "data.t" = "Cel" }
scale = { "data.t" = 0.1, "data.n" = 2 }
integers = ["data.count"]
[[mqtt.rule]]
topic = "tele/{device}/{metric}"
dataset = "fine"
payload = "plain"
on_off = false
[[mqtt]]
broker = "mqtt://127.0.0.1"
clean_session = true
[[mqtt.rule]]
topic = "x/{device}"
dataset = "fine"
[log]
level = "warning"
)";

TEST_CASE("every setting reaches its place", "[settings]") {
  const auto [settings, errors] = parse_settings(kWhole, "node.toml", "/srv/mesh");
  REQUIRE(errors == Errors{});
  CHECK(settings.store == "/srv/mesh/data/node.db");
  CHECK(settings.cache_bytes == 4u << 20);
  CHECK(settings.size_max == 64'000'000);
  CHECK(settings.node.store_bytes_max > 50'000'000);
  CHECK(settings.node.store_bytes_max < 60'000'000);
  CHECK(settings.node.credit_bytes == 2'000'000);
  REQUIRE(settings.node.tiers.size() == 1);
  CHECK(settings.node.tiers[0].nodes.size() == 2);
  CHECK(settings.node.tiers[0].copies == 2);
  CHECK(hex(settings.node.fleet.bytes) == "00112233445566778899aabbccddeeff");
  CHECK(settings.node.commit_interval == std::chrono::seconds(1));
  CHECK(settings.node.clock == ClockTrust::kUntrusted);
  CHECK(settings.node.clock_floor > std::chrono::seconds(1'700'000'000));
  CHECK(settings.node.keepalive == std::chrono::seconds(2));
  CHECK(settings.node.link_bytes_per_second == 20'000);
  CHECK(settings.node.scrub_interval == std::chrono::seconds(90));
  const DatasetConfig fine{"fine",
                           DatasetKind::kTelemetry,
                           Resolution::kNanoseconds,
                           StreamClass::kAlarm,
                           Scope::kPush,
                           std::chrono::hours(24 * 30),
                           20'000'000,
                           "cloud"};
  const DatasetConfig desired{"desired", DatasetKind::kMap, Resolution::kMilliseconds, StreamClass::kMetric,
                              Scope::kNeither};
  CHECK((settings.node.datasets == std::vector{fine, desired}));
  REQUIRE(settings.listen.size() == 2);
  CHECK(to_string(settings.listen[1]) == "ws://[::1]:7480/sync");
  REQUIRE(settings.peers.size() == 1);
  CHECK(to_string(settings.peers[0]) == "tcp://cloud.example:7400");
  REQUIRE(settings.api.has_value());
  CHECK(settings.api->host == "::1");
  CHECK(settings.api->port == 8080);
  CHECK(settings.log_level == Log::Level::kWarning);
  CHECK(check(settings.node).ok());
}

TEST_CASE("one node of a fleet may let a map forget removed keys", "[settings]") {
  const std::string map = kGood + "[[dataset]]\nname = \"desired\"\nkind = \"map\"\n";
  CHECK(good(map).node.datasets.back().tombstones == std::chrono::hours(0));
  CHECK(good(map + "tombstones = \"30d\"\n").node.datasets.back().tombstones == std::chrono::hours(30 * 24));
}

TEST_CASE("brokers have their rules", "[settings]") {
  const Settings settings = good(kWhole);
  REQUIRE(settings.brokers.size() == 2);
  const BrokerSettings& first = settings.brokers[0];
  CHECK(first.mqtt.uri == "mqtt://127.0.0.1:1884");
  CHECK(first.mqtt.client_id == "gateway");
  CHECK(first.mqtt.username == "u");
  CHECK(first.mqtt.password == "p");
  CHECK(first.mqtt.mqtt5);
  CHECK(first.mqtt.strict);
  CHECK(first.mqtt.persistent);
  CHECK(first.mqtt.keepalive == std::chrono::seconds(30));
  CHECK(first.mqtt.session_expiry == std::chrono::hours(24));
  REQUIRE(first.rules.size() == 2);
  const IngestRule& rule = first.rules[0].rule();
  CHECK(rule.qos == 2);
  CHECK(rule.resolution == Resolution::kNanoseconds);
  CHECK(rule.select == std::vector<std::string>{"data.*"});
  CHECK(rule.timestamp_unit == TimeUnit::kMicroseconds);
  CHECK(rule.unit == std::map<std::string, std::string>{{"data.t", "Cel"}});
  CHECK(rule.scale == std::map<std::string, double>{{"data.t", 0.1}, {"data.n", 2}});
  CHECK(rule.integers == std::vector<std::string>{"data.count"});
  CHECK(first.rules[1].rule().payload == PayloadKind::kPlain);
  CHECK_FALSE(first.rules[1].rule().on_off);
  CHECK_FALSE(settings.brokers[1].mqtt.persistent);
}

TEST_CASE("peers are scrubbed once a minute, unless the settings say how often or never", "[settings]") {
  struct Row {
    const char* added;
    std::chrono::microseconds interval;
  };
  const auto row = GENERATE(values<Row>({
      {"", std::chrono::minutes(1)},
      {"[sync]\n", std::chrono::minutes(1)},
      {"[sync]\nscrub = \"0s\"\n", std::chrono::seconds(0)},
      {"[sync]\nscrub = \"1s\"\n", std::chrono::seconds(1)},
      {"[sync]\nscrub = \"1h\"\n", std::chrono::hours(1)},
  }));
  CAPTURE(row.added);
  CHECK(good(kGood + row.added).node.scrub_interval == row.interval);
}

TEST_CASE("an absolute store path is left alone", "[settings]") {
  const auto text = "[node]\nstore = \"/var/x.db\"\nfleet = \"00112233445566778899aabbccddeeff\"\n" +
                    kGood.substr(kGood.find("[["));
  CHECK(parse_settings(text, "f", "/srv").settings.store == "/var/x.db");
}

TEST_CASE("a listener that others can reach is allowed with insecure, and warned of", "[settings]") {
  const Settings exposed =
      good(kGood + "[sync]\ninsecure = true\nlisten = [\"tcp://0.0.0.0:7400\", \"tcp://127.0.0.1:7401\"]\n");
  REQUIRE(warnings(exposed).size() == 1);
  CHECK_THAT(warnings(exposed)[0],
             Catch::Contains("tcp://0.0.0.0:7400") && Catch::Contains("insecure = true"));
  CHECK(warnings(good(kGood)).empty());
}

TEST_CASE("a file that cannot be read is an error that names it", "[settings]") {
  const testing::TempDir dir;
  const auto missing = (dir.path() / "none.toml").string();
  CHECK(load_settings(missing).errors == Errors{missing + ": cannot be read"});
  CHECK(load_settings(dir.path().string()).errors == Errors{dir.path().string() + ": cannot be read"});
  std::ofstream(missing) << kGood;
  const auto loaded = load_settings(missing);
  CHECK(loaded.errors == Errors{});
  CHECK(loaded.settings.store == (dir.path() / "node.db").string());
}

}  // namespace
}  // namespace deltamesh
