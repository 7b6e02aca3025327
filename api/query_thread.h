// api/query_thread.h - the one thread that reads the store for the API, so that a long question does not hold
// up the network.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

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
  // answer is kFull. A question that nobody waits for any more is dropped. Any thread.
  using Question = std::function<void(const StoreReader&, const Responder& respond)>;
  void ask(Question question, Responder respond);
  // Before all that ask() has queued: for writes, which look something up and must not wait for reports.
  void ask_first(Question question, Responder respond);

 private:
  struct Asked {
    Question question;
    Responder respond;
  };
  using Queue = std::deque<Asked>;

  void enqueue(Queue& queue, Question question, Responder respond);
  void run();

  std::unique_ptr<const StoreReader> reader_;
  std::mutex mutex_;
  std::condition_variable changed_;
  Queue first_, others_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace deltamesh
