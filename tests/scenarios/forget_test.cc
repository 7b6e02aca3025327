// tests/scenarios/forget_test.cc - rules for wrong data: written at one node, obeyed by all, also by the one
// that was away and still has what is wrong.
#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>
#include <sstream>

#include "api/base64.h"
#include "tests/scenarios/node_process.h"
#include "tests/support/wait.h"

namespace deltamesh::testing {
namespace {

using Catch::Contains;

constexpr std::int64_t kStart = 1'714'543'200'000;  // 2024-05-01T06:00:00Z
constexpr std::int64_t kMinute = 60'000;
constexpr std::int64_t kReadings = 120;

// Events of two series each, one of which, of the device, is text that can be looked for in files.
bool append_some(const NodeProcess& node, const std::string& name, std::int64_t begin) {
  std::string events;
  for (std::int64_t i = 0; i < kReadings; ++i) {
    const std::string number = std::to_string(i);
    events += (events.empty() ? "" : ",") + std::string(R"({"time":)") + std::to_string(begin + i * kMinute) +
              R"(,"readings":{")" + name + R"(/badge":"SECRET-)" + name + "-" + number + R"(","shared/t":)" +
              number + ".5}}";
  }
  return node.ask("POST", "/v0/telemetry/env/events", "{\"events\":[" + events + "]}").status == 200;
}

std::size_t shown(const NodeProcess& node, const std::string& series) {
  const auto answer = node.ask("GET", "/v0/telemetry/env/samples?series=" + series);
  if (answer.status != 200) return 0;
  return boost::json::parse(answer.body).at("samples").as_array().size();
}

Output forget(const std::string& series, const NodeProcess& at, std::vector<std::string> more) {
  std::vector<std::string> command{program("sync-node"), "forget",     series,     "--dataset",       "env",
                                   "--reason",           "not for us", "--config", at.settings_file()};
  command.insert(command.end(), more.begin(), more.end());
  return run(command);
}

bool is_done(const NodeProcess& node, std::uint64_t rules) {
  const boost::json::value health = node.health();
  return health.is_object() && health.at("forgetting") == false &&
         health.at("counters").at("rules_in_effect") == rules;
}

// Whether a block of the store has the text, as an export of it shows, which hides nothing.
bool stands_in_blocks(const NodeProcess& node, const std::string& text) {
  const Output exported = run({program("crdt-dump"), "export", node.store()});
  REQUIRE(exported.status == 0);
  std::istringstream lines(exported.text);
  for (std::string line; std::getline(lines, line);) {
    const boost::json::value record = boost::json::parse(line);
    if (record.at("record") != "block") continue;
    const auto bytes = decode_base64(std::string_view(record.at("bytes").as_string()));
    REQUIRE(bytes);
    if (bytes->find(text) != std::string::npos) return true;
  }
  return false;
}

// Three nodes in a line, and all have the readings of two of them.
struct Fleet {
  Fleet() {
    cloud.start();
    gateway.start();
    device.start();
    REQUIRE(append_some(gateway, "gateway", kStart));
    REQUIRE(append_some(device, "device", kStart));
    REQUIRE(wait_until([&] { return all_have(kReadings); }));
  }
  [[nodiscard]] bool all_have(std::size_t count) const {
    return shown(cloud, "device/badge") == count && shown(gateway, "device/badge") == count &&
           shown(device, "gateway/badge") == count && shown(cloud, "gateway/badge") == count;
  }
  [[nodiscard]] std::vector<const NodeProcess*> all() const { return {&cloud, &gateway, &device}; }
  void stop() {
    for (NodeProcess* const node : {&cloud, &gateway, &device}) CHECK(node->stop() == 0);
  }

