// api/query_thread.cc - two bounded queues before one thread.
#include "api/query_thread.h"

#include <utility>

#include "api/limits.h"

namespace deltamesh {

QueryThread::QueryThread(std::unique_ptr<const StoreReader> reader)
    : reader_(std::move(reader)), thread_([this] { run(); }) {}

QueryThread::~QueryThread() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void QueryThread::ask(Question question, Responder respond) {
  enqueue(others_, std::move(question), std::move(respond));
}

void QueryThread::ask_first(Question question, Responder respond) {
  enqueue(first_, std::move(question), std::move(respond));
}

void QueryThread::enqueue(Queue& queue, Question question, Responder respond) {
  {
    const std::lock_guard lock(mutex_);
    if (queue.size() < limits::kQueriesQueuedMax) {
      queue.push_back({std::move(question), std::move(respond)});
      return changed_.notify_one();
    }
  }
  respond(Error{ErrorCode::kFull, "too many questions wait for the store"});
}

void QueryThread::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !first_.empty() || !others_.empty(); });
    if (stopping_) return;
    Queue& queue = first_.empty() ? others_ : first_;
    {
      const Asked asked = std::move(queue.front());
      queue.pop_front();
      lock.unlock();
      if (asked.respond.wanted()) asked.question(*reader_, asked.respond);
    }
    lock.lock();
  }
}

}  // namespace deltamesh
