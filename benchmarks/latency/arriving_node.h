// benchmarks/latency/arriving_node.h - a node in this process that dials one peer and notes when events
// arrive.
//
// Driver, store and link are those of sync-node; what comes is noted by the driver's callback, which is
// called once it is durable here.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "engine/sqlite/sqlite_store.h"
#include "transport/dialer.h"
#include "transport/driver.h"

namespace deltamesh::bench {

class ArrivingNode {
 public:
  using WallTime = std::chrono::system_clock::time_point;

  // `peer` as parse_peer() reads it. Throws if the store cannot be opened.
  ArrivingNode(const std::filesystem::path& store, NodeConfig config, const std::string& peer);
  ~ArrivingNode();
  ArrivingNode(const ArrivingNode&) = delete;
  ArrivingNode& operator=(const ArrivingNode&) = delete;

  // When the first events of the one stream that comes had arrived; event n stands at n - 1, as far as all
  // before it are there. From any thread.
  [[nodiscard]] std::vector<WallTime> arrivals() const;

 private:
  void note(const Arrival& arrival);

  boost::asio::io_context io_{1};
  std::unique_ptr<SqliteStore> store_;
  std::unique_ptr<StoreReader> reader_;
  std::unique_ptr<Driver> driver_;
  std::shared_ptr<Dialer> dialer_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> busy_{io_.get_executor()};

  mutable std::mutex mutex_;  // Of the next.
  std::vector<WallTime> arrivals_;

  std::thread thread_;  // Runs io_.
};

}  // namespace deltamesh::bench
