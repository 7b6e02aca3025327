// tests/scenarios/replace_test.cc - machines that are gone: one is replaced under its old name, one for good.
#include <catch2/catch.hpp>
#include <filesystem>

#include "tests/scenarios/node_process.h"
#include "tests/support/wait.h"

namespace deltamesh::testing {
namespace {

using Catch::Contains;

constexpr std::uint64_t kEvents = 100;

// A cloud, and a gateway whose readings it has, on a machine that then is lost with all that it kept.
struct Lost {
  Lost() {
    cloud.start();
    gateway.start();
    for (std::uint64_t i = 1; i <= kEvents; ++i)
      REQUIRE(gateway.append(static_cast<std::int64_t>(i), "s", 1.5) == 200);
    name = gateway.node_id();
    REQUIRE(wait_until([&] { return counted(cloud, "events") == kEvents; }));
    gateway.kill();
  }
  TempDir dir, other;
  NodeProcess cloud{dir.path(), "cloud"};
  NodeProcess gateway{dir.path(), "gateway", {{cloud.tcp()}, "1s", {}, {}}};
  std::string name;
};

Output sync_node(const std::string& what, const std::string& node, const NodeProcess& at) {
  return run({program("sync-node"), what, node, "--config", at.settings_file()});
}

TEST_CASE("a new machine takes the name of the one it replaces, gets its readings back, and goes on",
          "[scenario][replace]") {
  Lost lost;
  NodeProcess heir(lost.other.path(), "gateway", {{lost.cloud.tcp()}, "1s", {}, {}});
  REQUIRE(sync_node("adopt", lost.name, heir).status == 0);
  heir.start();
  CHECK(heir.node_id() == lost.name);
  CHECK(wait_until([&] { return counted(heir, "events") == kEvents; }));
  CHECK(heir.append(1'000, "s", 2.5) == 200);
  CHECK(wait_until([&] { return holds_all(lost.cloud, 2, kEvents + 1); }));
  CHECK_THAT(sync_node("adopt", lost.name, heir).text, Contains("another process has this store open"));
  CHECK(heir.stop() == 0);
  CHECK_THAT(sync_node("adopt", lost.name, heir).text, Contains("only a store that is not there yet"));
  CHECK(lost.cloud.stop() == 0);
  CHECK(same_contents(heir, lost.cloud));
}

TEST_CASE("a node is retired once it is gone, and by its name", "[scenario][replace]") {
  Lost lost;
  REQUIRE(wait_until([&] { return lost.cloud.live_sessions() == 0; }));
  const Output retired = sync_node("retire", lost.name, lost.cloud);
  CHECK(retired.status == 0);
  CHECK_THAT(retired.text, Contains(lost.name + " is retired"));
  CHECK_THAT(sync_node("retire", std::string(32, '7'), lost.cloud).text, Contains("nothing is known here"));
  CHECK_THAT(sync_node("retire", lost.cloud.node_id(), lost.cloud).text, Contains("does not retire itself"));
  CHECK_THAT(sync_node("retire", "gateway", lost.cloud).text, Contains("32 hexadecimal digits"));
  lost.gateway.start();  // It was not gone at all.
  REQUIRE(wait_until([&] { return lost.cloud.live_sessions() == 1; }));
  CHECK_THAT(sync_node("retire", lost.name, lost.cloud).text, Contains("is in session"));
  CHECK(lost.gateway.append(1'000, "s", 2.5) == 200);
  CHECK(wait_until([&] { return counted(lost.cloud, "events") == kEvents + 1; }));
  CHECK(lost.gateway.stop() == 0);
  CHECK(sync_node("retire", lost.name, lost.gateway).status == 2);
  CHECK(lost.cloud.stop() == 0);
  CHECK(same_contents(lost.gateway, lost.cloud));
}

}  // namespace
}  // namespace deltamesh::testing
