// tests/engine/past_test.cc - sums over streams that are over: what they tell apart, and what not.
#include "engine/past.h"

#include <rapidcheck/catch.h>

#include <catch2/catch.hpp>

#include "tests/engine/random_message.h"

namespace deltamesh::test {
namespace {

StreamId life(std::uint8_t number) {
  StreamId out;
  out.dataset = DatasetId{7};
  out.incarnation.bytes.fill(number);
  return out;
}

StreamKnowledge closed(Seq head) {
  StreamKnowledge known;
  known.hold({1, head});
  known.close();
  return known;
}

Pasts sums_of(const std::map<StreamId, StreamKnowledge>& streams) {
  Pasts out;
  for (const auto& [stream, known] : streams)
    out[{stream.dataset, stream.node}][past_part(stream)] += past_sum(stream, known);
  return out;
}

}  // namespace

TEST_CASE("a stream is over when it is closed and nothing of it is missing", "[past]") {
  StreamKnowledge known;
  CHECK_FALSE(is_over(known));
  known.hold({1, 5});
  known.declare_head(5, 5);
  CHECK_FALSE(is_over(known));
  known.close();
  CHECK(is_over(known));
  known.miss({2, 3});
  CHECK_FALSE(is_over(known));
  known.drop({2, 2});
  known.declare_void(Interval{3, 3});
  CHECK(is_over(known));
  known.hold({6, 6});
  CHECK_FALSE(is_over(known));
}

TEST_CASE("a sum tells streams, heads and what is void apart, and not what is held from what was given up",
          "[past]") {
  const StreamKnowledge held = closed(9);
  StreamKnowledge dropped = held, voided, lost;
  dropped.drop(Interval{1, 9});
  voided.hold({1, 8});
  voided.declare_void(Interval{9, 9});
  voided.close();
  lost = voided;
  lost.declare_lost(IntervalSet({9, 9}));
  CHECK(past_sum(life(1), held) == past_sum(life(1), dropped));
  CHECK(past_sum(life(1), held) != past_sum(life(2), held));
  CHECK(past_sum(life(1), held) != past_sum(life(1), closed(8)));
  CHECK(past_sum(life(1), held) != past_sum(life(1), voided));
  CHECK(past_sum(life(1), voided) != past_sum(life(1), lost));
}

TEST_CASE("sums differ just where one side has a stream that the other has not", "[past]") {
  rc::prop("any two sets of lives of one writer",
           [](std::set<std::uint8_t> ours, std::set<std::uint8_t> theirs) {
             std::map<StreamId, StreamKnowledge> a, b;
             std::set<std::uint32_t> differ;
             for (const std::uint8_t number : ours) {
               a.emplace(life(number), closed(number + 1u));
               if (!theirs.contains(number)) differ.insert(std::uint32_t{number} >> 4);
             }
             for (const std::uint8_t number : theirs) {
               b.emplace(life(number), closed(number + 1u));
               if (!ours.contains(number)) differ.insert(std::uint32_t{number} >> 4);
             }
             const std::vector<std::uint32_t> expected(differ.begin(), differ.end());
             const PastDiff diff = differing(sums_of(a), sums_of(b), {DatasetId{7}});
             RC_ASSERT(diff.some == !expected.empty());
             if (!a.empty()) {
               RC_ASSERT(diff.places == expected);
             }
             RC_ASSERT(differing(sums_of(a), sums_of(b), {DatasetId{8}}).places.empty());
           });
}

}  // namespace deltamesh::test
