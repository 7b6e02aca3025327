// transport/write_queue.h - frames that wait for one link, within a bound.
//
// Frames are shared, never copied: one block on its way to ten peers is in memory once, though it counts
// against the bound of each. A frame weighs its bytes and kFrameWeight for what holds it: otherwise a peer
// that asks for a million tiny answers and reads none would cost ten times the bound.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "crdt/dot.h"

namespace deltamesh {

using SharedFrame = std::shared_ptr<const Bytes>;

inline constexpr std::size_t kFrameWeight = 128;

class WriteQueue {
 public:
  explicit WriteQueue(std::size_t weight_max) : weight_max_(weight_max) {}

  // False, and nothing queued, if the bound would be passed.
  [[nodiscard]] bool push(SharedFrame frame);
  // The frames to write next: at least one if there is any, at most `frames_max`, and no further one once
  // they sum to `bytes`. They count against the bound until done().
  [[nodiscard]] const std::vector<SharedFrame>& take(std::size_t bytes, std::size_t frames_max);
  // What was taken last is written.
  void done();

  [[nodiscard]] bool empty() const { return waiting_.empty() && taken_.empty(); }
  [[nodiscard]] std::size_t weight() const { return weight_; }

 private:
  std::size_t weight_max_;
  std::size_t weight_ = 0;
  std::deque<SharedFrame> waiting_;
  std::vector<SharedFrame> taken_;
};

}  // namespace deltamesh
