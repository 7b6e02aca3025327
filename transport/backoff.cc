// transport/backoff.cc - waits that grow and do not agree with each other.
#include "transport/backoff.h"

namespace deltamesh {

Backoff::Duration Backoff::next() {
  const auto choices = static_cast<std::uint64_t>(bound_.count()) + 1;
  const Duration wait(static_cast<Duration::rep>(random() % choices));
  bound_ = bound_ > pace_.max / 2 ? pace_.max : bound_ * 2;
  return wait;
}

void Backoff::worked_for(Duration up) {
  if (up >= pace_.stable) bound_ = pace_.base;
}

// SplitMix64.
std::uint64_t Backoff::random() {
  random_ += 0x9e3779b97f4a7c15;
  std::uint64_t mixed = random_;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
  return mixed ^ (mixed >> 31);
}

}  // namespace deltamesh
