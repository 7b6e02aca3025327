// tests/tools/sync_node_test.cc - the real program: nodes that init set up, on free ports, over real sockets.
#include <signal.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "tests/api/http_client.h"
#include "tests/support/child_process.h"
#include "tests/support/free_port.h"
#include "tests/support/mosquitto.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait.h"

namespace deltamesh {
namespace {

using testing::ask;
using testing::ChildProcess;
using testing::HttpReply;
using testing::Mosquitto;
using testing::Output;
using testing::run;
using testing::TempDir;
using testing::wait_until;

const std::string kSyncNode = DELTAMESH_BIN_DIR "/sync-node";
const std::string kFleet = "00112233445566778899aabbccddeeff";

std::string local(std::uint16_t port) {
  return "127.0.0.1:" + std::to_string(port);
}

// A node with a folder of its own.
class Member {
 public:
  Member(const std::string& role, std::vector<std::string> options) {
    std::vector<std::string> command{kSyncNode, "init",  "--role",   role,    "--fleet",
                                     kFleet,    "--api", local(api), "--out", settings()};
    command.insert(command.end(), options.begin(), options.end());
    const Output output = run(command);
    INFO(output.text);
    REQUIRE(output.status == 0);
  }

  void start() {
    process_ = std::make_unique<ChildProcess>(std::vector<std::string>{kSyncNode, "--config", settings()},
                                              log_file());
    INFO(testing::read_text(log_file()));
    REQUIRE(wait_until([&] { return !process_->running() || get("/healthz").status == 200; }));
    REQUIRE(process_->running());
  }
  std::optional<int> stop(int signal = SIGTERM) {
    process_->signal(signal);
    return process_->wait();
  }

  // Status 0 while nobody answers.
  [[nodiscard]] HttpReply get(const std::string& target) const {
    try {
      return ask(api, "GET", target);
    } catch (const std::exception&) {
      return {};
    }
  }
  [[nodiscard]] bool comes_to_say(const std::string& target, const std::string& part) const {
    return wait_until([&] { return get(target).body.find(part) != std::string::npos; });
  }

  [[nodiscard]] std::string settings() const { return (dir_.path() / "node.toml").string(); }
  [[nodiscard]] std::string log() const { return testing::read_text(log_file()); }

  const std::uint16_t api = testing::free_port();

 private:
  [[nodiscard]] std::filesystem::path log_file() const { return dir_.path() / "log"; }

  TempDir dir_;
  std::unique_ptr<ChildProcess> process_;
};

TEST_CASE("what is written at one node is read at the other, over TCP and over WebSocket", "[sync_node]") {
  const std::string scheme = GENERATE("tcp://", "ws://");
  const std::string address = scheme + local(testing::free_port());
  Member cloud("cloud", {"--listen", address});
  Member device("device", {"--listen", "tcp://" + local(testing::free_port()), "--peer", address});
  cloud.start();
  device.start();
  CHECK(ask(cloud.api, "PUT", "/v0/maps/settings/heating/target", "21").status == 200);
  CHECK(device.comes_to_say("/v0/maps/settings/heating/target", "21"));
  CHECK(ask(device.api, "POST", "/v0/telemetry/telemetry/events",
            R"({"events":[{"time":1594598424502,"readings":{"room/temperature":20.25}}]})")
            .status == 200);
  CHECK(cloud.comes_to_say("/v0/telemetry/telemetry/latest?series=room/temperature",
                           R"("time":1594598424502,"value":20.25})"));
  CHECK(device.stop() == 0);
  CHECK(cloud.stop() == 0);
}

TEST_CASE("a node that is stopped and started again has what it had, and its name", "[sync_node]") {
  const int signal = GENERATE(SIGTERM, SIGINT);
  Member node("cloud", {"--listen", "tcp://" + local(testing::free_port())});
  node.start();
  REQUIRE(ask(node.api, "PUT", "/v0/maps/settings/a", "1").status == 200);
  CHECK(node.stop(signal) == 0);
  CHECK_THAT(node.log(), Catch::Contains("cloud.db created as node") && Catch::Contains("node: stopped"));
  node.start();
  CHECK(node.get("/v0/maps/settings/a").body == "1");
  CHECK_THAT(node.log(), Catch::Contains("cloud.db opened as node") && !Catch::Contains("warning"));
  CHECK(node.stop() == 0);
}

TEST_CASE("a gateway takes what devices publish to a broker, and says so", "[sync_node]") {
  const Mosquitto broker;
  Member gateway("gateway", {"--listen", "tcp://" + local(testing::free_port()), "--peer",
                             "tcp://" + local(testing::free_port()), "--broker", broker.uri()});
  gateway.start();
  REQUIRE(gateway.comes_to_say("/healthz", "\"connected\":true"));
  const Output published = run({DELTAMESH_BIN_DIR "/device-sim", "--broker", broker.uri(), "--devices", "5",
                                "--duration", "10s", "--speed", "0", "--json"});
  CHECK_THAT(published.text, Catch::Contains("\"messages\":50,"));
  CHECK(gateway.comes_to_say("/healthz", "\"events\":50,"));
  CHECK(gateway.stop() == 0);
}

TEST_CASE("settings with a mistake start nothing", "[sync_node]") {
  const TempDir dir;
  const std::string file = (dir.path() / "node.toml").string();
  std::ofstream(file) << "[node]\nstore = \"x.db\"\nfleet = \"12\"\n[sync]\nkeepalive = \"10 parsecs\"\n";
  std::vector<std::string> command{kSyncNode, "--config", file};
  if (GENERATE(false, true)) command.emplace_back("--check-config");
  const Output output = run(command);
  CHECK(output.status == 2);
  CHECK_THAT(output.text,
             Catch::Contains(file + ":3: node.fleet: ") &&
                 Catch::Contains(file + ":5: sync.keepalive: \"10 parsecs\" is not a duration") &&
                 Catch::Contains(file + ":1: dataset: "));
  CHECK_FALSE(std::filesystem::exists(dir.path() / "x.db"));
}

TEST_CASE("a node that cannot start says which part could not, and ends with 2", "[sync_node]") {
  Member first("cloud", {"--listen", "tcp://" + local(testing::free_port())});
  first.start();
  const Output locked = run({kSyncNode, "--config", first.settings()});
  CHECK(locked.status == 2);
  CHECK_THAT(locked.text,
             Catch::Contains("store: ") && Catch::Contains("another process has this store open"));
  const Member taken("cloud", {"--listen", "tcp://" + local(first.api)});
  const Output refused = run({kSyncNode, "--config", taken.settings()});
  CHECK(refused.status == 2);
  CHECK_THAT(refused.text, Catch::Contains("sync: ") && Catch::Contains(local(first.api)));
  CHECK(first.stop() == 0);
}

TEST_CASE("without settings there is a hint", "[sync_node]") {
  CHECK(run({kSyncNode}).status == 2);
  CHECK_THAT(run({kSyncNode}).text, Catch::Contains("--config"));
  CHECK(run({kSyncNode, "--help"}).status == 0);
  CHECK(run({kSyncNode, "--config", "/nowhere.toml"}).status == 2);
  CHECK(run({kSyncNode, "--no-such-option"}).status == 2);
}

}  // namespace
}  // namespace deltamesh
