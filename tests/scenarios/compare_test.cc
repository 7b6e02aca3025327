// tests/scenarios/compare_test.cc - running nodes are asked whether they hold the same, and say so in words.
#include <catch2/catch.hpp>

#include "tests/scenarios/node_process.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait.h"

namespace deltamesh::testing {
namespace {

using Catch::Contains;

std::string address(const NodeProcess& node) {
  return "http://127.0.0.1:" + std::to_string(node.api_port());
}

Output live_diff(const NodeProcess& node, std::vector<std::string> more = {}) {
  std::vector<std::string> arguments{program("crdt-dump"), "diff", address(node)};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return run(arguments);
}

TEST_CASE("two linked nodes are asked whether they hold the same, and prove it", "[scenario][compare]") {
  const TempDir dir;
  NodeProcess cloud(dir.path(), "cloud");
  NodeProcess gateway(dir.path(), "gateway", {{cloud.ws()}, "10s", {}, {}});
  cloud.start();
  gateway.start();
  for (int i = 0; i < 50; ++i) REQUIRE(gateway.append(1'000 + i, "room/temperature", i) == 200);
  for (int i = 0; i < 20; ++i) REQUIRE(cloud.append(1'000 + i, "hall/temperature", i) == 200);
  REQUIRE(wait_until(
      [&] { return gateway.counter("events_received") == 20 && cloud.counter("events_received") == 50; }));

  REQUIRE(cloud.ask("PUT", "/v0/maps/settings/interval", "5").status == 200);
  REQUIRE(gateway.ask("PUT", "/v0/maps/settings/valve", "open").status == 200);
  REQUIRE(wait_until([&] {
    return gateway.ask("GET", "/v0/maps/settings/interval").status == 200 &&
           cloud.ask("GET", "/v0/maps/settings/valve").status == 200;
  }));

  const Output equal = live_diff(gateway);
  CHECK(equal.status == 0);
  CHECK_THAT(equal.text, Contains("equal and complete to 50") && Contains("equal and complete to 20"));
  CHECK_THAT(equal.text, Catch::Matches("(.|\n)*\n *settings +equal\n(.|\n)*"));
  CHECK_THAT(equal.text, Catch::EndsWith("equal: 70 dots, 2 keys\n"));
  CHECK(live_diff(cloud, {"--with", gateway.node_id().substr(0, 6)}).status == 0);
  CHECK_THAT(live_diff(cloud, {"--json"}).text, Contains(R"("verdict":"equal")"));
  CHECK(cloud.counter("range_questions_answered") == 3);

  CHECK(live_diff(gateway, {"--with", gateway.node_id()}).status == 2);
  CHECK(live_diff(gateway, {"another.store"}).status == 2);
  REQUIRE(cloud.stop() == 0);
  REQUIRE(wait_until([&] { return gateway.live_sessions() == 0; }));
  CHECK(live_diff(gateway).status == 2);
  CHECK(gateway.stop() == 0);
  CHECK(live_diff(gateway).status == 2);
  CHECK(same_contents(cloud, gateway));
}

}  // namespace
}  // namespace deltamesh::testing
