// benchmarks/growth/stored_node.h - a node on a store on disk, driven by one thread, without sockets.
//
// The caller moves the clock and carries the frames; the store's thread commits. What goes wrong is thrown.
#pragma once

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "engine/node.h"
#include "engine/sqlite/sqlite_store.h"

namespace deltamesh::bench {

class StoredNode {
 public:
  StoredNode(const std::filesystem::path& store, NodeConfig config);
  ~StoredNode();
  StoredNode(const StoredNode&) = delete;
  StoredNode& operator=(const StoredNode&) = delete;

  // Waits while too much is not durable yet.
  void write(std::span<const NamedEvent> events);
  void opened(PeerId peer);
  void received(PeerId peer, ByteView frame);
  // Moves the clock, and does what is due then. Waits while many commits are under way.
  void advance(std::chrono::microseconds time);
  // Until all that was written and received is durable.
  void finish();

  [[nodiscard]] std::vector<Send> take_sent() { return std::exchange(sent_, {}); }
  [[nodiscard]] Instant now() const { return now_; }
  [[nodiscard]] const Node& node() const { return *node_; }
  [[nodiscard]] const StoreReader& reader() const { return *reader_; }

 private:
  struct Answer {
    BatchId batch{};
    Status status = Done{};
  };
  // Written by the store's thread.
  struct Inbox {
    std::mutex mutex;
    std::condition_variable arrived;
    std::deque<Answer> answers;
  };

  void carry_out();
  void hear(bool patiently);

  std::shared_ptr<Inbox> inbox_ = std::make_shared<Inbox>();
  std::unique_ptr<SqliteStore> store_;
  std::unique_ptr<StoreReader> reader_;
  std::unique_ptr<Node> node_;
  Instant now_{std::chrono::seconds(100), std::chrono::seconds(1'780'000'000)};
  std::optional<std::chrono::microseconds> wakes_at_;
  std::vector<Send> sent_;
  std::size_t in_flight_ = 0;
};

}  // namespace deltamesh::bench
