// engine/codec_ranges.cc - questions and answers about ranges, with every rule that needs no store.
#include "engine/codec_ranges.h"

#include "engine/limits.h"
#include "engine/validate.h"

namespace deltamesh {
namespace {

constexpr std::size_t kStreamsMax = limits::kMapRangesPerQuestion * limits::kMapEntriesListed;

Bytes bytes_of(capnp::Data::Reader data) {
  const auto view = std::as_bytes(std::span(data.begin(), data.size()));
  return {view.begin(), view.end()};
}

// None, or as many as there must be.
Status check_size(std::size_t size, std::size_t must, const char* what) {
  if (size == 0 || size == must) return Done{};
  return Error{ErrorCode::kInvalid, std::string(what) + " of " + std::to_string(size) + " bytes, must be " +
                                        std::to_string(must) + " or 0"};
}

// What is known is told if that was asked for, and a part of it that others follow is not empty.
Status check_knowing(message::MapAnswer::Knowing knowing, std::size_t known) {
  using Knowing = message::MapAnswer::Knowing;
  const bool told = knowing == Knowing::kPart || knowing == Knowing::kLastPart;
  if (!told && known != 0) return Error{ErrorCode::kInvalid, "knowledge that was not asked for"};
  if (knowing == Knowing::kPart && known == 0) return Error{ErrorCode::kInvalid, "a part of no knowledge"};
  return Done{};
}

StreamId read_after(ByteView bytes, DatasetId dataset, RawReader& raw) {
  RawReader reader(bytes);
  const StreamId stream = reader.stream_of(dataset);
  raw.check(reader.finish());
  return stream;
}

template <class Enum>
Enum read_enum(std::uint8_t number, Enum last, const char* what, RawReader& raw) {
  const auto value = check_enum(number, last, what);
  if (value) return *value;
  raw.check(value.error());
  return last;
}

}  // namespace

Result<Message> read(wire::RangeQuestion::Reader in, RawReader& raw) {
  message::RangeQuestion question;
  question.number = in.getNumber();
  question.rules = bytes_of(in.getRules());
  raw.check(check_size(question.rules.size(), message::kDigestBytes, "digest of rules"));
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
  answer.other_rules = in.getOtherRules();
  if (answer.other_rules && in.getParts() != 0)
    raw.check(Error{ErrorCode::kInvalid, "an answer under other rules"});
  answer.index = raw.number("stream index", limits::kStreamsMax - 1);
  answer.upto = raw.number("settled number");
  raw.check(check_seq(answer.upto));
  raw.check(check_at_most(in.getParts(), limits::kRangesPerQuestion, "parts in an answer"));
  for (unsigned i = 0; i < in.getParts() && raw.ok(); ++i) answer.parts.push_back(raw.range_part());
  return Message{std::move(answer)};
}

Result<Message> read(wire::MapQuestion::Reader in, RawReader& raw) {
  message::MapQuestion question;
  question.number = in.getNumber();
  question.knowledge = bytes_of(in.getKnowledge());
  raw.check(check_size(question.knowledge.size(), message::kDigestBytes, "digest"));
  const Bytes after = bytes_of(in.getAfter());
  raw.check(check_size(after.size(), kStreamIdBytes, "stream"));
  const bool knows = !question.knowledge.empty();
  if (!after.empty() && !knows) raw.check(Error{ErrorCode::kInvalid, "a part of knowledge without a digest"});
  raw.check(check_at_most(in.getRanges(), knows ? 1 : limits::kMapRangesPerQuestion, "ranges in a question"));
  if (in.getRanges() == 0 && !knows) raw.check(Error{ErrorCode::kInvalid, "a question about nothing"});
  question.dataset = raw.dataset();
  if (raw.ok() && !after.empty()) question.after = read_after(after, question.dataset, raw);
  for (unsigned i = 0; i < in.getRanges() && raw.ok(); ++i)
    question.ranges.push_back(
        raw.map_range(question.ranges.empty() ? nullptr : &question.ranges.back().keys));
  return Message{std::move(question)};
}

Result<Message> read(wire::MapAnswer::Reader in, RawReader& raw) {
  message::MapAnswer answer;
  answer.number = in.getNumber();
  answer.kind = read_enum(in.getKind(), message::MapAnswer::Kind::kUnable, "kind of answer", raw);
  answer.knowing = read_enum(in.getKnowing(), message::MapAnswer::Knowing::kLastPart, "knowing", raw);
  raw.check(check_at_most(in.getKnown(), limits::kStreamsPerFrame, "known streams in an answer"));
  raw.check(check_at_most(in.getStreams(), kStreamsMax, "streams of entries"));
  raw.check(check_at_most(in.getParts(), limits::kMapRangesPerQuestion, "parts in an answer"));
  raw.check(check_knowing(answer.knowing, in.getKnown()));
  answer.dataset = raw.dataset();
  for (unsigned i = 0; i < in.getKnown() && raw.ok(); ++i) {
    answer.known.push_back(raw.map_known(answer.dataset));
    if (i > 0 && answer.known[i].stream <= answer.known[i - 1].stream)
      raw.check(Error{ErrorCode::kInvalid, "known streams are not ascending"});
  }
  for (unsigned i = 0; i < in.getStreams() && raw.ok(); ++i)
    answer.streams.push_back(raw.stream_of(answer.dataset));
  for (unsigned i = 0; i < in.getParts() && raw.ok(); ++i)
    answer.parts.push_back(raw.map_part(answer.streams.size()));
  return Message{std::move(answer)};
}

}  // namespace deltamesh
