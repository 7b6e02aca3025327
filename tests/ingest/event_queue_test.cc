// tests/ingest/event_queue_test.cc - order, numbers, and what comes back.
#include "ingest/event_queue.h"

#include <catch2/catch.hpp>

namespace deltamesh {
namespace {

using Time = EventQueue::Time;
constexpr Time kStart{};
constexpr Time kLater = kStart + std::chrono::seconds(1);

EventQueue filled(std::size_t events_max, Ticks count) {
  EventQueue queue(events_max);
  for (Ticks time = 1; time <= count; ++time) {
    NamedEvent event;
    event.time = time;
    event.readings.push_back({"d/t", "", Value(1.0)});
    queue.push(std::move(event));
  }
  return queue;
}

// First and last number of the next write.
std::pair<std::uint64_t, std::uint64_t> start(EventQueue& queue, Time now = kStart) {
  const auto* const items = queue.start_write(now);
  if (!items) return {0, 0};
  return {items->front().number, items->back().number};
}

using Range = std::pair<std::uint64_t, std::uint64_t>;

TEST_CASE("the next write starts once the last one was taken or refused", "[ingest][queue]") {
  auto queue = filled(4, 10);
  CHECK(start(queue) == Range{1, 4});
  CHECK(queue.start_write(kStart) == nullptr);
  CHECK_FALSE(queue.write_due());
  queue.taken(1);
  CHECK(start(queue) == Range{5, 8});
  queue.halve(queue.finish(5));
  CHECK(start(queue) == Range{5, 6});
  queue.taken(5);
  CHECK(start(queue) == Range{7, 10});
}

TEST_CASE("what was refused for now waits in front of the rest, until its time", "[ingest][queue]") {
  auto queue = filled(4, 10);
  start(queue);
  queue.retry(queue.finish(1), kLater);
  CHECK(queue.write_due() == kLater);
  CHECK(queue.start_write(kStart) == nullptr);
  CHECK(start(queue, kLater) == Range{1, 4});
}

TEST_CASE("writes that fail together come back in their order", "[ingest][queue]") {
  auto queue = filled(2, 8);
  for (const std::uint64_t write : {1u, 3u, 5u}) {
    CHECK(start(queue).first == write);
    queue.taken(write);
  }
  queue.retry(queue.finish(1), kStart);
  queue.retry(queue.finish(3), kStart);
  CHECK(queue.first_unsettled() == 1);
  CHECK(start(queue) == Range{1, 2});
  queue.taken(1);
  CHECK(start(queue) == Range{3, 4});
  queue.taken(3);
  CHECK(start(queue) == Range{7, 8});
  queue.taken(7);
  queue.finish(1);
  CHECK(queue.first_unsettled() == 3);
  for (const std::uint64_t write : {3u, 5u, 7u}) queue.finish(write);
  CHECK(queue.first_unsettled() == 9);
}

TEST_CASE("a write of events from apart comes back in its order too", "[ingest][queue]") {
  auto queue = filled(10, 20);
  start(queue);
  queue.halve(queue.finish(1));
  CHECK(start(queue) == Range{1, 5});
  queue.taken(1);
  CHECK(start(queue) == Range{6, 15});
  queue.taken(6);
  queue.retry(queue.finish(1), kStart);
  CHECK(start(queue) == Range{1, 20});  // Without those under way.
  queue.taken(1);
  queue.retry(queue.finish(6), kStart);
  queue.retry(queue.finish(1), kStart);
  CHECK(start(queue) == Range{1, 10});
}

}  // namespace
}  // namespace deltamesh
