// tests/scenarios/writers.h - threads that write to a node until it no longer answers, and know what was
// acknowledged.
#pragma once

#include <atomic>
#include <boost/json/value.hpp>
#include <catch2/catch.hpp>
#include <cstdint>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/scenarios/node_process.h"

namespace deltamesh::testing {

inline constexpr int kWriters = 4;

// Writers of one reading after another, each to a series of its own, until the node no longer answers.
class Writers {
 public:
  Writers(const NodeProcess& node, std::int64_t first_time) {
    for (int i = 0; i < kWriters; ++i)
      threads_.emplace_back([this, &node, i, first_time] { write(node, i, first_time); });
  }
  ~Writers() {
    stop_ = true;  // A test that has failed does not wait for the node to end.
    join();
  }
  Writers(const Writers&) = delete;
  Writers& operator=(const Writers&) = delete;

  // So many were answered as durable, and one of each writer at least.
  [[nodiscard]] bool have_durable(std::size_t count) const {
    std::size_t all = 0;
    bool each = true;
    for (const auto& durable : durable_) {
      all += durable;
      each = each && durable > 0;
    }
    return each && all >= count;
  }
  void join() {
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }
  // After join(): the times that were answered as durable, by writer.
  [[nodiscard]] const std::set<std::int64_t>& times(int writer) const { return times_[writer]; }

 private:
  void write(const NodeProcess& node, int writer, std::int64_t time) {
    while (!stop_ && node.append(time, "w" + std::to_string(writer), static_cast<double>(time)) == 200) {
      times_[writer].insert(time++);
      ++durable_[writer];
    }
  }

  std::set<std::int64_t> times_[kWriters];
  std::atomic<std::size_t> durable_[kWriters] = {};
  std::atomic<bool> stop_ = false;
  std::vector<std::thread> threads_;
};

inline std::set<std::int64_t> stored_times(const NodeProcess& node, int writer) {
  const boost::json::value answer =
      dump({"samples", node.store(), "--dataset", "env", "--series", "w" + std::to_string(writer)});
  REQUIRE(answer.is_object());
  std::set<std::int64_t> times;
  for (const boost::json::value& sample : answer.at("samples").as_array())
    times.insert(sample.at("time").to_number<std::int64_t>());
  return times;
}

// Every reading that was answered as durable is in the node's store.
inline void check_all_there(const NodeProcess& node, const Writers& writers) {
  for (int writer = 0; writer < kWriters; ++writer) {
    const auto stored = stored_times(node, writer);
    CHECK(!writers.times(writer).empty());
    for (const std::int64_t time : writers.times(writer)) CHECK(stored.count(time) == 1);
  }
}

}  // namespace deltamesh::testing
