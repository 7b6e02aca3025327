// api/responder.h - the right to answer one request, once, from whatever thread comes to know the answer.
//
// Copies share that right; the first call counts and later ones do nothing. If the last copy goes without a
// call, the client is told that the node is stopping: no request stays unanswered.
#pragma once

#include <functional>
#include <memory>

#include "api/http_message.h"
#include "crdt/result.h"

namespace deltamesh {

class Responder {
 public:
  // `answer` is called exactly once, from any thread.
  using Answer = std::function<void(HttpResponse)>;
  explicit Responder(Answer answer);

  void operator()(HttpResponse response) const;
  void operator()(const Error& error) const;

 private:
  class Once;
  std::shared_ptr<Once> once_;
};

}  // namespace deltamesh
