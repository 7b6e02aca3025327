// benchmarks/hot_paths.cc - a fixed amount of work of one hot path, for a profiler and for the guard of
// instruction counts (hot_paths.py).
//
// Nothing here depends on the machine: readings are made up, nodes stand in one thread, time is given. What
// is not to be counted is done before and after hot_path(), on which a profiler is switched on.
#include <exception>
#include <functional>
#include <iostream>
#include <map>
#include <stdexcept>
#include <string>

#include "benchmarks/counted_memory.h"
#include "benchmarks/growth/growth_config.h"
#include "benchmarks/growth/memory_node.h"
#include "benchmarks/growth/stored_node.h"
#include "benchmarks/growth/wandering_readings.h"
#include "crdt/block.h"
#include "engine/query.h"
#include "engine/sqlite/committer.h"
#include "tests/support/temp_dir.h"

// Its name is what callgrind is told to wait for. May be entered many times.
extern "C" [[gnu::noinline]] void deltamesh_hot_path(const std::function<void()>& work) {
  work();
  asm volatile("" ::: "memory");  // Or the call would be a jump, which no profiler sees end.
}

namespace {

using namespace deltamesh;
using namespace std::chrono_literals;
using bench::MemoryNode;

constexpr std::uint64_t kSeries = 100;
constexpr PeerId kPeer{1};

std::uint64_t hot_bytes = 0;

void hot_path(const std::function<void()>& work) {
  const std::uint64_t before = bench::allocated_bytes();
  deltamesh_hot_path(work);
  hot_bytes += bench::allocated_bytes() - before;
}

struct Time {
  Instant now{100s, 1'780'000'000s};
  void pass(std::chrono::microseconds time) {
    now.steady += time;
    now.wall += time;
    now.up += time;
  }
};

NodeConfig committing_at_once() {
  NodeConfig config = bench::growth_config();
  config.commit_interval = 0us;
  return config;
}

// Local events get their numbers, and blocks and batches are made of them: 100 writes of 10 events each.
void append() {
  MemoryNode node(1, bench::growth_config());
  bench::WanderingReadings readings(kSeries, "device-", 1);
  std::vector<NamedEvent> events;
  Time time;
  for (int i = 0; i < 100; ++i) {
    readings.next(10, events);
    hot_path([&] { node.write(events, time.now); });
    time.pass(5ms);
    hot_path([&] { node.tick(time.now); });
  }
}

// Three blocks of 1,024 events, 10,240 readings each.
void encode() {
  bench::WanderingReadings readings(kSeries, "device-", 1);
  std::vector<NamedEvent> named;
  for (int i = 0; i < 3; ++i) {
    readings.next(1'024, named);
    std::vector<Event> events;
    std::map<std::string, SeriesNo> numbers;
    for (const NamedEvent& event : named) {
      events.push_back({});
      events.back().time = event.time;
      for (const NamedReading& reading : event.readings) {
        const auto number = static_cast<SeriesNo>(numbers.size() + 1);
        events.back().readings.push_back(
            {numbers.try_emplace(reading.series, number).first->second, reading.value});
      }
    }
    hot_path([&] {
      if (!encode_block(events, limits::kBlock).ok()) throw std::runtime_error("not encoded");
    });
  }
}

// Two nodes in session; the calls of one of them are counted. The first holds `blocks` of `events` each
// beforehand.
class Pair {
 public:
  Pair(int blocks, std::uint64_t events) {
    bench::WanderingReadings readings(kSeries, "device-", 1);
    std::vector<NamedEvent> some;
    for (int i = 0; i < blocks; ++i) {
      readings.next(events, some);
      from_.write(some, time_.now);
    }
  }
  enum class Counted { kSender, kReceiver };
  void sync(Counted counted) {
    const auto at = [&](Counted which, const std::function<void()>& call) {
      which == counted ? hot_path(call) : call();
    };
    at(Counted::kSender, [&] { from_.opened(kPeer, time_.now); });
    at(Counted::kReceiver, [&] { to_.opened(kPeer, time_.now); });
    for (int quiet = 0; quiet < 3;) {
      ++quiet;
      for (const Send& send : from_.take_sent()) {
        quiet = 0;
        at(Counted::kReceiver, [&] { to_.received(kPeer, *send.frame, time_.now); });
      }
      for (const Send& send : to_.take_sent()) {
        quiet = 0;
        at(Counted::kSender, [&] { from_.received(kPeer, *send.frame, time_.now); });
      }
      time_.pass(100ms);
      at(Counted::kSender, [&] { from_.tick(time_.now); });
      at(Counted::kReceiver, [&] { to_.tick(time_.now); });
    }
    if (to_.node().knowledge() != from_.node().knowledge()) throw std::runtime_error("not all was sent");
  }

 private:
  Time time_;
  MemoryNode from_{1, committing_at_once()}, to_{2, committing_at_once()};
};

void receive() {
  Pair(10, 1'024).sync(Pair::Counted::kReceiver);
}

// Small blocks: it is the frames that cost.
void send() {
  Pair(400, 10).sync(Pair::Counted::kSender);
}

// Batches as a peer's node had them, of one block of 10 events each; one transaction a batch.
std::vector<Batch> small_batches(int count) {
  MemoryStore empty(bench::made_up_identity(1));
  Node node(committing_at_once(), *empty.image(), empty);
  bench::WanderingReadings readings(kSeries, "device-", 1);
  std::vector<NamedEvent> events;
  std::vector<Batch> batches;
  for (int i = 0; i < count; ++i) {
    readings.next(10, events);
    if (!node.write(bench::growth_dataset(), events, Time().now).ok())
      throw std::runtime_error("not written");
    for (Batch& batch : node.take_effects().persist) {
      node.durable(batch.id, Time().now);
      batches.push_back(std::move(batch));
    }
  }
  return batches;
}

void commit() {
  const testing::TempDir dir;
  SqliteOptions options;
  options.path = dir.path() / "store.db";
  options.memory_folder = "";
  auto opened = sqlite::open_store(options);
  if (!opened.ok()) throw std::runtime_error(opened.error().text);
  sqlite::Committer committer(*std::move(opened), options);
  for (const Batch& batch : small_batches(100)) {
    hot_path([&] {
      const Batch* const group[] = {&batch};
      const auto done = committer.commit(group);
      if (!done.ok() || !done->front().ok()) throw std::runtime_error("not committed");
      if (!committer.maintain().ok()) throw std::runtime_error("not written back");
    });
  }
  if (!committer.close().ok()) throw std::runtime_error("not closed");
}

// One series in the middle of a store on disk, and the newest value of each.
void query() {
  const testing::TempDir dir;
  NodeConfig config = bench::growth_config();
  config.commit_interval = limits::kCommitIntervalMax;
  bench::StoredNode stored(dir.path() / "store.db", config);
  bench::WanderingReadings readings(kSeries, "device-", 1);
  std::vector<NamedEvent> events;
  for (int i = 0; i < 16; ++i) {
    readings.next(1'024, events);
    stored.write(events);
  }
  stored.finish();
  SampleQuery query{.dataset = bench::growth_dataset(),
                    .series = bench::WanderingReadings::series_name("device-", 0, 0),
                    .range = {bench::kFirstTime + 4'096 * bench::kEventPause,
                              bench::kFirstTime + 12'288 * bench::kEventPause}};
  hot_path([&] {
    const auto samples = query_samples(stored.reader(), query);
    const auto latest = query_latest(stored.reader(), {.dataset = bench::growth_dataset(), .only = {}});
    if (!samples.ok() || samples->samples.size() < 800 || !latest.ok() || latest->latest.size() != kSeries)
      throw std::runtime_error("not answered");
  });
}

const std::map<std::string, void (*)()> kPaths{{"append", append}, {"commit", commit},   {"encode", encode},
                                               {"query", query},   {"receive", receive}, {"send", send}};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 || kPaths.count(argv[1]) == 0) {
    for (const auto& [name, path] : kPaths) std::cout << name << '\n';
    return argc == 1 ? 0 : 2;
  }
  try {
    kPaths.at(argv[1])();
    std::cout << "allocated_bytes " << hot_bytes << '\n';
  } catch (const std::exception& error) {
    std::cerr << "hot-paths: " << error.what() << '\n';
    return 1;
  }
}
