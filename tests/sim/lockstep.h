// tests/sim/lockstep.h - the worlds of many nodes on one clock, run by several threads and always the same.
//
// Nothing that a node sends is anywhere else before the shortest link has carried it. So within a window of
// that length all nodes do what is due there one after the other, in any order and on any thread, and what
// they sent is handed over between two windows (conservative synchronisation: Chandy and Misra 1979; Fujimoto
// 1990). It is also several times faster than one queue for all: a node's memory is fetched once a window.
#pragma once

#include <atomic>
#include <barrier>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "tests/sim/world.h"

namespace deltamesh::sim {

class Lockstep {
 public:
  // `hand_over` is called by the thread of run_until() while no world runs. `window`: at least 1 us.
  Lockstep(std::deque<World>& worlds, Micros window, unsigned threads, std::function<void()> hand_over);
  ~Lockstep();
  Lockstep(const Lockstep&) = delete;
  Lockstep& operator=(const Lockstep&) = delete;

  [[nodiscard]] Micros now() const { return now_; }
  // Runs all that is due up to `end` in every world; less if one of them fails.
  void run_until(Micros end);
  [[nodiscard]] bool failed() const;

 private:
  void run_window(Micros end);
  void work();
  [[nodiscard]] Micros next_due(Micros end) const;

  std::deque<World>& worlds_;
  Micros window_;
  std::function<void()> hand_over_;
  Micros now_{0};
  Micros end_{0};                      // Of this window.
  std::atomic<std::size_t> taken_{0};  // Worlds that some thread runs, or has run, in this window.
  bool over_ = false;
  std::barrier<> gate_;  // Passed by all threads at the begin and at the end of each window.
  std::vector<std::jthread> others_;
};

}  // namespace deltamesh::sim
