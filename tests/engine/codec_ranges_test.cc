// tests/engine/codec_ranges_test.cc - questions and answers about ranges: small, skippable, and checked.
#include <catch2/catch.hpp>

#include "engine/codec.h"
#include "tests/engine/golden_messages.h"

using namespace deltamesh;
using Catch::Contains;

namespace {

std::string refusal(ByteView frame) {
  const auto decoded = decode(frame);
  return decoded ? "accepted" : decoded.error().text;
}

message::RangeQuestion question_with(void (*spoil)(message::RangeQuestion&)) {
  message::RangeQuestion question = golden::range_question();
  spoil(question);
  return question;
}

message::RangeAnswer answer_with(message::RangeAnswer::Part part, std::size_t parts = 1,
                                 bool other_rules = false) {
  message::RangeAnswer answer = golden::range_answer();
  answer.other_rules = other_rules;
  answer.parts.assign(parts, std::move(part));
  return answer;
}

IntervalSet comb(std::size_t intervals) {
  IntervalSet set;
  for (Seq i = 0; i < intervals; ++i) set.add({2 * i + 1, 2 * i + 1});
  return set;
}

}  // namespace

TEST_CASE("a range costs 3 bytes and its fingerprint, and one without events no fingerprint",
          "[engine][codec][reconcile]") {
  const auto bytes_of = [](message::RangeSum sum) {
    message::RangeQuestion question = golden::range_question();
    const std::size_t before = encode(question).size();
    question.upto += 64;
    question.ranges.push_back({{1001, 1064}, sum, false});
    return encode(question).size() - before;
  };
  CHECK(bytes_of({64, {1, 2}}) == 3 + 16);
  CHECK(bytes_of({}) == 3);
}

TEST_CASE("who does not know a question about ranges skips it", "[engine][codec][reconcile]") {
  for (const Bytes& frame : {encode(golden::range_question()), encode(golden::range_answer())}) {
    ByteView rest = frame;
    CHECK((*take_head(rest))->optional);
  }
}

TEST_CASE("a question about ranges that are not ascending parts of a stream is refused",
          "[engine][codec][reconcile][limits]") {
  struct Row {
    Message message;
    const char* text;
  };
  using message::RangeAnswer;
  using message::RangeQuestion;
  using Cells = RangeAnswer::Cells;
  const std::vector<Row> rows{
      {question_with([](RangeQuestion& q) { q.rules = Bytes(15); }), "digest of rules of 15 bytes"},
      {answer_with(RangeAnswer::Equal{}, 1, true), "an answer under other rules"},
      {question_with([](RangeQuestion& q) { q.ranges.clear(); }), "about no range"},
      {question_with([](RangeQuestion& q) {
         for (q.ranges.clear(); q.ranges.size() < 129;) q.ranges.push_back({{q.ranges.size() + 1, 0}, {}});
         for (auto& range : q.ranges) range.dots.last = range.dots.first;
       }),
       "129 ranges in a question, at most 128"},
      {question_with([](RangeQuestion& q) { q.upto = 999; }), "beyond the settled number 999"},
      {question_with([](RangeQuestion& q) { q.upto = 0; }), "beyond the settled number 0"},
      {question_with([](RangeQuestion& q) { q.upto = limits::kSeqMax + 1; }), "9223372036854775808"},
      {question_with([](RangeQuestion& q) { q.ranges[1].dots.first = 512; }), "beyond the settled number"},
      {question_with([](RangeQuestion& q) { q.ranges[0].expected.count = 513; }), "lacks more events than"},
      {question_with([](RangeQuestion& q) { q.ref.index = 65'536; }), "stream index"},
      {answer_with(RangeAnswer::Equal{}, 129), "129 parts in an answer, at most 128"},
      {answer_with(comb(65)), "65 where 64 are allowed"},
      {answer_with(IntervalSet(Interval{1, ~Seq{0}})), "18446744073709551615"},
      {answer_with(Cells{1, std::vector<message::RangeSum>(33)}), "33, at most 32"},
      {answer_with(Cells{1, {}}), "no cells"},
      {answer_with(Cells{1, {{3, {}}}}), "lacks more events than"},
      {answer_with(Cells{63, {{1, {}}}}), "cells of 2^63 dots"},
      {[] {
         auto answer = golden::range_answer();
         answer.index = 65'536;
         return answer;
       }(),
       "stream index 65536, at most 65535"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    CHECK_THAT(refusal(encode(row.message)), Contains(row.text));
  }
}
