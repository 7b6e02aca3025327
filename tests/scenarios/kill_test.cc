// tests/scenarios/kill_test.cc - a node that is killed while it is written to keeps all that it promised.
#include <catch2/catch.hpp>
#include <chrono>
#include <thread>

#include "tests/crdt/random.h"
#include "tests/scenarios/node_process.h"
#include "tests/scenarios/writers.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait.h"

namespace deltamesh::testing {
namespace {

// One interval from 1 in each incarnation: no number was left out or given twice.
bool holds_all_lives(const NodeProcess& node, std::size_t lives_max, std::uint64_t events) {
  for (std::size_t lives = 1; lives <= lives_max; ++lives) {
    if (holds_all(node, lives, events)) return true;
  }
  return false;
}

// Killed at random moments under load, beside a peer that has heard what it sent: a number that was given
// twice would show as two stores that differ, or as another life.
void survive(std::size_t crashes, std::uint64_t seed) {
  const TempDir dir;
  NodeProcess node(dir.path(), "gateway");
  NodeProcess peer(dir.path(), "peer", {{node.tcp()}, "1s", {}, {}});
  node.start();
  peer.start();
  Random random(seed);
  for (std::size_t crash = 1; crash <= crashes; ++crash) {
    Writers writers(node, static_cast<std::int64_t>(crash) * 1'000'000);
    const std::uint64_t enough = random.between(1, 100);
    REQUIRE(wait_until([&] { return writers.have_durable(enough); }));
    std::this_thread::sleep_for(std::chrono::microseconds(random.below(5'000)));  // Anywhere in a commit.
    node.kill();
    writers.join();
    CAPTURE(crash, enough);
    REQUIRE(run({program("crdt-dump"), "check", node.store()}).status == 0);
    node.start();
    check_all_there(node, writers);
    const std::uint64_t events = counted(node, "events");
    CHECK(holds_all_lives(node, crash + 1, events));
    CHECK(node.append(static_cast<std::int64_t>(crash), "after", 1) == 200);
    CHECK(holds_all_lives(node, crash + 1, events + 1));
  }
  CHECK(wait_until([&] { return holds_all_lives(peer, crashes + 1, counted(node, "events")); }));
  CHECK(node.stop() == 0);
  CHECK(peer.stop() == 0);
  CHECK(same_contents(node, peer));
}

TEST_CASE("every append that was answered as durable is there after SIGKILL, and numbering goes on",
          "[scenario][kill]") {
  survive(4, 20'261'130);
}

TEST_CASE("the same after 200 of them", "[.many][scenario][kill]") {
  survive(200, 1);
}

}  // namespace
}  // namespace deltamesh::testing
