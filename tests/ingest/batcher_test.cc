// tests/ingest/batcher_test.cc - events reach the sink in order, all of them, and sources are held back in
// time.
#include "ingest/batcher.h"

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>

#include "ingest/event_queue.h"
#include "tests/ingest/recording_sink.h"
#include "tests/support/wait.h"

namespace deltamesh {
namespace {

using testing::kPatience;
using testing::RecordingSink;
using testing::wait_until;

constexpr DatasetId kData{1};
constexpr DatasetId kOther{2};
constexpr std::chrono::milliseconds kShort{1};

NamedEvent event(Ticks time) {
  NamedEvent result;
  result.time = time;
  result.readings.push_back({"d/t", "", Value(1.0)});
  return result;
}

std::vector<Ticks> times(const std::vector<NamedEvent>& events) {
  std::vector<Ticks> result;
  for (const NamedEvent& one : events) result.push_back(one.time);
  return result;
}

std::vector<Ticks> counting(Ticks from, Ticks to) {
  std::vector<Ticks> result;
  for (Ticks time = from; time <= to; ++time) result.push_back(time);
  return result;
}

TEST_CASE("what comes in while a write is under way makes up the next one, in order", "[ingest][batcher]") {
  RecordingSink sink;
  IngestCounters counters;
  Batcher batcher(sink, counters);
  sink.hold();
  batcher.push(kData, event(1));
  REQUIRE(wait_until([&] { return sink.waiting() == 1; }));
  for (Ticks time = 2; time <= 1000; ++time) batcher.push(kData, event(time));
  CHECK(batcher.unacknowledged() == 1000);
  sink.let_go();
  CHECK(batcher.stop(kPatience) == 0);
  CHECK(times(sink.events(kData)) == counting(1, 1000));
  CHECK(sink.writes() == 2);
  CHECK(counters.snapshot().events == 1000);
  CHECK(counters.snapshot().readings == 1000);
}

TEST_CASE("a write never has more events than allowed, and one wide event still goes", "[ingest][batcher]") {
  std::size_t largest = 0;
  RecordingSink sink([&largest](const auto& events) {
    largest = std::max(largest, events.size());
    return Status(Done{});
  });
  IngestCounters counters;
  Batcher batcher(sink, counters, {.events_max = 7});
  for (Ticks time = 1; time <= 100; ++time) batcher.push(kData, event(time));
  NamedEvent wide = event(101);
  wide.readings.assign(limits::kBatchReadingsMax + 1, wide.readings.front());
  batcher.push(kData, wide);
  CHECK(batcher.stop(kPatience) == 0);
  CHECK(times(sink.events(kData)) == counting(1, 101));
  CHECK(largest <= 7);
}

TEST_CASE("a node that is full, or whose disk fails, loses nothing and keeps the order",
          "[ingest][batcher]") {
  const auto code = GENERATE(ErrorCode::kFull, ErrorCode::kIo);
  int refusals = 5;
  RecordingSink sink([&](const auto&) {
    return refusals-- > 0 ? Status(Error{code, "later"}) : Status(Done{});
  });
  IngestCounters counters;
  Batcher batcher(sink, counters, {.events_max = 10, .retry_wait = kShort});
  for (Ticks time = 1; time <= 100; ++time) batcher.push(kData, event(time));
  CHECK(batcher.stop(kPatience) == 0);
  CHECK(times(sink.events(kData)) == counting(1, 100));
  CHECK(counters.snapshot().retries == 5);
  CHECK(counters.snapshot().refused_total() == 0);
}

TEST_CASE("an event that the node refuses for good is left out, and only that one", "[ingest][batcher]") {
  const auto bad = [](const NamedEvent& one) { return one.time % 37 == 0; };
  RecordingSink sink([&](const auto& events) {
    const bool refuse = std::any_of(events.begin(), events.end(), bad);
    return refuse ? Status(Error{ErrorCode::kLimit, "too many series"}) : Status(Done{});
  });
  IngestCounters counters;
  Batcher batcher(sink, counters);
  for (Ticks time = 1; time <= 200; ++time) batcher.push(kData, event(time));
  CHECK(batcher.stop(kPatience) == 0);
  auto expected = counting(1, 200);
  std::erase_if(expected, [](Ticks time) { return time % 37 == 0; });
  CHECK(times(sink.events(kData)) == expected);
  CHECK(counters.snapshot().refused_for(Refusal::kDatasetFull) == 5);
  CHECK(counters.snapshot().events == 195);
}

TEST_CASE("events of an unknown dataset are counted and do not hold up another dataset",
          "[ingest][batcher]") {
  RecordingSink sink([](const auto& events) {
    return events.front().time < 0 ? Status(Error{ErrorCode::kNotFound, "no such dataset"}) : Status(Done{});
  });
  IngestCounters counters;
  Batcher batcher(sink, counters);
  for (Ticks time = 1; time <= 50; ++time) {
    batcher.push(kOther, event(-time));
    batcher.push(kData, event(time));
  }
  CHECK(batcher.stop(kPatience) == 0);
  CHECK(sink.count(kData) == 50);
  CHECK(counters.snapshot().refused_for(Refusal::kRefusedByNode) == 50);
}

TEST_CASE("a source is held back while too much is unacknowledged, and goes on when it is not",
          "[ingest][batcher]") {
  RecordingSink sink;
  IngestCounters counters;
  Batcher batcher(sink, counters, {.unacknowledged_max = 10});
  sink.hold();
  std::atomic<int> pushed{0};
  std::thread source([&] {
    for (Ticks time = 1; time <= 30; ++time) {
      batcher.push(kData, event(time));
      ++pushed;
    }
  });
  CHECK(wait_until([&] { return counters.snapshot().waits == 1; }));
  CHECK(pushed == 10);
  CHECK(batcher.unacknowledged() == 10);
  sink.let_go();
  source.join();
  CHECK(batcher.stop(kPatience) == 0);
  CHECK(times(sink.events(kData)) == counting(1, 30));
}

TEST_CASE("a released source gets through with the event it was held back with", "[ingest][batcher]") {
  RecordingSink sink;
  IngestCounters counters;
  Batcher batcher(sink, counters, {.unacknowledged_max = 1});
  sink.hold();
  std::thread source([&] {
    for (Ticks time = 1; time <= 3; ++time) batcher.push(kData, event(time));
  });
  CHECK(wait_until([&] { return counters.snapshot().waits == 1; }));
  batcher.release();
  source.join();
  CHECK(batcher.unacknowledged() == 3);
  sink.let_go();
  CHECK(batcher.stop(kPatience) == 0);
  CHECK(sink.count(kData) == 3);
}

TEST_CASE("a durable push returns only once its event is durable", "[ingest][batcher]") {
  RecordingSink sink;
  IngestCounters counters;
  Batcher batcher(sink, counters);
  sink.hold();
  std::atomic<bool> returned{false};
  std::thread source([&] {
    batcher.push_durable(kData, event(1));
    returned = true;
  });
  CHECK(wait_until([&] { return sink.waiting() == 1; }));
  CHECK_FALSE(returned);
  sink.let_go();
  source.join();
  CHECK(sink.count(kData) == 1);
}

TEST_CASE("a write does not wait until the disk has finished another", "[ingest][batcher]") {
  RecordingSink sink;
  IngestCounters counters;
  Batcher batcher(sink, counters);
  sink.commit_by_flush_only();
  for (std::size_t count = 1; count <= 5; ++count) {
    batcher.push(kData, event(static_cast<Ticks>(count)));
    REQUIRE(wait_until([&] { return sink.uncommitted() == count; }));
  }
  CHECK(batcher.unacknowledged() == 5);
  CHECK(batcher.stop(kPatience) == 0);
  CHECK(times(sink.events(kData)) == counting(1, 5));
}

TEST_CASE("stopping commits what is under way and what still waits, however long the commit interval",
          "[ingest][batcher]") {
  RecordingSink sink;
  IngestCounters counters;
  Batcher batcher(sink, counters, {.events_max = 7});
  sink.commit_by_flush_only();
  batcher.push(kData, event(1));
  REQUIRE(wait_until([&] { return sink.uncommitted() == 1; }));
  sink.hold();
  for (Ticks time = 2; time <= 100; ++time) batcher.push(kData, event(time));
  sink.let_go();
  CHECK(batcher.stop(kPatience) == 0);
  CHECK(times(sink.events(kData)) == counting(1, 100));
}

TEST_CASE("a durable push does not wait for the commit interval", "[ingest][batcher]") {
  RecordingSink sink;
  IngestCounters counters;
  Batcher batcher(sink, counters);
  sink.commit_by_flush_only();
  std::thread source([&] { batcher.push_durable(kData, event(1)); });
  CHECK(wait_until([&] { return sink.count(kData) == 1; }));
  sink.let_go();
  CHECK(batcher.stop(kPatience) == 0);  // Frees the source, should the check have failed.
  source.join();
}

TEST_CASE("releasing the sources ends no wait for durability", "[ingest][batcher]") {
  RecordingSink sink;
  IngestCounters counters;
  Batcher batcher(sink, counters);
  sink.hold();
  std::atomic<std::size_t> durable_at_return{99};
  std::thread source([&] {
    batcher.push_durable(kData, event(1));
    durable_at_return = sink.count(kData);
  });
  CHECK(wait_until([&] { return sink.waiting() == 1; }));
  batcher.release();
  // Whatever else goes on meanwhile.
  for (Ticks time = 2; time <= 1000; ++time) batcher.push(kOther, event(time));
  CHECK(durable_at_return == 99);
  sink.let_go();
  source.join();
  CHECK(durable_at_return == 1);
}

TEST_CASE("writes that the disk loses while others are under way are all written again",
          "[ingest][batcher]") {
  RecordingSink sink;
  IngestCounters counters;
  Batcher batcher(sink, counters, {.retry_wait = kShort});
  sink.commit_by_flush_only();
  sink.fail_commits(3);
  for (std::size_t count = 1; count <= 5; ++count) {
    batcher.push(kData, event(static_cast<Ticks>(count)));
    REQUIRE(wait_until([&] { return sink.uncommitted() == count; }));
  }
  CHECK(batcher.stop(kPatience) == 0);
  auto written = times(sink.events(kData));
  CHECK(written.size() == 5);
  std::sort(written.begin(), written.end());
  CHECK(written == counting(1, 5));
  CHECK(counters.snapshot().retries == 3);
  CHECK(counters.snapshot().refused_total() == 0);
}

TEST_CASE("wide events hold a source back by the memory that they take", "[ingest][batcher]") {
  NamedEvent wide = event(1);
  wide.readings.assign(1000, wide.readings.front());
  CHECK(memory_bytes(wide) >= 100 * 1000);
  RecordingSink sink;
  IngestCounters counters;
  Batcher batcher(sink, counters, {.unacknowledged_bytes_max = 3 * memory_bytes(wide)});
  sink.hold();
  std::atomic<int> pushed{0};
  std::thread source([&] {
    for (int i = 0; i < 6; ++i) {
      batcher.push(kData, wide);
      ++pushed;
    }
  });
  CHECK(wait_until([&] { return counters.snapshot().waits == 1; }));
  CHECK(pushed == 3);
  sink.let_go();
  source.join();
  CHECK(batcher.stop(kPatience) == 0);
  CHECK(sink.count(kData) == 6);
}

TEST_CASE("events at fault among good ones are found at the cost of a few writes each", "[ingest][batcher]") {
  const Ticks every = GENERATE(2, 10, 1000);
  constexpr Ticks kEvents = 4000;
  RecordingSink sink([&](const auto& events) {
    const bool refuse =
        std::any_of(events.begin(), events.end(), [&](const auto& one) { return one.time % every == 0; });
    return refuse ? Status(Error{ErrorCode::kLimit, "too many series"}) : Status(Done{});
  });
  IngestCounters counters;
  Batcher batcher(sink, counters);
  sink.commit_by_flush_only();  // The search does not wait for the disk.
  sink.hold();
  for (Ticks time = 1; time <= kEvents; ++time) batcher.push(kData, event(time));
  sink.let_go();
  REQUIRE(wait_until(
      [&] { return counters.snapshot().refused_total() == static_cast<std::uint64_t>(kEvents / every); }));
  CHECK(batcher.stop(kPatience) == 0);
  CHECK(sink.count(kData) == static_cast<std::size_t>(kEvents - kEvents / every));
  CAPTURE(every, sink.writes(), sink.events_seen());
  CHECK(sink.writes() <= static_cast<std::size_t>(30 * kEvents / every));
  CHECK(sink.events_seen() <= static_cast<std::size_t>(6 * kEvents));
}

TEST_CASE("stopping without patience gives up what is not durable and says how much", "[ingest][batcher]") {
  RecordingSink sink;
  IngestCounters counters;
  Batcher batcher(sink, counters);
  sink.hold();
  for (Ticks time = 1; time <= 4; ++time) batcher.push(kData, event(time));
  CHECK(batcher.stop(std::chrono::milliseconds(0)) == 4);
  batcher.push(kData, event(5));
  CHECK(counters.snapshot().refused_for(Refusal::kClosed) == 5);
}

TEST_CASE("an answer that comes after the batcher is gone harms nobody", "[ingest][batcher]") {
  RecordingSink sink;
  sink.hold();
  {
    IngestCounters counters;
    Batcher batcher(sink, counters);
    batcher.push(kData, event(1));
    REQUIRE(wait_until([&] { return sink.waiting() == 1; }));
  }
  sink.let_go();
  CHECK(wait_until([&] { return sink.writes() == 1; }));
}

}  // namespace
}  // namespace deltamesh
