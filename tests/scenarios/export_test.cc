// tests/scenarios/export_test.cc - a running node is exported, and a node starts on what was made of that.
#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>
#include <filesystem>

#include "tests/scenarios/node_process.h"
#include "tests/support/wait.h"

namespace deltamesh::testing {
namespace {

namespace fs = std::filesystem;
using Catch::Contains;

constexpr int kEvents = 60, kKeys = 20;

void write(const NodeProcess& node, int phase) {
  for (int i = 0; i < kEvents; ++i)
    REQUIRE(node.append(phase * 1'000 + i, "room/temperature-" + std::to_string(i % 7), phase + 0.1 * i) ==
            200);
  for (int i = 0; i < kKeys; ++i) {
    const std::string key = "/v0/maps/settings/key-" + std::to_string(phase) + "-" + std::to_string(i);
    REQUIRE(node.ask("PUT", key, "written in " + std::to_string(phase)).status == 200);
  }
}

std::string incarnation(const NodeProcess& node) {
  return node.health().at("incarnation").as_string().c_str();
}

bool equal(const NodeProcess& a, const NodeProcess& b) {
  return run({program("crdt-dump"), "diff", a.store(), b.store()}).status == 0;
}

}  // namespace

TEST_CASE(
    "a node on the import of a store that still runs is another life, and the two come to hold the same",
    "[scenario][export]") {
  const TempDir dir;
  const std::string text = (dir.path() / "node.jsonl").string();
  NodeProcess node(dir.path(), "node");
  NodeProcess copy(dir.path(), "copy", {{node.tcp()}, "10s", {}, {}});
  node.start();
  write(node, 1);
  REQUIRE(node.ask("DELETE", "/v0/maps/settings/key-1-3").status / 100 == 2);
  const Output saved = run({program("crdt-dump"), "export", node.store(), "--out", text});
  INFO(saved.text);
  REQUIRE(saved.status == 0);
  write(node, 2);  // After the export, so that the numbers of the two lives could meet.

  const Output made = run({program("crdt-dump"), "import", text, copy.store()});
  INFO(made.text);
  REQUIRE(made.status == 0);
  CHECK_THAT(made.text, Contains("map entries, sound"));
  CHECK(run({program("crdt-dump"), "export", copy.store()}).text == read_text(text));
  copy.configure({});  // Alone at first.
  copy.start();
  CHECK(copy.node_id() == node.node_id());
  CHECK(incarnation(copy) != incarnation(node));
  write(copy, 3);
  REQUIRE(copy.stop() == 0);
  copy.configure({{node.tcp()}, "10s", {}, {}});
  copy.start();
  write(node, 4);
  CHECK(wait_until([&] { return equal(node, copy); }));
  CHECK(node.status() == "ok");
  CHECK(copy.status() == "ok");
  CHECK(node.stop() == 0);
  CHECK(copy.stop() == 0);
  CHECK(same_contents(node, copy));
  // 4 phases of 60 events, 1 of each of whose key a phase and one removed.
  CHECK_THAT(run({program("crdt-dump"), "diff", node.store(), copy.store()}).text,
             Contains("240 samples, 79 keys"));
}

TEST_CASE("a store that was lost comes back from its export, and from its peer what was written since",
          "[scenario][export]") {
  const TempDir dir;
  const std::string text = (dir.path() / "gateway.jsonl").string();
  NodeProcess cloud(dir.path(), "cloud");
  NodeProcess gateway(dir.path(), "gateway", {{cloud.tcp()}, "10s", {}, {}});
  cloud.start();
  gateway.start();
  write(gateway, 1);
  REQUIRE(run({program("crdt-dump"), "export", gateway.store(), "--out", text}).status == 0);
  write(gateway, 2);
  REQUIRE(wait_until([&] { return equal(gateway, cloud); }));
  const std::string before = incarnation(gateway), node = gateway.node_id();
  // Not over a store, and not beside a node that runs on it.
  CHECK(run({program("crdt-dump"), "import", text, gateway.store()}).status == 2);
  REQUIRE(gateway.stop() == 0);
  for (const char* side : {"", ".fence"}) fs::remove(gateway.store() + side);

  REQUIRE(run({program("crdt-dump"), "import", text, gateway.store()}).status == 0);
  gateway.start();
  CHECK(gateway.node_id() == node);
  CHECK(incarnation(gateway) != before);
  write(gateway, 3);
  CHECK(wait_until([&] { return equal(gateway, cloud); }));
  CHECK(gateway.stop() == 0);
  CHECK(cloud.stop() == 0);
  CHECK(same_contents(gateway, cloud));
}

}  // namespace deltamesh::testing
