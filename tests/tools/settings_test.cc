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
[[dataset]]
name = "fine"
kind = "telemetry"
resolution = "ns"
class = "alarm"
scope = "push"
[[dataset]]
name = "desired"
kind = "map"
scope = "neither"
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
  CHECK(hex(settings.node.fleet.bytes) == "00112233445566778899aabbccddeeff");
  CHECK(settings.node.commit_interval == std::chrono::seconds(1));
  CHECK(settings.node.keepalive == std::chrono::seconds(2));
  CHECK(settings.node.link_bytes_per_second == 20'000);
  CHECK(settings.node.scrub_interval == std::chrono::seconds(90));
  const DatasetConfig fine{"fine", DatasetKind::kTelemetry, Resolution::kNanoseconds, StreamClass::kAlarm,
                           Scope::kPush};
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

TEST_CASE("each mistake names file, line and key", "[settings]") {
  struct Row {
    const char* added;  // To a good file, from line 8 on.
    const char* error;  // How it begins.
  };
  const auto row = GENERATE(values<Row>({
      {"[sync]\nkeepalive = \"10 parsecs\"\n",
       "node.toml:9: sync.keepalive: \"10 parsecs\" is not a duration (examples: 500ms, 10s, 2min)"},
      {"[sync]\nkeepalive = 10\n",
       "node.toml:9: sync.keepalive: must be a duration in quotes (examples: \"500ms\", \"10s\"), not an "
       "integer"},
      {"[sync]\nbandwidth = \"999B\"\n",
       "node.toml:9: sync.bandwidth: must be 0B or at least 1000B, for a second"},
      {"[sync]\nkeepalive = \"20ms\"\n", "node.toml:9: sync.keepalive: must be at least 1s"},
      {"[sync]\nkeep_alive = \"20s\"\n", "node.toml:9: sync.keep_alive: unknown key"},
      {"[sync]\n\ninsecure = \"yes\"\n", "node.toml:10: sync.insecure: must be true or false, not a string"},
      {"[sync]\nlisten = \"tcp://127.0.0.1:1\"\n",
       "node.toml:9: sync.listen: must be a list of strings, not a string"},
      {"[sync]\nlisten = [7400]\n", "node.toml:9: sync.listen: must be a list of strings, not an integer"},
      {"[sync]\nlisten = [\"udp://127.0.0.1:1\"]\n",
       "node.toml:9: sync.listen: address \"udp://127.0.0.1:1\": must begin with tcp:// or ws://"},
      {"[sync]\nlisten = [\"tcp://0.0.0.0:7400\"]\n",
       "node.toml:9: sync.listen: address \"tcp://0.0.0.0:7400\": others can reach it and links are not "
       "encrypted; "
       "only loopback (127.0.0.1, [::1]) is allowed unless insecure = true"},
      {"[sync]\npeers = [\"tcp://cloud\"]\n",
       "node.toml:9: sync.peers: address \"tcp://cloud\": the port is missing"},
      {"[api]\n", "node.toml:8: api.listen: is missing"},
      {"[api]\nlisten = \"8080\"\n",
       "node.toml:9: api.listen: \"8080\" is not an IP address and a port (example: 127.0.0.1:8080)"},
      {"[api]\nlisten = \"0.0.0.0:8080\"\n",
       "node.toml:9: api.listen: \"0.0.0.0:8080\" is not loopback: the API has neither encryption nor "
       "accounts yet"},
      {"[[dataset]]\nkind = \"map\"\n", "node.toml:8: dataset.name: is missing"},
      {"[[dataset]]\nname = \"x\"\n", "node.toml:8: dataset.kind: is missing (telemetry or map)"},
      {"[[dataset]]\nname = \"x\"\nkind = \"set\"\n",
       "node.toml:10: dataset.kind: \"set\" is none of: telemetry, map"},
      {"[[dataset]]\nname = \"x\"\nkind = \"map\"\nresolution = \"us\"\n",
       "node.toml:11: dataset.resolution: a map has none"},
      {"[[dataset]]\nname = \"telemetry\"\nkind = \"map\"\n",
       "node.toml:9: dataset.name: dataset 'telemetry' is named twice"},
      {"[dataset.x]\n", "node.toml:8: "},
      {"[log]\nlevel = \"loud\"\n", "node.toml:9: log.level: \"loud\" is none of: info, warning, error"},
      {"log = 1\n", "node.toml:8: dataset.log: unknown key"},
      {"[logs]\n", "node.toml:8: logs: unknown key"},
      {"x = 1979-05-27\n", "node.toml:8: dataset.x: unknown key"},
      {"[[mqtt]]\nbroker = \"http://x\"\nclean_session = true\n[[mqtt.rule]]\ntopic = \"a\"\ndataset = "
       "\"telemetry\"\n"
       "series = \"x\"\n",
       "node.toml:9: mqtt.broker: broker \"http://x\": "},
      {"[[mqtt]]\nbroker = \"mqtt://h\"\n",
       "node.toml:8: mqtt.client_id: is missing; without one, set clean_session = true"},
      {"[[mqtt]]\nbroker = \"mqtt://h\"\nclient_id = \"c\"\n",
       "node.toml:8: mqtt.rule: a broker needs at least one [[mqtt.rule]]"},
      {"[[mqtt]]\nbroker = \"mqtt://h\"\nclient_id = \"c\"\nkeepalive = \"1500ms\"\n",
       "node.toml:11: mqtt.keepalive: must be whole seconds, 1 to 65535"},
      {"[[mqtt]]\nbroker = \"mqtt://h\"\nclient_id = \"c\"\n[[mqtt.rule]]\ntopic = \"a/{b\"\ndataset = "
       "\"telemetry\"\n",
       "node.toml:12: mqtt.rule.topic: "},
      {"[[mqtt]]\nbroker = \"mqtt://h\"\nclient_id = \"c\"\n[[mqtt.rule]]\ntopic = \"{device}\"\ndataset = "
       "\"nope\"\n",
       "node.toml:13: mqtt.rule.dataset: no [[dataset]] is named \"nope\""},
      {"[[mqtt]]\nbroker = \"mqtt://h\"\nclient_id = \"c\"\n[[mqtt.rule]]\ntopic = \"{device}\"\ndataset = "
       "\"telemetry\"\n"
       "scale = { t = \"x\" }\n",
       "node.toml:14: mqtt.rule.scale.t: must be a number, not a string"},
      {"[[mqtt]]\nbroker = \"mqtt://h\"\nclient_id = \"c\"\n[[mqtt.rule]]\ntopic = \"{device}\"\ndataset = "
       "\"telemetry\"\n"
       "qos = 9\n",
       "node.toml:14: mqtt.rule.qos: rule for topic \"{device}\": qos is 0, 1 or 2, not 9"},
      {"[[mqtt]]\nbroker = \"mqtt://h\"\nclient_id = \"c\"\n[[mqtt.rule]]\ntopic = \"{device}\"\ndataset = "
       "\"telemetry\"\n"
       "qos = 5000000000\n",
       "node.toml:14: mqtt.rule.qos: must be a 32-bit integer, not an integer"},
      {"[[mqtt]]\nbroker = \"mqtt://h\"\nclient_id = \"c\"\n[[mqtt]]\nbroker = \"tcp://h:1883\"\nclient_id = "
       "\"c\"\n",
       "node.toml:13: mqtt.client_id: \"c\" is another connection to this broker already"},
      {"[[dataset]]\nname = \"\"\nkind = \"map\"\n", "node.toml:9: dataset.name: must not be empty"},
      {"[api]\nlisten = \"\"\n", "node.toml:9: api.listen: must not be empty"},
      {"name = \n", "node.toml:8: "},
  }));
  CAPTURE(row.added);
  const Errors errors = parse(kGood + row.added).errors;
  REQUIRE_FALSE(errors.empty());
  CAPTURE(errors);
  const auto begins = [&](const std::string& error) { return error.starts_with(row.error); };
  CHECK(std::any_of(errors.begin(), errors.end(), begins));
}

TEST_CASE("mistakes in [node] are found too", "[settings]") {
  struct Row {
    const char* text;
    Errors errors;
  };
  const auto row = GENERATE(values<Row>({
      {"",
       {"node.toml:1: node: the section [node] is missing",
        "node.toml:1: dataset: at least one [[dataset]] is needed"}},
      {"[node]\n[[dataset]]\nname = \"a\"\nkind = \"map\"\n",
       {"node.toml:1: node.store: is missing", "node.toml:1: node.fleet: is missing"}},
      {"[node]\nstore = \"\"\nfleet = \"12\"\ncache = \"1B\"\ncommit_interval = \"2h\"\n[[dataset]]\nname = "
       "\"a/b\"\n"
       "kind = \"map\"\n",
       {"node.toml:2: node.store: must not be empty",
        "node.toml:3: node.fleet: \"12\" is not 32 hexadecimal digits",
        "node.toml:4: node.cache: must be 64KiB to 1GiB",
        "node.toml:5: node.commit_interval: must be at most 1min", "node.toml:7: dataset.name: "}},
  }));
  CAPTURE(row.text);
  const Errors errors = parse(row.text).errors;
  CAPTURE(errors);
  REQUIRE(errors.size() == row.errors.size());
  for (std::size_t i = 0; i < errors.size(); ++i) CHECK(errors[i].starts_with(row.errors[i]));
}

TEST_CASE("all mistakes of a file are told at once, in the order of their lines", "[settings]") {
  const Errors errors =
      parse(kGood + "[sync]\nkeepalive = \"x\"\nlisten = [\"tcp://x\"]\n[log]\nlevel = 3\nmore = 1\n").errors;
  REQUIRE(errors.size() == 4);
  CHECK(errors[0].starts_with("node.toml:9: sync.keepalive: "));
  CHECK(errors[1].starts_with("node.toml:10: sync.listen: "));
  CHECK(errors[2].starts_with("node.toml:12: log.level: "));
  CHECK(errors[3].starts_with("node.toml:13: log.more: "));
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
