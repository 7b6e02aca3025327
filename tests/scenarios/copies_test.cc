// tests/scenarios/copies_test.cc - restored, cloned and deleted stores of real nodes: what was written stays.
#include <algorithm>
#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>
#include <fstream>
#include <map>
#include <set>

#include "engine/sqlite/witness.h"
#include "tests/scenarios/node_process.h"
#include "tests/support/wait.h"

namespace deltamesh::testing {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

constexpr int kEvents = 20;

void write(const NodeProcess& node, int phase) {
  for (int i = 0; i < kEvents; ++i) REQUIRE(node.append(phase * 1'000 + i, "room/temperature", phase) == 200);
  const std::string key = "/v0/maps/settings/phase-" + std::to_string(phase);
  REQUIRE(node.ask("PUT", key, "written in " + std::to_string(phase)).status == 200);
}

// How many samples of each phase the node shows.
std::map<int, int> shown(const NodeProcess& node) {
  std::map<int, int> phases;
  const auto answer = node.ask("GET", "/v0/telemetry/env/samples?series=room/temperature&from=0&to=100000");
  if (answer.status != 200) return phases;
  const json::value body = json::parse(answer.body);
  for (const json::value& sample : body.at("samples").as_array())
    ++phases[static_cast<int>(sample.at(0).to_number<std::int64_t>() / 1'000)];
  return phases;
}

bool has_setting(const NodeProcess& node, int phase) {
  return node.ask("GET", "/v0/maps/settings/phase-" + std::to_string(phase)).status == 200;
}

// Whether it comes to show all that was written in these phases, and nothing twice.
bool comes_to_hold(const NodeProcess& node, const std::set<int>& phases) {
  return wait_until([&] {
    const auto there = shown(node);
    return there.size() == phases.size() && std::all_of(phases.begin(), phases.end(), [&](int phase) {
             const auto at = there.find(phase);
             return at != there.end() && at->second == kEvents && has_setting(node, phase);
           });
  });
}

std::string incarnation(const NodeProcess& node) {
  return node.health().at("incarnation").as_string().c_str();
}

// The files that make a store, put by and put back.
class Backup {
 public:
  explicit Backup(const NodeProcess& node) {
    for (const char* end : {"", ".fence"}) files_[end] = read_text(node.store() + end);
  }
  void restore(const NodeProcess& to, bool with_fence) const {
    for (const char* side : {"-wal", "-shm"}) fs::remove(to.store() + side);
    for (const auto& [end, bytes] : files_) {
      if (end.empty() || with_fence) std::ofstream(to.store() + end, std::ios::binary) << bytes;
    }
  }

 private:
  std::map<std::string, std::string> files_;
};

// A node whose cloud holds all that it wrote in phase 1.
struct Linked {
  Linked() {
    cloud.start();
    node.start();
    write(node, 1);
    REQUIRE(comes_to_hold(cloud, {1}));
  }
  TempDir dir;
  NodeProcess cloud{dir.path(), "cloud"};
  NodeProcess node{dir.path(), "node", {{cloud.tcp()}, "10s", {}, {}}};
};

void check_same(const std::vector<NodeProcess*>& nodes) {
  for (NodeProcess* node : nodes) CHECK(node->stop() == 0);
  for (const NodeProcess* node : nodes) CHECK(same_contents(*nodes[0], *node));
}

}  // namespace

TEST_CASE(
    "a node restored from a backup, written to offline, that meets first the peer that knows less, loses "
    "nothing of either life",
    "[scenario][copies]") {
  const TempDir dir;
  NodeProcess cloud(dir.path(), "cloud"), near(dir.path(), "near");
  NodeProcess node(dir.path(), "node", {{cloud.tcp(), near.tcp()}, "10s", {}, {}});
  for (NodeProcess* each : {&cloud, &near, &node}) each->start();
  write(node, 1);
  REQUIRE(comes_to_hold(near, {1}));
  REQUIRE(node.stop() == 0);
  const Backup backup(node);
  node.start();
  write(node, 2);
  REQUIRE(comes_to_hold(near, {1, 2}));
  REQUIRE(near.stop() == 0);
  write(node, 3);
  REQUIRE(comes_to_hold(cloud, {1, 2, 3}));
  const std::string first_life = incarnation(node);
  REQUIRE(node.stop() == 0);
  REQUIRE(cloud.stop() == 0);

  backup.restore(node, GENERATE(false, true));
  if (GENERATE(false, true)) node.forget_memory();  // The card was in another machine, or this one was off.
  node.configure({});
  node.start();
  CHECK(incarnation(node) != first_life);
  CHECK(node.log().find("a new incarnation starts") != std::string::npos);
  write(node, 4);
  near.start();
  REQUIRE(node.stop() == 0);
  node.configure({{near.tcp()}, "10s", {}, {}});
  node.start();
  REQUIRE(comes_to_hold(near, {1, 2, 4}));
  cloud.start();
  REQUIRE(node.stop() == 0);
  node.configure({{near.tcp(), cloud.tcp()}, "10s", {}, {}});
  node.start();
  for (NodeProcess* each : {&cloud, &near, &node}) CHECK(comes_to_hold(*each, {1, 2, 3, 4}));
  check_same({&node, &near, &cloud});
}

TEST_CASE("a backup made while the node writes can be put back, and nothing of either life is lost",
          "[scenario][copies]") {
  Linked linked;
  const std::string backup = (linked.dir.path() / "backup.db").string();
  const Output made = run({program("crdt-dump"), "backup", linked.node.store(), backup});
  INFO(made.text);
  REQUIRE(made.status == 0);
  write(linked.node, 2);
  REQUIRE(comes_to_hold(linked.cloud, {1, 2}));
  REQUIRE(linked.node.stop() == 0);
  for (const char* side : {"", "-wal", "-shm"}) fs::remove(linked.node.store() + side);
  fs::rename(backup, linked.node.store());
  linked.node.start();
  write(linked.node, 3);
  CHECK(comes_to_hold(linked.cloud, {1, 2, 3}));
  CHECK(comes_to_hold(linked.node, {1, 2, 3}));
  check_same({&linked.node, &linked.cloud});
}

TEST_CASE("two clones that run at once are two nodes of one name, and nothing of either is lost",
          "[scenario][copies]") {
  Linked linked;
  NodeProcess &cloud = linked.cloud, &node = linked.node;
  REQUIRE(node.stop() == 0);
  NodeProcess clone(linked.dir.path(), "clone", {{cloud.tcp(), node.tcp()}, "10s", {}, {}});
  Backup(node).restore(clone, true);
  node.start();
  clone.start();
  CHECK(node.node_id() == clone.node_id());
  CHECK(incarnation(node) != incarnation(clone));
  write(node, 2);
  write(clone, 3);
  for (NodeProcess* each : {&cloud, &node, &clone}) CHECK(comes_to_hold(*each, {1, 2, 3}));
  CHECK(wait_until([&] { return node.counter("clones_met") > 0 && clone.counter("clones_met") > 0; }));
  CHECK(node.log().find("runs twice") != std::string::npos);
  check_same({&node, &clone, &cloud});
}

// As a snapshot of a running machine does that is started twice.
TEST_CASE("a copy of a machine with its memory is reported, overwrites nothing, and goes on as another",
          "[scenario][copies]") {
  Linked linked;
  NodeProcess &cloud = linked.cloud, &node = linked.node;
  REQUIRE(node.stop() == 0);
  NodeProcess copy(linked.dir.path(), "copy");
  Backup(node).restore(copy, true);
  fs::copy_file(sqlite::witness_path(node.store(), node.memory().string()),
                sqlite::witness_path(copy.store(), copy.memory().string()));
  node.start();
  copy.start();
  REQUIRE(incarnation(node) == incarnation(copy));
  write(node, 2);
  write(copy, 3);
  REQUIRE(comes_to_hold(cloud, {1, 2}));
  REQUIRE(copy.stop() == 0);
  copy.configure({{cloud.tcp()}, "10s", {}, {}});
  copy.start();
  CHECK(wait_until([&] { return cloud.counter("forks_found") > 0; }));
  CHECK(wait_until([&] { return copy.log().find("two copies of it run") != std::string::npos; }));
  REQUIRE(wait_until([&] { return copy.status() == "ok" && incarnation(copy) != incarnation(node); }));
  write(copy, 4);
  CHECK(comes_to_hold(node, {1, 2, 4}));
  CHECK(comes_to_hold(cloud, {1, 2, 4}));
  for (NodeProcess* each : {&copy, &node, &cloud}) CHECK(each->stop() == 0);
}

TEST_CASE("a node whose database is deleted is itself again, with all that had reached a peer",
          "[scenario][copies]") {
  Linked linked;
  NodeProcess &cloud = linked.cloud, &node = linked.node;
  const std::string name = node.node_id();
  if (GENERATE(false, true)) {
    node.kill();  // Its log stays.
  } else {
    REQUIRE(node.stop() == 0);
  }
  fs::remove(node.store());
  node.start();
  CHECK(node.node_id() == name);
  write(node, 2);
  for (NodeProcess* each : {&cloud, &node}) CHECK(comes_to_hold(*each, {1, 2}));
  check_same({&node, &cloud});
}

}  // namespace deltamesh::testing
