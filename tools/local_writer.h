// tools/local_writer.h - the append path without a network: one thread drives a node that has no peers.
//
// For bulk work on a store that nobody else has open. Numbers, blocks and commits are the node's own, so what
// is written here syncs like anything else. The caller keeps its events, so that their memory can be used
// again.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>

#include "engine/node.h"
#include "engine/sqlite/sqlite_store.h"
#include "tools/settings.h"
#include "transport/machine_clock.h"

namespace deltamesh {

class LocalWriter {
 public:
  // `log` is told what an operator should know; from any thread.
  static Result<std::unique_ptr<LocalWriter>> open(const Settings& settings,
                                                   std::function<void(std::string)> log);
  ~LocalWriter();
  LocalWriter(const LocalWriter&) = delete;
  LocalWriter& operator=(const LocalWriter&) = delete;

  // Waits while too much is not durable yet. An error is the node's word on these events, none of which it
  // took; what the disk says comes from finish() and broken().
  Status write(DatasetId dataset, std::span<const NamedEvent> events);
  // Commits what is left and waits until all is durable.
  Status finish();
  // A commit failed: what is written from now on may lack what came before.
  [[nodiscard]] bool broken() const { return !outcome_.ok(); }

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

  LocalWriter() = default;
  Status start(NodeConfig config);
  void carry_out();
  // Takes the store's answers; waits for one first if `patiently`.
  void hear(bool patiently);

  std::shared_ptr<Inbox> inbox_ = std::make_shared<Inbox>();
  std::unique_ptr<SqliteStore> store_;
  std::unique_ptr<StoreReader> reader_;
  std::unique_ptr<Node> node_;
  MachineClock clock_;
  std::size_t in_flight_ = 0;
  Status outcome_ = Done{};  // The first failure of a commit.
};

// How the settings want their store opened.
SqliteOptions store_options(const Settings& settings, std::function<void(std::string)> log);

}  // namespace deltamesh
