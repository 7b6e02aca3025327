// tests/scenarios/small_flash_test.cc - a gateway writes more than its flash holds while the cloud is away.
#include <boost/json/array.hpp>
#include <catch2/catch.hpp>

#include "tests/scenarios/node_process.h"
#include "tests/support/bytes_on_disk.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait.h"

namespace deltamesh::testing {
namespace {

constexpr std::uint64_t kSizeMax = 16u << 20;
constexpr std::uint64_t kEvents = 100;  // A request, of about a kilobyte each.

// How many numbers of telemetry a store has in that list of what it knows.
std::uint64_t numbers(const NodeProcess& node, const char* list) {
  const auto knowledge = dump({"knowledge", node.store()});
  std::uint64_t count = 0;
  for (const auto& stream : knowledge.at("knowledge").as_array()) {
    if (stream.at("dataset") != "env") continue;
    for (const auto& run : stream.at(list).as_array())
      count += run.at(1).to_number<std::uint64_t>() - run.at(0).to_number<std::uint64_t>() + 1;
  }
  return count;
}

NodeOptions small(const std::string& cloud_id, std::vector<std::string> peers) {
  NodeOptions options{std::move(peers), "10s", {}, {}};
  options.node_more = "max_size = \"16MiB\"\n";
  options.env_more = "keep_until = \"cloud\"\n";
  options.more = "[[tier]]\nname = \"cloud\"\nnodes = [\"" + cloud_id + "\"]\n";
  return options;
}

TEST_CASE("a gateway with a small flash stays within it, and the cloud learns what was lost",
          "[scenario][flash]") {
  const TempDir dir;
  NodeProcess cloud(dir.path(), "cloud");
  cloud.start();
  const std::string id = cloud.node_id();
  NodeProcess gateway(dir.path(), "gateway", small(id, {cloud.ws()}));
  gateway.start();
  std::uint64_t rounds = 0, largest = 0;
  for (; rounds < 20; ++rounds) REQUIRE(append_texts(gateway, rounds, kEvents));
  REQUIRE(wait_until([&] { return gateway.live_sessions() == 1 && gateway.events_unacknowledged() == 0; }));
  REQUIRE(wait_until([&] { return holds_all(cloud, 1, rounds * kEvents); }));

  cloud.kill();
  for (; rounds < 600; ++rounds) {
    REQUIRE(append_texts(gateway, rounds, kEvents));
    largest = std::max(largest, bytes_on_disk(gateway.store()));
  }
  CHECK(largest <= kSizeMax);
  CHECK(largest > kSizeMax / 2);
  const std::uint64_t given_up = gateway.counter("events_given_up"), lost = gateway.counter("events_lost");
  // What the cloud had acknowledged went without a loss, the rest is declared.
  CHECK(lost > 10'000);
  CHECK(given_up == lost + 20 * kEvents);
  CHECK(gateway.counter("events_unacknowledged") == lost);

  cloud.start();
  REQUIRE(wait_until([&] {
    return cloud.live_sessions() == 1 && gateway.events_unacknowledged() == 0 &&
           cloud.counter("events_received") + lost == (rounds - 20) * kEvents;
  }));
  CHECK(gateway.stop() == 0);
  CHECK(cloud.stop() == 0);
  CHECK(counted(cloud, "events") == rounds * kEvents - lost);
  CHECK(numbers(cloud, "lost") == lost);
  CHECK(numbers(cloud, "held") + lost == rounds * kEvents);
  CHECK(numbers(gateway, "dropped") == given_up);
  const auto check = run({program("crdt-dump"), "check", gateway.store()});
  CHECK(check.status == 0);
}

}  // namespace
}  // namespace deltamesh::testing