  TempDir dir;
  NodeProcess cloud{dir.path(), "cloud"};
  NodeProcess gateway{dir.path(), "gateway", {{cloud.tcp()}, "1s", {}, {}}};
  NodeProcess device{dir.path(), "device", {{gateway.tcp()}, "1s", {}, {}}};
};

TEST_CASE("what one node forgets is hidden on all at once, and gone from all stores, and stays away",
          "[scenario][forget]") {
  Fleet fleet;
  // The device is off, and has readings of its own that nobody knows.
  CHECK(fleet.gateway.stop() == 0);
  REQUIRE(append_some(fleet.device, "device", kStart + kReadings * kMinute));
  CHECK(fleet.device.stop() == 0);
  fleet.gateway.start();

  const Output done = forget("device/badge", fleet.cloud, {});
  INFO(done.text);
  REQUIRE(done.status == 0);
  CHECK_THAT(done.text, Contains("120 samples are hidden here"));
  CHECK(shown(fleet.cloud, "device/badge") == 0);
  CHECK(shown(fleet.cloud, "gateway/badge") == kReadings);
  CHECK(shown(fleet.cloud, "shared/t") == kReadings);
  CHECK(wait_until([&] { return is_done(fleet.gateway, 1) && is_done(fleet.cloud, 1); }));
  CHECK(shown(fleet.gateway, "device/badge") == 0);

  // It comes back with all of it.
  fleet.device.start();
  CHECK(wait_until([&] { return is_done(fleet.device, 1); }));
  CHECK(wait_until([&] { return shown(fleet.cloud, "shared/t") == 2 * kReadings; }));
  for (const NodeProcess* const node : fleet.all()) {
    CHECK(shown(*node, "device/badge") == 0);
    CHECK(shown(*node, "shared/t") == 2 * kReadings);
  }
  CHECK(fleet.device.counter("values_forgotten") == 2 * kReadings);

  // The rule ends when it was written: a badge of tomorrow is shown.
  CHECK(fleet.device
            .ask("POST", "/v0/telemetry/env/events",
                 R"({"events":[{"time":"2060-01-01T00:00:00Z","readings":{"device/badge":"mended"}}]})")
            .status == 200);
  CHECK(wait_until([&] { return shown(fleet.cloud, "device/badge") == 1; }));
  CHECK(wait_until([&] { return is_done(fleet.cloud, 1) && is_done(fleet.gateway, 1); }));

  fleet.stop();
  CHECK(same_contents(fleet.cloud, fleet.gateway));
  CHECK(same_contents(fleet.cloud, fleet.device));
  for (const NodeProcess* const node : fleet.all()) {
    CAPTURE(node->store());
    const auto badges = dump({"samples", node->store(), "--dataset", "env", "--series", "device/badge"});
    REQUIRE(badges.is_object());
    CHECK(badges.at("samples").as_array().size() == 1);
    const auto rules = dump({"forgotten", node->store()});
    REQUIRE(rules.is_object());
    CHECK(rules.at("removed") == true);
    CHECK(rules.at("rules").at(0).at("reason") == "not for us");
    CHECK_FALSE(stands_in_blocks(*node, "SECRET-device-"));
    CHECK(stands_in_blocks(*node, "SECRET-gateway-"));
  }
}

TEST_CASE("a restart looks through nothing again, and brings nothing back", "[scenario][forget]") {
  Fleet fleet;
  REQUIRE(forget("gateway/badge", fleet.device, {"--all-times"}).status == 0);
  const Output part =
      forget("device/badge", fleet.device,
             {"--from", "2024-05-01T06:10:00Z", "--to", std::to_string(kStart + 19 * kMinute)});
  CHECK_THAT(part.text, Contains("10 samples are hidden here"));
  for (const NodeProcess* const node : fleet.all())
    CHECK(wait_until([&] { return is_done(*node, 2) && shown(*node, "device/badge") == kReadings - 10; }));
  fleet.stop();
  for (NodeProcess* const node : {&fleet.cloud, &fleet.gateway, &fleet.device}) {
    node->start();
    CHECK(is_done(*node, 2));
    CHECK(node->counter("blocks_rewritten") == 0);
    CHECK(shown(*node, "gateway/badge") == 0);
    CHECK(shown(*node, "device/badge") == kReadings - 10);
  }
  // Whatever is still to come, too.
  REQUIRE(append_some(fleet.gateway, "gateway", kStart + 7 * kReadings * kMinute));
  CHECK(wait_until([&] { return shown(fleet.device, "shared/t") == 2 * kReadings; }));
  CHECK(shown(fleet.device, "gateway/badge") == 0);
  fleet.stop();
  CHECK(same_contents(fleet.cloud, fleet.device));
  CHECK(same_contents(fleet.cloud, fleet.gateway));
  CHECK_FALSE(stands_in_blocks(fleet.device, "SECRET-gateway-"));
}

TEST_CASE("a rule that cannot be written says why, and writes none", "[scenario][forget]") {
  const TempDir dir;
  NodeProcess node(dir.path(), "node");
  CHECK(forget("badge", node, {}).status == 2);  // It does not run.
  node.start();
  REQUIRE(append_some(node, "device", kStart));
  const std::string url = "http://127.0.0.1:" + std::to_string(node.api_port());
  struct Row {
    std::vector<std::string> more;
    const char* why;
  };
  const std::vector<std::string> command{program("sync-node"), "forget", "device/badge"};
  const std::vector<std::string> rest{"--dataset", "env", "--reason", "r"};
  const Row rows[] = {
      {{"--dataset", "env", "--node", url}, "--reason is required"},
      {{"--reason", "r", "--node", url}, "--dataset is required"},
      {rest, "--config or --node"},
      {{"--dataset", "env", "--reason", "r", "--node", url, "--all-times", "--to", "7"},
       "excludes --all-times"},
      {{"--dataset", "none", "--reason", "r", "--node", url}, "no dataset none"},
      {{"--dataset", "a/b", "--reason", "r", "--node", url}, "dataset name"},
      {{"--dataset", "env", "--reason", "r", "--node", url, "--from", "today"}, "\"from\""},
      {{"--dataset", "env", "--reason", "r", "--node", url, "--from", "7", "--to", "6"},
       "ends before it begins"},
      {{"--dataset", "env", "--reason", "", "--node", url}, "\"reason\""},
      {{"--dataset", "env", "--reason", "r", "--node", "ftp://x"}, "http"},
  };
  for (const Row& row : rows) {
    auto arguments = command;
    arguments.insert(arguments.end(), row.more.begin(), row.more.end());
    const Output refused = run(arguments);
    CAPTURE(refused.text);
    CHECK(refused.status == 2);
    CHECK_THAT(refused.text, Contains(row.why));
  }
  CHECK_THAT(forget("device/bagde", node, {}).text, Contains("no series device/bagde in dataset env"));
  CHECK(node.counter("rules_in_effect") == 0);
  CHECK(shown(node, "device/badge") == kReadings);
  CHECK(node.stop() == 0);
}

}  // namespace
}  // namespace deltamesh::testing
