// tests/sim/world.h - what all parts of one simulated run share: time, chance, the trace, the verdict.
//
// Nothing here is global: a run owns its world and passes it in, so that runs cannot influence each other.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "crdt/dot.h"
#include "tests/sim/rng.h"
#include "tests/sim/task.h"

namespace deltamesh::sim {

// Events in order of (virtual time, order of scheduling).
class EventQueue {
 public:
  [[nodiscard]] Micros now() const { return now_; }
  template <class What>
  void at(Micros when, What what) {
    events_.push_back({std::max(when, now_), ++last_, keep(Task(std::move(what)))});
    std::push_heap(events_.begin(), events_.end(), later);
  }
  template <class What>
  void in(Micros delay, What what) {
    at(now_ + delay, std::move(what));
  }

  // Runs all that is due up to `end`, which is then the time. False if that is more than any honest run has:
  // something goes round in circles.
  bool run_until(Micros end) {
    while (!events_.empty() && events_.front().when <= end) {
      if (++ran_ > events_max_) return false;
      std::pop_heap(events_.begin(), events_.end(), later);
      const Event event = events_.back();
      events_.pop_back();
      now_ = event.when;
      Task task = std::move(tasks_[event.task]);
      free_.push_back(event.task);
      task();
    }
    now_ = end;
    return true;
  }

  void allow(std::uint64_t events) { events_max_ = events; }
  [[nodiscard]] std::optional<Micros> next_due() const {
    return events_.empty() ? std::nullopt : std::optional(events_.front().when);
  }
  [[nodiscard]] std::uint64_t ran() const { return ran_; }

 private:
  struct Event {
    Micros when;
    std::uint64_t number;
    std::size_t task;  // Its place in tasks_, so that the heap moves little.
  };
  std::size_t keep(Task task) {
    if (free_.empty()) {
      tasks_.push_back(std::move(task));
      return tasks_.size() - 1;
    }
    const std::size_t place = free_.back();
    free_.pop_back();
    tasks_[place] = std::move(task);
    return place;
  }
  static bool later(const Event& a, const Event& b) {
    return std::tie(a.when, a.number) > std::tie(b.when, b.number);
  }

  std::uint64_t events_max_ = 20'000'000;
  Micros now_{0};
  std::uint64_t last_ = 0;
  std::uint64_t ran_ = 0;
  std::vector<Event> events_;  // A heap, the next event first.
  std::vector<Task> tasks_;
  std::vector<std::size_t> free_;
};

// One number for all that happened: equal runs have equal numbers, on every machine.
class Trace {
 public:
  void fold(std::uint64_t what) { number_ = mixed(number_ ^ mixed(what)); }
  void fold(ByteView bytes) {
    std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a.
    for (const std::byte byte : bytes) hash = (hash ^ std::to_integer<std::uint64_t>(byte)) * 0x100000001b3;
    fold(hash);
  }
  [[nodiscard]] std::uint64_t number() const { return number_; }

 private:
  std::uint64_t number_ = 0;
};

struct World {
  explicit World(std::uint64_t seed) : rng(seed) {}

  // The first broken promise is the verdict; what follows from it is noise.
  void fail(std::string what) {
    if (failure.empty()) failure = "at " + std::to_string(queue.now().count()) + " us: " + std::move(what);
  }
  // What happens now is in the trace, with its time.
  void note(std::uint64_t what) {
    trace.fold(static_cast<std::uint64_t>(queue.now().count()));
    trace.fold(what);
  }
  void run_until(Micros end) {
    if (!queue.run_until(end)) fail("the nodes go round in circles");
  }
  [[nodiscard]] bool failed() const { return !failure.empty(); }

  EventQueue queue;
  Rng rng;
  Trace trace;
  std::string failure;
};

}  // namespace deltamesh::sim
