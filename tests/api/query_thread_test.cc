// tests/api/query_thread_test.cc - whose question comes when, and whose not at all.
#include "api/query_thread.h"

#include <catch2/catch.hpp>
#include <future>

#include "api/limits.h"
#include "engine/memory_store.h"
#include "tests/support/wait.h"

namespace deltamesh::testing {
namespace {

// The thread, busy until released, and what it did.
struct Busy {
  Busy() {
    std::promise<void> begun;
    thread.ask(
        [&](const StoreReader&, const Responder&) {
          begun.set_value();
          end.get_future().wait();
        },
        Responder([](const HttpResponse&) {}));
    begun.get_future().wait();
  }
  QueryThread::Question note(const std::string& name) {
    return [this, name](const StoreReader&, const Responder& respond) {
      done.push_back(name);
      respond(HttpResponse{200, name});
    };
  }
  // The status of the answer to a question, once it is there.
  static std::pair<Responder, std::future<unsigned>> responder(Responder::GivenUp given_up = {}) {
    auto status = std::make_shared<std::promise<unsigned>>();
    auto future = status->get_future();
    return {Responder([status](const HttpResponse& response) { status->set_value(response.status); },
                      std::move(given_up)),
            std::move(future)};
  }

  std::promise<void> end;
  std::vector<std::string> done;  // By the thread; read once it has answered.
  QueryThread thread{std::make_unique<MemoryStore>(Identity{})};
};

TEST_CASE("writes come before the reads that wait, in their order", "[api][queries]") {
  Busy busy;
  auto [last, answered] = Busy::responder();
  busy.thread.ask(busy.note("read 1"), Busy::responder().first);
  busy.thread.ask(busy.note("read 2"), std::move(last));
  busy.thread.ask_first(busy.note("write 1"), Busy::responder().first);
  busy.thread.ask_first(busy.note("write 2"), Busy::responder().first);
  busy.end.set_value();
  REQUIRE(answered.wait_for(kPatience) == std::future_status::ready);
  CHECK(busy.done == std::vector<std::string>{"write 1", "write 2", "read 1", "read 2"});
}

TEST_CASE("a question that nobody waits for any more is not answered", "[api][queries]") {
  Busy busy;
  const auto given_up = std::make_shared<std::atomic<bool>>(false);
  auto [last, answered] = Busy::responder();
  busy.thread.ask(busy.note("late"), Busy::responder(given_up).first);
  busy.thread.ask(busy.note("in time"), std::move(last));
  *given_up = true;
  busy.end.set_value();
  REQUIRE(answered.wait_for(kPatience) == std::future_status::ready);
  CHECK(busy.done == std::vector<std::string>{"in time"});
}

TEST_CASE("more questions than may wait are refused, and writes still find room", "[api][queries]") {
  Busy busy;
  for (std::size_t i = 0; i < limits::kQueriesQueuedMax; ++i)
    busy.thread.ask(busy.note("read"), Busy::responder().first);
  auto [over, refused] = Busy::responder();
  busy.thread.ask(busy.note("one too many"), std::move(over));
  CHECK(refused.get() == 503);
  auto [write, answered] = Busy::responder();
  busy.thread.ask_first(busy.note("write"), std::move(write));
  busy.end.set_value();
  CHECK(answered.get() == 200);
}

}  // namespace
}  // namespace deltamesh::testing
