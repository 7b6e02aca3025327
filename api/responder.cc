// api/responder.cc - answers once, and at the latest when nobody is left who could.
#include "api/responder.h"

#include "api/problem.h"

namespace deltamesh {

class Responder::Once {
 public:
  explicit Once(Answer answer) : answer_(std::move(answer)) {}
  ~Once() { call(problem({ErrorCode::kClosed, "the node is stopping"})); }
  Once(const Once&) = delete;
  Once& operator=(const Once&) = delete;

  void call(HttpResponse response) {
    if (!called_.test_and_set()) answer_(std::move(response));
  }

 private:
  Answer answer_;
  std::atomic_flag called_ = ATOMIC_FLAG_INIT;
};

Responder::Responder(Answer answer, GivenUp given_up)
    : once_(std::make_shared<Once>(std::move(answer))), given_up_(std::move(given_up)) {}

void Responder::operator()(HttpResponse response) const {
  once_->call(std::move(response));
}

void Responder::operator()(const Error& error) const {
  once_->call(problem(error));
}

}  // namespace deltamesh
