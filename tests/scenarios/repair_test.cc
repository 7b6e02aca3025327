// tests/scenarios/repair_test.cc - a node's store is damaged, found, repaired, and made whole by its peer.
#include <catch2/catch.hpp>
#include <filesystem>
#include <set>

#include "tests/scenarios/node_process.h"
#include "tests/sqlite/pages.h"
#include "tests/support/wait.h"

namespace deltamesh::testing {
namespace {

namespace fs = std::filesystem;
using Catch::Contains;

constexpr int kBlocks = 1'000, kSeries = 120, kKeys = 60;

// A gateway and a cloud that hold the same 1,000 blocks and a map, of both; the gateway is stopped.
class Pair {
 public:
  Pair() {
    cloud.start();
    gateway.start();
    for (int i = 0; i < kBlocks; ++i) {
      const NodeProcess& writer = i % 10 == 0 ? cloud : gateway;
      REQUIRE(writer.append(1'000 + i, "hall/line-" + std::to_string(i % kSeries) + "/temperature", i) ==
              200);
    }
    for (int i = 0; i < 2 * kKeys; ++i) {
      const NodeProcess& writer = i % 3 == 0 ? cloud : gateway;
      const std::string value(i == kKeys + 7 ? 9'000 : 5, static_cast<char>('a' + i % 20));
      REQUIRE(writer.ask("PUT", "/v0/maps/settings/key-" + std::to_string(i % kKeys), value).status == 200);
    }
    REQUIRE(wait_until([this] { return equal(); }));
  }

  [[nodiscard]] bool equal() const {
    return run({program("crdt-dump"), "diff", gateway.store(), cloud.store()}).status == 0;
  }

  // The damage is found and repaired; the cloud brings what was lost, and the gateway writes on.
  void check_repair() {
    const Output found = run({program("crdt-dump"), "check", gateway.store()});
    CHECK((found.status == 1 || found.status == 2));
    const Output repaired = run({program("crdt-dump"), "repair", gateway.store()});
    INFO(found.text << repaired.text);
    REQUIRE((repaired.status == 0 || repaired.status == 1));
    CHECK_THAT(repaired.text, Contains("the damaged store is " + gateway.store() + ".damaged"));
    CHECK(run({program("crdt-dump"), "check", gateway.store()}).status == 0);
    gateway.start();
    ++writes_;
    REQUIRE(gateway.append(5'000 + writes_, "hall/line-1/temperature", writes_) == 200);
    CHECK(wait_until([this] { return equal(); }));
    CHECK(gateway.status() == "ok");
  }

  TempDir dir;
  NodeProcess cloud{dir.path(), "cloud"};
  NodeProcess gateway{dir.path(), "gateway", {{cloud.tcp()}, "10s", {}, {}}};

 private:
  int writes_ = 0;
};

TEST_CASE("a flipped bit on any kind of page is found, repaired from a peer, and the two hold the same",
          "[scenario][repair]") {
  Pair pair;
  REQUIRE(pair.gateway.stop() == 0);
  pack(pair.gateway.store());
  const std::string sound = slurp(pair.gateway.store());
  Random random(20'261'130);
  std::set<int> tried;
  for (const FlippedBit& flip : flips_of_each_kind(sound, random, 2, 1)) {
    CAPTURE(flip.page, flip.kind, flip.at % kPage, flip.bit);
    spill(pair.gateway.store(), flipped(sound, flip));
    pair.check_repair();
    REQUIRE(pair.gateway.stop() == 0);
    fs::remove(pair.gateway.store() + ".damaged");
    tried.insert(flip.kind);
  }
  CHECK(tried.size() == kPageKinds.size());
}

TEST_CASE("a node that was killed, with its log, and has lost all names and a page of its map is made whole",
          "[scenario][repair]") {
  Pair pair;
  pair.gateway.kill();
  run_raw(pair.gateway.store(),
          "UPDATE series SET unit = 'K'; UPDATE map_entries SET value = x'39' WHERE id < 40", true);
  REQUIRE(fs::file_size(pair.gateway.store() + "-wal") > 0);
  pair.check_repair();
  CHECK(pair.gateway.stop() == 0);
  CHECK(pair.cloud.stop() == 0);
  CHECK(same_contents(pair.gateway, pair.cloud));
}

TEST_CASE("a node that runs takes damaged blocks anew from its peer, of its own stream and of the peer's",
          "[scenario][repair]") {
  Pair pair;
  REQUIRE(pair.gateway.stop() == 0);
  NodeOptions options{{pair.cloud.tcp()}, "10s", {}, {}};
  options.sync_more = "scrub = \"1s\"\n";
  pair.gateway.configure(options);
  run_raw(pair.gateway.store(),
          "UPDATE blocks SET bytes = zeroblob(length(bytes)) WHERE id % 100 IN (1, 57)");
  CHECK(run({program("crdt-dump"), "check", pair.gateway.store()}).status == 1);
  pair.gateway.start();
  CHECK(wait_until([&] { return pair.gateway.counter("events_taken_anew") == 20 && pair.equal(); },
                   std::chrono::minutes(2)));
  CHECK(pair.gateway.stop() == 0);
  CHECK(run({program("crdt-dump"), "check", pair.gateway.store()}).status == 0);
  CHECK(pair.cloud.stop() == 0);
  CHECK(same_contents(pair.gateway, pair.cloud));
}

TEST_CASE("a store on which a node runs is not repaired, and a sound one stays as it is",
          "[scenario][repair]") {
  const TempDir dir;
  NodeProcess node(dir.path(), "node");
  node.start();
  const Output refused = run({program("crdt-dump"), "repair", node.store()});
  CHECK(refused.status == 2);
  CHECK_THAT(refused.text, Contains("another process has this store open"));
  REQUIRE(node.stop() == 0);
  const Output sound = run({program("crdt-dump"), "repair", node.store()});
  CHECK(sound.status == 0);
  CHECK_THAT(sound.text, Contains("is sound; nothing was done"));
  CHECK_FALSE(fs::exists(node.store() + ".damaged"));
}

}  // namespace
}  // namespace deltamesh::testing
