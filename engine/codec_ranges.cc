// engine/codec_ranges.cc - questions and answers about ranges, with every rule that needs no store.
#include "engine/codec_ranges.h"

#include "engine/limits.h"
#include "engine/validate.h"

namespace deltamesh {

Result<Message> read(wire::RangeQuestion::Reader in, RawReader& raw) {
  message::RangeQuestion question;
  question.number = in.getNumber();
  question.ref = raw.stream_ref();
  question.upto = raw.number("settled number");
  raw.check(check_seq(question.upto));
  raw.check(check_at_most(in.getRanges(), limits::kRangesPerQuestion, "ranges in a question"));
  if (in.getRanges() == 0) raw.check(Error{ErrorCode::kInvalid, "a question about no range"});
  for (unsigned i = 0; i < in.getRanges() && raw.ok(); ++i) {
    const Seq after = question.ranges.empty() ? 0 : question.ranges.back().dots.last;
    question.ranges.push_back(raw.range(after, question.upto));
  }
  return Message{std::move(question)};
}

Result<Message> read(wire::RangeAnswer::Reader in, RawReader& raw) {
  message::RangeAnswer answer;
  answer.number = in.getNumber();
  answer.index = raw.number("stream index", limits::kStreamsMax - 1);
  answer.upto = raw.number("settled number");
  raw.check(check_seq(answer.upto));
  raw.check(check_at_most(in.getParts(), limits::kRangesPerQuestion, "parts in an answer"));
  for (unsigned i = 0; i < in.getParts() && raw.ok(); ++i) answer.parts.push_back(raw.range_part());
  return Message{std::move(answer)};
}

}  // namespace deltamesh
