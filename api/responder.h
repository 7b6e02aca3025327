// api/responder.h - the right to answer one request, once, from whatever thread comes to know the answer.
//
// Copies share that right; the first call counts and later ones do nothing. If the last copy goes without a
// call, the client is told that the node is stopping: no request stays unanswered.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "api/http_message.h"
#include "crdt/result.h"

namespace deltamesh {

class Responder {
 public:
  // `answer` is called exactly once, from any thread. `given_up`, if there is one, becomes true when the
  // client has been told that it takes too long, or is gone.
  using Answer = std::function<void(HttpResponse)>;
  using GivenUp = std::shared_ptr<const std::atomic<bool>>;
  explicit Responder(Answer answer, GivenUp given_up = {});

  // Whether work on an answer is still worth while.
  [[nodiscard]] bool wanted() const { return !given_up_ || !*given_up_; }

  void operator()(HttpResponse response) const;
  void operator()(const Error& error) const;

 private:
  class Once;
  std::shared_ptr<Once> once_;
  GivenUp given_up_;
};

}  // namespace deltamesh
