// transport/write_queue.cc - what waits, what is being written, and how much both weigh.
#include "transport/write_queue.h"

#include <cassert>

namespace deltamesh {
namespace {

std::size_t weight_of(const SharedFrame& frame) {
  return frame->size() + kFrameWeight;
}

}  // namespace

bool WriteQueue::push(SharedFrame frame) {
  if (weight_of(frame) > weight_max_ - weight_) return false;
  weight_ += weight_of(frame);
  waiting_.push_back(std::move(frame));
  return true;
}

const std::vector<SharedFrame>& WriteQueue::take(std::size_t bytes, std::size_t frames_max) {
  assert(taken_.empty());
  std::size_t sum = 0;
  while (!waiting_.empty() && taken_.size() < frames_max && (taken_.empty() || sum < bytes)) {
    sum += waiting_.front()->size();
    taken_.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  return taken_;
}

void WriteQueue::done() {
  for (const SharedFrame& frame : taken_) weight_ -= weight_of(frame);
  taken_.clear();
}

}  // namespace deltamesh
