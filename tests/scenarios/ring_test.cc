// tests/scenarios/ring_test.cc - three nodes in a ring, all of which write: nothing twice, nothing for ever.
#include <algorithm>
#include <catch2/catch.hpp>
#include <iostream>
#include <map>
#include <thread>

#include "tests/scenarios/node_process.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait.h"

namespace deltamesh::testing {
namespace {

namespace json = boost::json;

constexpr std::uint64_t kEach = 300;

// a dials b (TCP), b dials c (WebSocket), c dials a (TCP).
struct Ring {
  explicit Ring(const std::filesystem::path& folder) : a(folder, "a"), b(folder, "b"), c(folder, "c") {
    a.configure({{b.tcp()}, "1s", {}, {}});
    b.configure({{c.ws()}, "1s", {}, {}});
    c.configure({{a.tcp()}, "1s", {}, {}});
    for (NodeProcess* node : all) node->start();
    for (NodeProcess* node : all) REQUIRE(wait_until([node] { return node->live_sessions() == 2; }));
  }

  NodeProcess a, b, c;
  const std::vector<NodeProcess*> all{&a, &b, &c};
};

// One event at a time, so that there is much to pass on. How many were taken.
std::uint64_t write_series(const NodeProcess& node, const std::string& series) {
  std::uint64_t taken = 0;
  for (std::uint64_t i = 0; i < kEach; ++i)
    taken += node.append(static_cast<std::int64_t>(i), series, static_cast<double>(i)) == 200;
  return taken;
}

void write_everywhere(const Ring& ring) {
  std::vector<std::uint64_t> taken(ring.all.size());
  std::vector<std::thread> writers;
  for (std::size_t i = 0; i < ring.all.size(); ++i)
    writers.emplace_back([&, i] { taken[i] = write_series(*ring.all[i], "s" + std::to_string(i)); });
  for (std::thread& writer : writers) writer.join();
  CHECK(taken == std::vector<std::uint64_t>(ring.all.size(), kEach));
}

std::vector<std::uint64_t> counters(const Ring& ring, const std::string& name) {
  std::vector<std::uint64_t> values;
  for (const NodeProcess* node : ring.all) values.push_back(node->counter(name));
  return values;
}

// Until every node was seen to have sent something `times` more times. Once all is quiet that is pings and
// their answers: four in a keepalive, as each end of a node's two sessions pings.
bool sees_frames(const Ring& ring, int times) {
  auto last = counters(ring, "frame_bytes_sent");
  std::vector<int> seen(last.size());
  return wait_until([&] {
    const auto now = counters(ring, "frame_bytes_sent");
    for (std::size_t i = 0; i < now.size(); ++i) seen[i] += now[i] != last[i];
    last = now;
    return *std::min_element(seen.begin(), seen.end()) >= times;
  });
}

// Every dot of every stream is in exactly one block.
void check_blocks(const NodeProcess& node) {
  const json::value blocks = dump({"blocks", node.store()});
  REQUIRE(blocks.is_object());
  std::map<std::string, std::map<std::uint64_t, std::uint64_t>> streams;
  for (const json::value& block : blocks.at("blocks").as_array()) {
    auto& intervals = streams[block.at("node").as_string().c_str()];
    CHECK(intervals
              .emplace(block.at("first").to_number<std::uint64_t>(),
                       block.at("last").to_number<std::uint64_t>())
              .second);
  }
  REQUIRE(streams.size() == 3);
  for (const auto& [stream, intervals] : streams) {
    std::uint64_t expected = 1;
    for (const auto& [first, last] : intervals) {
      CHECK(first == expected);
      expected = last + 1;
    }
    CHECK(expected == kEach + 1);
  }
}

// Each time once, in order.
void check_query(const NodeProcess& node, const std::string& series) {
  const json::value answer = dump({"samples", node.store(), "--dataset", "env", "--series", series});
  REQUIRE(answer.is_object());
  const json::array& samples = answer.at("samples").as_array();
  REQUIRE(samples.size() == kEach);
  for (std::uint64_t i = 0; i < kEach; ++i) CHECK(samples[i].at("time").to_number<std::uint64_t>() == i);
}

TEST_CASE("in a ring where all write, no dot is stored or answered twice and traffic ends",
          "[scenario][ring]") {
  const TempDir dir;
  Ring ring(dir.path());
  write_everywhere(ring);
  for (const NodeProcess* node : ring.all) {
    REQUIRE(
        wait_until([node] { return holds_all(*node, 3, 3 * kEach) && node->events_unacknowledged() == 0; }));
  }

  REQUIRE(sees_frames(ring, 4));
  const auto sent = counters(ring, "payload_bytes_sent");
  REQUIRE(sees_frames(ring, 8));
  CHECK(counters(ring, "payload_bytes_sent") == sent);

  const auto received = counters(ring, "events_received"), redundant = counters(ring, "redundant_events");
  const auto redundant_bytes = counters(ring, "redundant_bytes"),
             bytes = counters(ring, "payload_bytes_received");
  for (std::size_t i = 0; i < ring.all.size(); ++i) {
    CHECK(received[i] == 2 * kEach);
    CHECK(redundant[i] <= received[i]);  // Each event comes at most once more, from the other side.
    CHECK((redundant[i] > 0) == (redundant_bytes[i] > 0));
    std::cout << "node " << i << ": " << received[i] << " events received, " << redundant[i] << " redundant ("
              << redundant_bytes[i] << " of " << bytes[i] << " payload bytes)\n";
  }
  for (NodeProcess* node : ring.all) CHECK(node->stop() == 0);
  for (const NodeProcess* node : ring.all) {
    INFO(node->store());
    check_blocks(*node);
    for (const char* series : {"s0", "s1", "s2"}) check_query(*node, series);
  }
  CHECK(same_contents(ring.a, ring.b));
  CHECK(same_contents(ring.b, ring.c));
}

}  // namespace
}  // namespace deltamesh::testing
