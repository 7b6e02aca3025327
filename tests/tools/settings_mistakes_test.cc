// tests/tools/settings_mistakes_test.cc - each mistake in a file of settings is told with file, line and key.
#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/tools/settings_fixture.h"

namespace deltamesh {
namespace {

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
      {"[sync]\nscrub = \"999ms\"\n", "node.toml:9: sync.scrub: must be 0s or at least 1s"},
      {"[sync]\nscrub = \"-1s\"\n", "node.toml:9: sync.scrub: \"-1s\" is not a duration"},
      {"[sync]\nscrub = \"often\"\n", "node.toml:9: sync.scrub: \"often\" is not a duration"},
      {"[sync]\nscrub = 60\n", "node.toml:9: sync.scrub: must be a duration in quotes"},
      {"[sync]\nscrub = true\n", "node.toml:9: sync.scrub: must be a duration in quotes"},
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
      {"[[dataset]]\nname = \"$rules\"\nkind = \"map\"\n",
       "node.toml:9: dataset.name: dataset name '$rules' may have letters, digits, '_', '-' and '.' only"},
      {"[[dataset]]\nname = \"x\"\nkind = \"set\"\n",
       "node.toml:10: dataset.kind: \"set\" is none of: telemetry, map"},
      {"[[dataset]]\nname = \"x\"\nkind = \"map\"\nresolution = \"us\"\n",
       "node.toml:11: dataset.resolution: a map has none"},
      {"[[dataset]]\nname = \"x\"\nkind = \"map\"\ntombstones = \"30s\"\n",
       "node.toml:11: dataset.tombstones: tombstones of map x must be kept for 60000000 us at least"},
      {"[[dataset]]\nname = \"x\"\nkind = \"telemetry\"\ntombstones = \"30d\"\n",
       "node.toml:11: dataset.tombstones: dataset x is telemetry, and has no tombstones"},
      {"[[dataset]]\nname = \"telemetry\"\nkind = \"map\"\n",
       "node.toml:9: dataset.name: dataset 'telemetry' is named twice"},
      {"[dataset.x]\n", "node.toml:8: "},
      {"[[dataset]]\nname = \"x\"\nkind = \"map\"\nkeep_for = \"30d\"\n",
       "node.toml:9: dataset.name: a map is kept whole"},
      {"[[dataset]]\nname = \"x\"\nkind = \"telemetry\"\nkeep_for = \"59min\"\n",
       "node.toml:11: dataset.keep_for: must be at least 1h"},
      {"[[dataset]]\nname = \"x\"\nkind = \"telemetry\"\nkeep_bytes = \"1kB\"\n",
       "node.toml:11: dataset.keep_bytes: must be at least 64KiB"},
      {"[[dataset]]\nname = \"x\"\nkind = \"telemetry\"\nkeep_until = \"cloud\"\n",
       "node.toml:11: dataset.keep_until: no [[tier]] is called cloud"},
      {"[[tier]]\nname = \"cloud\"\n", "node.toml:8: tier.nodes: is missing"},
      {"[[tier]]\nname = \"cloud\"\nnodes = [\"x\"]\n",
       "node.toml:10: tier.nodes: \"x\" is not 32 hexadecimal digits"},
      {"[[tier]]\nname = \"cloud\"\nnodes = [\"00112233445566778899aabbccddeeff\"]\ncopies = 2\n",
       "node.toml:11: tier.copies: must be 1 to the number of nodes"},
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

}  // namespace
}  // namespace deltamesh
