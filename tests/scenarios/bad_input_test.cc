// tests/scenarios/bad_input_test.cc - wrong settings, messages, bytes and stores: refused, told and counted.
#include <catch2/catch.hpp>
#include <fstream>
#include <map>
#include <sstream>

#include "tests/api/http_client.h"
#include "tests/scenarios/node_process.h"
#include "tests/sqlite/raw_database.h"
#include "tests/support/mosquitto.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait.h"

namespace deltamesh::testing {
namespace {

using Catch::Contains;

void replace_in(const std::filesystem::path& path, const std::string& from, const std::string& to) {
  std::string text = read_text(path);
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  text.replace(at, from.size(), to);
  std::ofstream(path, std::ios::binary) << text;
}

// The number of the line that begins with `start`.
std::string line_of(const std::filesystem::path& path, const std::string& start) {
  std::istringstream in(read_text(path));
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.compare(0, start.size(), start) == 0) return std::to_string(number);
  }
  return "no line";
}

TEST_CASE("wrong settings are all named by file, line and key, and nothing is started", "[scenario][bad]") {
  const TempDir dir;
  NodeProcess node(dir.path(), "node");
  replace_in(node.settings_file(), "keepalive = \"10s\"", "keepalive = \"10 parsecs\"");
  replace_in(node.settings_file(), "kind = \"map\"", "kind = \"heap\"");
  const std::string file = node.settings_file() + ":";
  const Output output = node.run_to_end();
  CHECK(output.status == 2);
  CHECK_THAT(output.text, Contains(file + line_of(node.settings_file(), "keepalive") + ": sync.keepalive: "));
  CHECK_THAT(output.text, Contains(file) && Contains("dataset") && Contains("kind: \"heap\""));
  CHECK_FALSE(std::filesystem::exists(node.store()));
}

std::uint64_t refused(const NodeProcess& node, const std::string& reason) {
  const auto health = node.health();
  const auto* count = health.at("ingest").at("refused").as_object().if_contains(reason);
  return count == nullptr ? 0 : count->to_number<std::uint64_t>();
}

TEST_CASE("malformed messages are counted by reason and good ones still arrive", "[scenario][bad]") {
  const Mosquitto broker(BrokerSaves::kNever);
  const TempDir dir;
  const std::string mqtt = "[[mqtt]]\nbroker = \"" + broker.uri() +
                           "\"\nclient_id = \"node\"\n[[mqtt.rule]]\ntopic = \"tele/{device}/SENSOR\"\n"
                           "dataset = \"env\"\ntimestamp = \"ts\"\n";
  NodeProcess node(dir.path(), "node", {{}, "10s", mqtt, {}});
  node.start();
  REQUIRE(wait_until([&] { return node.health().at("mqtt").at("brokers").at(0).at("connected").as_bool(); }));
  const std::map<std::string, std::vector<std::string>> bad{
      {"not_json", {"{\"ts\":1,", "\xff\xfe{}"}},
      {"no_timestamp", {R"({"temp":21.5})"}},
      {"bad_timestamp", {R"({"ts":"yesterday","temp":21.5})"}},
      {"no_values", {R"({"ts":1})"}},
      {"bad_number", {R"({"ts":1,"temp":1e999})"}},
  };
  for (const auto& [reason, payloads] : bad) broker.publish_lines("tele/x/SENSOR", payloads);
  broker.publish("tele/x/SENSOR", R"({"ts":1,"temp":21.5})");
  CHECK(wait_until([&] { return node.counter("events_written") == 1; }));
  for (const auto& [reason, payloads] : bad) {
    INFO(reason << " of " << node.ask("GET", "/healthz").body);
    CHECK(refused(node, reason) == payloads.size());
  }
  CHECK(node.status() == "ok");
  CHECK(node.stop() == 0);
}

