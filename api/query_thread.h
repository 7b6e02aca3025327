// api/query_thread.h - the one thread that reads the store for the API, so that a long question does not hold
// up the network.
#pragma once

#include <atomic>
#include <boost/asio/thread_pool.hpp>
#include <cstddef>
#include <functional>
#include <memory>

#include "api/responder.h"
#include "engine/store.h"

namespace deltamesh {

class QueryThread {
 public:
  explicit QueryThread(std::unique_ptr<const StoreReader> reader);
  ~QueryThread();  // Finishes the question under way; forgets those that wait.
  QueryThread(const QueryThread&) = delete;
  QueryThread& operator=(const QueryThread&) = delete;

  // Calls `question` on the thread; it answers through `respond`. With limits::kQueriesQueuedMax waiting the
  // answer is kFull. Any thread.
  using Question = std::function<void(const StoreReader&, const Responder& respond)>;
  void ask(Question question, Responder respond);

 private:
  std::unique_ptr<const StoreReader> reader_;
  std::atomic<std::size_t> queued_{0};
  boost::asio::thread_pool thread_{1};
};

}  // namespace deltamesh
