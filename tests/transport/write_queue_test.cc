// tests/transport/write_queue_test.cc - the bound and the order of what waits for a link.
#include "transport/write_queue.h"

#include <rapidcheck.h>
#include <rapidcheck/catch.h>

#include <catch2/catch.hpp>
#include <deque>

namespace deltamesh {
namespace {

SharedFrame frame_of(std::size_t bytes) {
  return std::make_shared<const Bytes>(bytes);
}

TEST_CASE("a queue takes frames up to its bound and not beyond", "[write_queue]") {
  WriteQueue queue(1000 + 2 * kFrameWeight);
  CHECK(queue.push(frame_of(600)));
  CHECK_FALSE(queue.push(frame_of(401)));
  CHECK(queue.push(frame_of(400)));
  CHECK_FALSE(queue.push(frame_of(0)));
  CHECK(queue.weight() == 1000 + 2 * kFrameWeight);
}

TEST_CASE("empty frames fill a queue too", "[write_queue]") {
  WriteQueue queue(10 * kFrameWeight);
  for (int i = 0; i < 10; ++i) CHECK(queue.push(frame_of(0)));
  CHECK_FALSE(queue.push(frame_of(0)));
}

TEST_CASE("what is being written counts until it is written", "[write_queue]") {
  WriteQueue queue(100 + kFrameWeight);
  CHECK(queue.push(frame_of(100)));
  CHECK(queue.take(1000, 10).size() == 1);
  CHECK_FALSE(queue.push(frame_of(100)));
  CHECK_FALSE(queue.empty());
  queue.done();
  CHECK(queue.empty());
  CHECK(queue.weight() == 0);
  CHECK(queue.push(frame_of(100)));
}

TEST_CASE("frames leave in order, each once, in writes of bounded size", "[write_queue]") {
  rc::prop("against a plain queue", [] {
    WriteQueue queue(1u << 20);
    std::deque<SharedFrame> model;
    for (int step = *rc::gen::inRange(0, 60); step > 0; --step) {
      for (int n = *rc::gen::inRange(0, 5); n > 0; --n) {
        model.push_back(frame_of(*rc::gen::inRange<std::size_t>(0, 1000)));
        RC_ASSERT(queue.push(model.back()));
      }
      std::size_t before_last = 0;
      const auto& taken = queue.take(1500, 3);
      RC_ASSERT(taken.empty() == model.empty());
      RC_ASSERT(taken.size() <= 3u);
      for (std::size_t i = 0; i < taken.size(); ++i) {
        RC_ASSERT(taken[i] == model.front());
        model.pop_front();
        if (i + 1 < taken.size()) before_last += taken[i]->size();
      }
      RC_ASSERT(before_last < 1500u);
      queue.done();
    }
    std::size_t weight = 0;
    for (const auto& frame : model) weight += frame->size() + kFrameWeight;
    RC_ASSERT(queue.weight() == weight);
  });
}

}  // namespace
}  // namespace deltamesh
