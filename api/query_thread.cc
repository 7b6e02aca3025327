// api/query_thread.cc - a bounded queue before one thread.
#include "api/query_thread.h"

#include <boost/asio/post.hpp>
#include <utility>

#include "api/limits.h"

namespace deltamesh {

QueryThread::QueryThread(std::unique_ptr<const StoreReader> reader) : reader_(std::move(reader)) {}

QueryThread::~QueryThread() {
  thread_.stop();
  thread_.join();
}

void QueryThread::ask(Question question, Responder respond) {
  if (queued_.fetch_add(1) >= limits::kQueriesQueuedMax) {
    --queued_;
    return respond(Error{ErrorCode::kFull, "too many questions wait for the store"});
  }
  boost::asio::post(thread_, [this, question = std::move(question), respond = std::move(respond)] {
    --queued_;
    question(*reader_, respond);
  });
}

}  // namespace deltamesh
