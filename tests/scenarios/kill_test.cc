// tests/scenarios/kill_test.cc - a node that is killed while it is written to keeps all that it promised.
#include <atomic>
#include <catch2/catch.hpp>
#include <set>
#include <thread>

#include "tests/scenarios/node_process.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait.h"

namespace deltamesh::testing {
namespace {

namespace json = boost::json;

constexpr int kWriters = 4;
constexpr int kCrashes = 3;
constexpr std::size_t kBetweenCrashes = 100;

// Writers of one reading after another, each to a series of its own, until the node no longer answers.
class Writers {
 public:
  Writers(const NodeProcess& node, std::int64_t first_time) {
    for (int i = 0; i < kWriters; ++i)
      threads_.emplace_back([this, &node, i, first_time] { write(node, i, first_time); });
  }
  ~Writers() { join(); }
  Writers(const Writers&) = delete;
  Writers& operator=(const Writers&) = delete;

  [[nodiscard]] std::size_t durable() const { return durable_; }
  void join() {
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }
  // After join(): the times that were answered as durable, by writer.
  [[nodiscard]] const std::set<std::int64_t>& times(int writer) const { return times_[writer]; }

 private:
  void write(const NodeProcess& node, int writer, std::int64_t time) {
    while (node.append(time, "w" + std::to_string(writer), static_cast<double>(time)) == 200) {
      times_[writer].insert(time++);
      ++durable_;
    }
  }

  std::set<std::int64_t> times_[kWriters];
  std::atomic<std::size_t> durable_{0};
  std::vector<std::thread> threads_;
};

std::set<std::int64_t> stored_times(const NodeProcess& node, int writer) {
  const json::value answer =
      dump({"samples", node.store(), "--dataset", "env", "--series", "w" + std::to_string(writer)});
  REQUIRE(answer.is_object());
  std::set<std::int64_t> times;
  for (const json::value& sample : answer.at("samples").as_array())
    times.insert(sample.at("time").to_number<std::int64_t>());
  return times;
}

// One interval from 1 in each incarnation: no number was left out or given twice.
bool holds_all_lives(const NodeProcess& node, std::uint64_t events) {
  for (std::size_t lives = 1; lives <= kCrashes + 1; ++lives) {
    if (holds_all(node, lives, events)) return true;
  }
  return false;
}

TEST_CASE("every append that was answered as durable is there after SIGKILL, and numbering goes on",
          "[scenario][kill]") {
  const TempDir dir;
  NodeProcess node(dir.path(), "gateway");
  node.start();
  for (int crash = 0; crash < kCrashes; ++crash) {
    Writers writers(node, crash * 1'000'000);
    REQUIRE(wait_until([&] { return writers.durable() >= kBetweenCrashes; }));
    node.kill();
    writers.join();
    node.start();
    for (int writer = 0; writer < kWriters; ++writer) {
      const auto stored = stored_times(node, writer);
      CHECK(!writers.times(writer).empty());
      for (const std::int64_t time : writers.times(writer)) CHECK(stored.count(time) == 1);
    }
    const std::uint64_t events = counted(node, "events");
    CHECK(holds_all_lives(node, events));
    CHECK(node.append(crash, "after", 1) == 200);
    CHECK(holds_all_lives(node, events + 1));
  }
  CHECK(node.stop() == 0);
}

}  // namespace
}  // namespace deltamesh::testing
