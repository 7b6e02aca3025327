// tests/tools/init_test.cc - what `sync-node init` writes is what sync-node takes.
#include "tools/init.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "tests/support/child_process.h"
#include "tests/support/temp_dir.h"
#include "tools/settings.h"

namespace deltamesh {
namespace {

using testing::Output;
using testing::run;
using testing::TempDir;

const std::string kSyncNode = DELTAMESH_BIN_DIR "/sync-node";
const std::string kFleet = "00112233445566778899aabbccddeeff";

Settings settings_of(const InitOptions& options) {
  auto [settings, errors] = parse_settings(settings_text(options), "init", {});
  REQUIRE(errors == std::vector<std::string>{});
  return settings;
}

InitOptions role(Role role) {
  InitOptions options;
  options.role = role;
  options.fleet.bytes = *parse_hex128(kFleet);
  options.client_id = "deltamesh-gateway-1";
  return options;
}

TEST_CASE("gateways of one fleet get different names at their broker", "[init]") {
  const auto client = [] {
    const Output output = run({kSyncNode, "init", "--role", "gateway", "--fleet", kFleet});
    REQUIRE(output.status == 0);
    return parse_settings(output.text, "init", {}).settings.brokers.at(0).mqtt.client_id;
  };
  const std::string first = client();
  CHECK(first.size() <= 32);
  CHECK(first != client());
}

TEST_CASE("the defaults of the three roles fit together on one machine", "[init]") {
  const Settings gateway = settings_of(role(Role::kGateway)), device = settings_of(role(Role::kDevice)),
                 cloud = settings_of(role(Role::kCloud));
  CHECK(std::count(cloud.listen.begin(), cloud.listen.end(), gateway.peers.at(0)) == 1);
  CHECK(std::count(gateway.listen.begin(), gateway.listen.end(), device.peers.at(0)) == 1);
  CHECK(cloud.peers.empty());
  CHECK(gateway.brokers.size() == 1);
  CHECK(device.brokers.empty());
  CHECK(cloud.brokers.empty());
  CHECK(gateway.node.datasets == cloud.node.datasets);
  CHECK(device.node.datasets == cloud.node.datasets);
  CHECK(gateway.node.fleet == cloud.node.fleet);
  const std::set<std::uint16_t> ports{gateway.api->port, device.api->port, cloud.api->port};
  CHECK(ports.size() == 3);
}

TEST_CASE("what is given stands in the file, whatever it contains", "[init]") {
  InitOptions options = role(Role::kGateway);
  options.store = "a \"b\"\\\tc.db";
  options.listen = {"tcp://127.0.0.1:1", "ws://127.0.0.1:2/sync"};
  options.peers = {"tcp://h:3"};
  options.api = "127.0.0.1:4";
  options.broker = "mqtt://h:5";
  const Settings settings = settings_of(options);
  CHECK(settings.store == options.store);
  CHECK(settings.listen.size() == 2);
  CHECK(to_string(settings.peers.at(0)) == "tcp://h:3");
  CHECK(settings.api->port == 4);
  CHECK(settings.brokers.at(0).mqtt.uri == "mqtt://h:5");
}

TEST_CASE("fleets are random", "[init]") {
  CHECK(*random_fleet() != *random_fleet());
}

TEST_CASE("init writes a file that passes --check-config, and never over another", "[init]") {
  const char* const word = GENERATE("gateway", "device", "cloud");
  const TempDir dir;
  const std::string file = (dir.path() / "node.toml").string();
  CHECK(run({kSyncNode, "init", "--role", word, "--out", file}).status == 0);
  const Output checked = run({kSyncNode, "--config", file, "--check-config"});
  CHECK(checked.status == 0);
  CHECK(checked.text.starts_with("ok\n"));
  const std::string before = testing::read_text(file);
  const Output again = run({kSyncNode, "init", "--role", word, "--out", file});
  CHECK(again.status == 2);
  CHECK_THAT(again.text, Catch::Contains(file + " is there already"));
  CHECK(testing::read_text(file) == before);
}

TEST_CASE("init takes the fleet of a node that is there", "[init]") {
  const Output output = run({kSyncNode, "init", "--role", "cloud", "--fleet", kFleet, "--store", "x.db"});
  CHECK(output.status == 0);
  CHECK_THAT(output.text,
             Catch::Contains("fleet = \"" + kFleet + "\"") && Catch::Contains("store = \"x.db\""));
}

TEST_CASE("init refuses what would make a wrong file", "[init]") {
  struct Row {
    std::vector<std::string> arguments;
    const char* says;
  };
  const auto row = GENERATE(values<Row>({
      {{}, "--role is required"},
      {{"--role", "queen"}, "--role"},
      {{"--role", "cloud", "--fleet", "12"}, "--fleet: \"12\" is not 32 hexadecimal digits"},
      {{"--role", "cloud", "--listen", "tcp://0.0.0.0:1"}, "sync.listen"},
      {{"--role", "cloud", "--api", "0.0.0.0:1"}, "api.listen"},
      {{"--role", "cloud", "--peer", "nowhere"}, "sync.peers"},
  }));
  std::vector<std::string> command{kSyncNode, "init"};
  command.insert(command.end(), row.arguments.begin(), row.arguments.end());
  const Output output = run(command);
  CHECK(output.status == 2);
  CHECK_THAT(output.text, Catch::Contains(row.says));
}

}  // namespace
}  // namespace deltamesh
