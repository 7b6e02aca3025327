// tests/sim/world.h - what all parts of one simulated run share: time, chance, the trace, the verdict.
//
// Nothing here is global: a run owns its world and passes it in, so that runs cannot influence each other.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "crdt/dot.h"
#include "tests/sim/rng.h"

namespace deltamesh::sim {

using NodeIx = std::size_t;

// Events in order of (virtual time, order of scheduling).
class EventQueue {
 public:
  [[nodiscard]] Micros now() const { return now_; }
  void at(Micros when, std::function<void()> what) {
    events_.emplace(std::pair(std::max(when, now_), ++last_), std::move(what));
  }
  void in(Micros delay, std::function<void()> what) { at(now_ + delay, std::move(what)); }

  // Runs all that is due up to `end`, which is then the time. False if that is more than any honest run has:
  // something goes round in circles.
  bool run_until(Micros end) {
    while (!events_.empty() && events_.begin()->first.first <= end) {
      if (++ran_ > kEventsMax) return false;
      auto event = events_.extract(events_.begin());
      now_ = event.key().first;
      event.mapped()();
    }
    now_ = end;
    return true;
  }

 private:
  static constexpr std::uint64_t kEventsMax = 20'000'000;
  Micros now_{0};
  std::uint64_t last_ = 0;
  std::uint64_t ran_ = 0;
  std::map<std::pair<Micros, std::uint64_t>, std::function<void()>> events_;
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
