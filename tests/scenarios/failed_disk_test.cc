// tests/scenarios/failed_disk_test.cc - writes fail for a while: nothing is acknowledged that is not there,
// and the node heals by itself.
#include <sys/resource.h>

#include <catch2/catch.hpp>

#include "tests/scenarios/node_process.h"
#include "tests/support/mosquitto.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait.h"

namespace deltamesh::testing {
namespace {

// Files may not grow beyond this: a write fails with an error that is no lack of space.
void limit_files(pid_t process, rlim_t bytes) {
  const rlimit limit{bytes, RLIM_INFINITY};
  REQUIRE(::prlimit(process, RLIMIT_FSIZE, &limit, nullptr) == 0);
}

TEST_CASE("a node whose disk fails opens its store again by itself and keeps all that it acknowledged",
          "[scenario][disk]") {
  const TempDir dir;
  NodeProcess node(dir.path(), "node"), peer(dir.path(), "peer", {{node.tcp()}, "1s", {}, {}});
  node.start();
  peer.start();
  std::uint64_t acknowledged = 0;
  std::int64_t time = 0;
  const auto append = [&] {
    const bool good = node.append(++time, "s", 1.0) == 200;
    acknowledged += good;
    return good;
  };
  for (int i = 0; i < 100; ++i) REQUIRE(append());

  limit_files(node.pid(), 1);
  CHECK_FALSE(append());
  // It has stopped and cannot start; its log cannot say so either.
  REQUIRE(wait_until([&] { return node.ask("GET", "/healthz").status == 0; }));
  limit_files(node.pid(), RLIM_INFINITY);

  REQUIRE(wait_until(append, std::chrono::minutes(2)));
  for (int i = 0; i < 100; ++i) REQUIRE(append());
  CHECK(node.log().find("a new incarnation starts") != std::string::npos);
  const auto equal = [&] { return counted(peer, "events") == acknowledged; };
  CHECK(wait_until(equal));
  CHECK(peer.stop() == 0);
  CHECK(node.stop() == 0);
  CHECK(counted(node, "events") == acknowledged);
  CHECK(same_contents(node, peer));
}

std::string mqtt_settings(const Mosquitto& broker, bool strict) {
  return "[[mqtt]]\nbroker = \"" + broker.uri() +
         "\"\nclient_id = \"node\"\nstrict = " + (strict ? "true" : "false") +
         "\n[[mqtt.rule]]\ntopic = \"tele/{device}/SENSOR\"\nqos = 1\ndataset = \"env\"\n";
}

TEST_CASE("what a broker delivers while the disk fails is stored once it does not", "[scenario][disk]") {
  const bool strict = GENERATE(false, true);
  CAPTURE(strict);
  constexpr std::uint64_t kEach = 100;
  const TempDir dir;
  const Mosquitto broker;
  NodeOptions options{{}, "10s", mqtt_settings(broker, strict), {}};
  options.node_more = "clock = \"trusted\"\n";  // Else a record of what time it is counts as an event.
  NodeProcess node(dir.path(), "node", options);
  node.start();
  REQUIRE(wait_until([&] { return node.health().at("mqtt").at("brokers").at(0).at("connected").as_bool(); }));
  const std::vector<std::string> messages(kEach, R"({"t":1.5})");
  broker.publish_lines("tele/d/SENSOR", messages);
  REQUIRE(wait_until([&] { return node.counter("events_written") == kEach; }));

  limit_files(node.pid(), 1);
  broker.publish_lines("tele/d/SENSOR", messages);
  REQUIRE(wait_until([&] { return node.ask("GET", "/healthz").status == 0; }));
  limit_files(node.pid(), RLIM_INFINITY);
  REQUIRE(wait_until([&] { return counted(node, "events") == 2 * kEach; }, std::chrono::minutes(2)));

  broker.publish_lines("tele/d/SENSOR", messages);
  CHECK(wait_until([&] { return counted(node, "events") == 3 * kEach; }));
  CHECK(node.stop() == 0);
}

}  // namespace
}  // namespace deltamesh::testing
