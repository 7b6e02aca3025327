// tests/scenarios/maps_test.cc - settings travel between cloud and device through a gateway, both ways.
#include <catch2/catch.hpp>

#include "tests/scenarios/node_process.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait.h"

namespace deltamesh::testing {
namespace {

// cloud <- gateway <- device
struct Chain {
  explicit Chain(const std::filesystem::path& folder)
      : cloud(folder, "cloud"),
        gateway(folder, "gateway", {{cloud.ws()}, "10s", {}, {}}),
        device(folder, "device", {{gateway.tcp()}, "10s", {}, {}}) {
    for (NodeProcess* node : {&cloud, &gateway, &device}) node->start();
  }
  NodeProcess cloud, gateway, device;
};

bool put(const NodeProcess& node, const std::string& key, const std::string& value) {
  return node.ask("PUT", "/v0/maps/settings/" + key, value).status == 200;
}

// Whether `node` comes to say `value`; "" for a key that is not there.
bool comes_to_say(const NodeProcess& node, const std::string& key, const std::string& value) {
  return wait_until([&] {
    const auto answer = node.ask("GET", "/v0/maps/settings/" + key);
    return value.empty() ? answer.status == 404 : answer.status == 200 && answer.body == value;
  });
}

TEST_CASE("a setting of the cloud reaches the device and the device's answer comes back",
          "[scenario][maps]") {
  const TempDir dir;
  Chain chain(dir.path());
  REQUIRE(put(chain.cloud, "interval", "5"));
  CHECK(comes_to_say(chain.device, "interval", "5"));
  REQUIRE(put(chain.device, "interval", "6"));
  CHECK(comes_to_say(chain.cloud, "interval", "6"));
  for (NodeProcess* node : {&chain.device, &chain.gateway, &chain.cloud}) CHECK(node->stop() == 0);
  CHECK(same_contents(chain.cloud, chain.device));
}

TEST_CASE("settings written on both sides of a broken link merge, and the later of write and delete wins",
          "[scenario][maps]") {
  const TempDir dir;
  Chain chain(dir.path());
  for (const char* key : {"kept", "removed", "both"}) REQUIRE(put(chain.cloud, key, "old"));
  for (const char* key : {"kept", "removed", "both"}) REQUIRE(comes_to_say(chain.device, key, "old"));
  REQUIRE(chain.gateway.stop() == 0);

  REQUIRE(put(chain.device, "device-only", "d"));
  REQUIRE(put(chain.cloud, "cloud-only", "c"));
  REQUIRE(put(chain.device, "both", "first"));
  REQUIRE(put(chain.cloud, "both", "second"));
  REQUIRE(put(chain.cloud, "removed", "too early"));
  REQUIRE(chain.device.ask("DELETE", "/v0/maps/settings/removed").status == 200);
  REQUIRE(chain.cloud.ask("DELETE", "/v0/maps/settings/kept").status == 200);
  REQUIRE(put(chain.device, "kept", "written later"));

  chain.gateway.start();
  for (const NodeProcess* node : {&chain.cloud, &chain.gateway, &chain.device}) {
    INFO(node->store());
    CHECK(comes_to_say(*node, "device-only", "d"));
    CHECK(comes_to_say(*node, "cloud-only", "c"));
    CHECK(comes_to_say(*node, "both", "second"));
    CHECK(comes_to_say(*node, "removed", ""));
    CHECK(comes_to_say(*node, "kept", "written later"));
  }
  for (NodeProcess* node : {&chain.device, &chain.gateway, &chain.cloud}) CHECK(node->stop() == 0);
  CHECK(same_contents(chain.cloud, chain.device));
  CHECK(same_contents(chain.cloud, chain.gateway));
}

}  // namespace
}  // namespace deltamesh::testing
