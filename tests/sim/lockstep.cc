// tests/sim/lockstep.cc - windows, and threads that share the worlds of one.
#include "tests/sim/lockstep.h"

#include <algorithm>

namespace deltamesh::sim {
namespace {

constexpr std::size_t kTogether = 8;  // Worlds that a thread takes at once.

}  // namespace

Lockstep::Lockstep(std::deque<World>& worlds, Micros window, unsigned threads,
                   std::function<void()> hand_over)
    : worlds_(worlds), window_(window), hand_over_(std::move(hand_over)), gate_(std::max(threads, 1u)) {
  for (unsigned other = 1; other < threads; ++other) {
    others_.emplace_back([this] {
      while (gate_.arrive_and_wait(), !over_) {
        work();
        gate_.arrive_and_wait();
      }
    });
  }
}

Lockstep::~Lockstep() {
  over_ = true;
  gate_.arrive_and_wait();
}

void Lockstep::run_until(Micros end) {
  while (now_ < end && !failed()) {
    const Micros begin = next_due(end);
    run_window(std::min(begin + window_ - Micros(1), end));
    hand_over_();
  }
}

void Lockstep::run_window(Micros end) {
  end_ = end;
  taken_ = 0;
  gate_.arrive_and_wait();
  work();
  gate_.arrive_and_wait();
  now_ = end;
}

void Lockstep::work() {
  for (std::size_t first; (first = taken_.fetch_add(kTogether)) < worlds_.size();) {
    const std::size_t last = std::min(first + kTogether, worlds_.size());
    for (std::size_t ix = first; ix < last; ++ix) worlds_[ix].run_until(end_);
  }
}

// Time in which nothing happens anywhere is passed over.
Micros Lockstep::next_due(Micros end) const {
  Micros next = end;
  for (const World& world : worlds_) next = std::min(next, world.queue.next_due().value_or(end));
  return next;
}

bool Lockstep::failed() const {
  return std::any_of(worlds_.begin(), worlds_.end(), [](const World& world) { return world.failed(); });
}

}  // namespace deltamesh::sim
