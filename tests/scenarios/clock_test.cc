// tests/scenarios/clock_test.cc - a device whose clock nobody vouches for takes readings without a time.
#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>
#include <chrono>

#include "tests/scenarios/node_process.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait.h"

namespace deltamesh::testing {
namespace {

namespace json = boost::json;

NodeOptions device_options(const NodeProcess& cloud, const std::string& clock) {
  NodeOptions options{{cloud.ws()}, "10s", {}, {}};
  options.node_more = "clock = \"" + clock + "\"\n";
  return options;
}

std::int64_t wall_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

bool append_untimed(const NodeProcess& node, int value) {
  const std::string body = R"({"events":[{"readings":{"t":)" + std::to_string(value) + "}}]}";
  return node.ask("POST", "/v0/telemetry/env/events", body).status == 200;
}

json::value answer(const NodeProcess& node, const std::string& question) {
  const auto got = node.ask("GET", "/v0/telemetry/env/" + question + "?series=t");
  return got.status == 200 ? json::parse(got.body) : json::value(json::object{{"samples", json::array{}}});
}

std::size_t count(const NodeProcess& node, const std::string& question) {
  return answer(node, question).at("samples").as_array().size();
}

TEST_CASE("readings without a time, taken while the clock is not trusted, get it on every node",
          "[scenario][clock]") {
  const TempDir dir;
  NodeProcess cloud(dir.path(), "cloud");
  NodeProcess device(dir.path(), "device", device_options(cloud, "untrusted"));
  cloud.start();
  device.start();
  const std::int64_t before = wall_ms();
  REQUIRE(append_untimed(device, 1));
  device.kill();  // The same boot of the machine goes on, in whichever incarnation.
  device.start();
  REQUIRE(append_untimed(device, 2));
  const std::int64_t after = wall_ms();
  REQUIRE(wait_until([&] { return count(cloud, "unplaced") == 2; }));
  CHECK(count(cloud, "samples") == 0);
  CHECK(device.counter("boots_without_offset") > 0);
  CHECK(device.stop() == 0);
  const json::value listed = dump({"samples", device.store(), "--dataset", "env", "--series", "t"});
  REQUIRE(listed.is_object());
  REQUIRE(listed.at("samples").as_array().size() == 2);
  CHECK(listed.at("samples").at(0).at("boot") == 1);
  CHECK(dump({"blocks", device.store()}).at("blocks").as_array().size() == 2);

  device.configure(device_options(cloud, "trusted"));
  device.start();
  REQUIRE(wait_until([&] { return count(cloud, "samples") == 2; }));
  REQUIRE(wait_until([&] { return count(device, "samples") == 2; }));
  CHECK(count(cloud, "unplaced") == 0);
  CHECK(answer(cloud, "samples") == answer(device, "samples"));
  const json::value samples = answer(cloud, "samples").at("samples");
  for (int i = 0; i < 2; ++i) {
    const json::array& sample = samples.at(static_cast<std::size_t>(i)).as_array();
    CHECK(sample.size() == 2);  // The quality is good.
    CHECK(sample[0].to_number<std::int64_t>() >= before - 1);
    CHECK(sample[0].to_number<std::int64_t>() <= after + 1);
    CHECK(sample[1].to_number<int>() == i + 1);
  }
  CHECK(device.counter("boots_without_offset") == 0);
  CHECK(device.stop() == 0);
  CHECK(cloud.stop() == 0);
  CHECK(same_contents(cloud, device));
}

}  // namespace
}  // namespace deltamesh::testing