// All that is refused by links and by the node.
std::uint64_t refusals(const NodeProcess& node) {
  const auto health = node.health();
  std::uint64_t sum = 0;
  for (const char* name : {"handshakes_refused", "frames_refused"})
    sum += health.at("counters").at(name).to_number<std::uint64_t>();
  for (const char* name : {"frames_truncated", "messages_refused", "upgrades_refused"})
    sum += health.at("transport").at(name).to_number<std::uint64_t>();
  return sum;
}

TEST_CASE("garbage and strangers on the sync ports are refused and counted while a peer's data flow",
          "[scenario][bad]") {
  const TempDir dir;
  NodeProcess cloud(dir.path(), "cloud");
  NodeProcess gateway(dir.path(), "gateway", {{cloud.ws()}, "10s", {}, {}});
  cloud.start();
  gateway.start();
  REQUIRE(wait_until([&] { return gateway.live_sessions() == 1; }));
  const std::string head = "GET /sync HTTP/1.1\r\nHost: x\r\n";
  const std::vector<std::pair<std::uint16_t, std::string>> bad{
      {cloud.tcp_port(), std::string(4096, 'x')},
      {cloud.tcp_port(), std::string(4096, '\xff')},
      {cloud.tcp_port(), std::string(4096, '\0')},
      {cloud.tcp_port(), head + "\r\n"},
      {cloud.ws_port(), std::string(64, 'x') + "\r\n\r\n"},
      {cloud.ws_port(), head + "\r\n"},
      {cloud.ws_port(), "GET /other HTTP/1.1\r\nHost: x\r\n\r\n"},
  };
  std::int64_t time = 0;
  for (const auto& [port, bytes] : bad) {
    const auto before = refusals(cloud);
    HttpClient guest(port);
    guest.send(bytes);
    CHECK(wait_until([&] { return refusals(cloud) > before; }));
    REQUIRE(gateway.append(time++, "s", 1) == 200);
    CHECK(wait_until([&] { return holds_all(cloud, 1, static_cast<std::uint64_t>(time)); }));
  }

  NodeProcess stranger(dir.path(), "stranger", {{cloud.tcp()}, "10s", {}, {}});
  replace_in(stranger.settings_file(), "000102030405", "ffffffffffff");
  const auto before = cloud.counter("handshakes_refused");
  stranger.start();
  CHECK(wait_until([&] { return cloud.counter("handshakes_refused") > before; }));
  CHECK(stranger.live_sessions() == 0);
  REQUIRE(gateway.append(time++, "s", 1) == 200);
  CHECK(wait_until([&] { return holds_all(cloud, 1, static_cast<std::uint64_t>(time)); }));
  for (NodeProcess* node : {&stranger, &gateway, &cloud}) CHECK(node->stop() == 0);
}

struct Spoiling {
  const char* what;
  void (*spoil)(const std::string& path);
  const char* words;
};

const Spoiling kSpoilings[] = {
    {"a newer version", [](const std::string& path) { run_raw(path, "PRAGMA user_version = 7"); },
     "version 7"},
    {"a flipped bit of knowledge",
     [](const std::string& path) { run_raw(path, "UPDATE knowledge SET head = head + 1"); }, "what is known"},
    {"a flipped byte of the head",
     [](const std::string& path) {
       std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
       file.seekp(3).put('X');
     },
     "cannot be read as a deltamesh store"},
    {"half a file",
     [](const std::string& path) {
       std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
     },
     "malformed"},
};

TEST_CASE("a store that is newer or damaged is not opened and stays byte for byte", "[scenario][bad]") {
  for (const Spoiling& row : kSpoilings) {
    DYNAMIC_SECTION(row.what) {
      const TempDir dir;
      NodeProcess node(dir.path(), "node");
      node.start();
      REQUIRE(node.append(1, "s", 1) == 200);
      REQUIRE(node.stop() == 0);
      row.spoil(node.store());
      const std::string before = read_text(node.store());
      const Output output = node.run_to_end();
      CHECK(output.status == 2);
      CHECK_THAT(output.text, Contains(node.store()) && Contains(row.words));
      CHECK(read_text(node.store()) == before);
    }
  }
}

}  // namespace
}  // namespace deltamesh::testing
