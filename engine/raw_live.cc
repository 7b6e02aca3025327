// engine/raw_live.cc - deltas and acknowledgements to bytes, and back. Nearly all frames are one of these,
// and small: what is not there costs one bit, and streams that stand near each other in a table one byte.
#include <algorithm>
#include <limits>

#include "engine/raw_part.h"
#include "engine/validate.h"

namespace deltamesh {
namespace {

// What of a delta is not as usual.
enum DeltaPart : unsigned {
  kNamed = 1,          // The first mention of its stream.
  kNotNewest = 2,      // More events have been declared.
  kUnsettled = 4,      // The stream is not complete.
  kOtherCodec = 8,     // Not codec 0.
  kDeclarations = 16,  // Of series.
  kClosed = 32         // Nothing follows the head.
};
constexpr unsigned kDeltaParts = 63;

enum AckPart : unsigned {
  kLeads = 1,
  kCredit = 2,
  kDeltas = 4,
  kMapDeltas = 8,
  kHaves = 16,
  kSubscribed = 32,
  kUnsubscribed = 64
};
constexpr unsigned kAckParts = 127;

unsigned part_if(bool there, unsigned part) {
  return there ? part : 0;
}

std::uint64_t distance(std::uint32_t& before, std::uint32_t index) {
  const auto step = std::int64_t{index} - std::int64_t{before};
  before = index;
  return zigzag(step);
}

bool one_run(const IntervalSet& dots) {
  return dots.intervals().size() == 1;
}

void put_dots(Bytes& out, const IntervalSet& dots) {
  if (!one_run(dots)) return dots.encode(out);
  const Interval& run = dots.intervals().front();
  put_varint(out, run.first);
  put_varint(out, run.last - run.first);
}

void put_streams(Bytes& out, const std::vector<message::Ack::Stream>& streams) {
  put_varint(out, streams.size());
  std::uint32_t before = 0;
  for (const auto& [index, dots] : streams) {
    put_varint(out, distance(before, index) << 1 | (one_run(dots) ? 0u : 1u));
    put_dots(out, dots);
  }
}

void put_haves(Bytes& out, const std::vector<message::Ack::Have>& haves) {
  put_varint(out, haves.size());
  std::uint32_t before = 0;
  for (const auto& [ref, dots] : haves) {
    put_varint(out, distance(before, ref.index) << 2 | (one_run(dots) ? 0u : 2u) | (ref.stream ? 1u : 0u));
    if (ref.stream) put_stream_id(out, *ref.stream);
    put_dots(out, dots);
  }
}

}  // namespace

void put_delta(Bytes& out, const message::Delta& delta) {
  const Seq last = delta.first + delta.events - 1;
  const unsigned parts =
      part_if(delta.ref.stream.has_value(), kNamed) | part_if(delta.head != last, kNotNewest) |
      part_if(delta.settled < delta.head, kUnsettled) | part_if(delta.settled > delta.head, kClosed) |
      part_if(delta.codec != 0, kOtherCodec) | part_if(!delta.declarations.empty(), kDeclarations);
  out.push_back(static_cast<std::byte>(parts));
  put_varint(out, delta.ref.index);
  if ((parts & kNamed) != 0) put_stream_id(out, *delta.ref.stream);
  put_varint(out, delta.first);
  put_varint(out, delta.events);
  if ((parts & kNotNewest) != 0) put_varint(out, delta.head - last);
  if ((parts & kUnsettled) != 0) put_varint(out, delta.head - delta.settled);
  if ((parts & kOtherCodec) != 0) put_varint(out, delta.codec);
  if ((parts & kDeclarations) == 0) return;
  put_varint(out, delta.declarations.size());
  for (const SeriesDecl& decl : delta.declarations) put_declaration(out, decl);
}

void put_ack(Bytes& out, const message::Ack& ack) {
  const unsigned parts = part_if(ack.leads, kLeads) | part_if(ack.credit != 0, kCredit) |
                         part_if(ack.deltas != 0, kDeltas) | part_if(!ack.map_deltas.empty(), kMapDeltas) |
                         part_if(!ack.haves.empty(), kHaves) | part_if(!ack.subscribed.empty(), kSubscribed) |
                         part_if(!ack.unsubscribed.empty(), kUnsubscribed);
  out.push_back(static_cast<std::byte>(parts));
  if ((parts & kCredit) != 0) put_varint(out, ack.credit);
  if ((parts & kDeltas) != 0) put_varint(out, ack.deltas);
  if ((parts & kMapDeltas) != 0) {
    put_varint(out, ack.map_deltas.size());
    for (const std::uint32_t delta : ack.map_deltas) put_varint(out, delta);
  }
  if ((parts & kHaves) != 0) put_haves(out, ack.haves);
  if ((parts & kSubscribed) != 0) put_streams(out, ack.subscribed);
  if ((parts & kUnsubscribed) == 0) return;
  put_varint(out, ack.unsubscribed.size());
  std::uint32_t before = 0;
  for (const std::uint32_t index : ack.unsubscribed) put_varint(out, distance(before, index));
}

// A byte whose bits say what follows.
std::uint32_t RawReader::parts(std::uint32_t known) {
  if (ok() && in_.empty()) refuse(ErrorCode::kInvalid, "cut short");
  if (!ok()) return 0;
  const auto parts = std::to_integer<std::uint32_t>(in_[0]);
  in_ = in_.subspan(1);
  if ((parts & ~known) == 0) return parts;
  refuse(ErrorCode::kUnsupported, "unknown parts " + std::to_string(parts & ~known));
  return 0;
}

message::Delta RawReader::delta() {
  message::Delta delta;
  const std::uint32_t parts = this->parts(kDeltaParts);
  delta.ref.index = number("stream index", limits::kStreamsMax - 1);
  if ((parts & kNamed) != 0) delta.ref.stream = stream_id();
  delta.first = seq("first event");
  delta.events = number("events in a block", limits::kBlock.events_max);
  if (ok() && (delta.first == 0 || delta.events == 0)) refuse(ErrorCode::kInvalid, "no events");
  if (ok() && delta.first > limits::kSeqMax - delta.events)
    refuse(ErrorCode::kLimit, "beyond the largest number");
  delta.head = delta.first + delta.events - 1;
  if ((parts & kNotNewest) != 0) delta.head += seq("distance to the head");
  const Seq unsettled = (parts & kUnsettled) != 0 ? seq("distance from settled to head") : 0;
  check(check_seq(delta.head));
  const bool closed = (parts & kClosed) != 0;
  if (ok() && unsettled > delta.head) refuse(ErrorCode::kInvalid, "settled before the first event");
  if (ok() && closed && unsettled > 0) refuse(ErrorCode::kInvalid, "closed, and not complete");
  if (ok()) delta.settled = closed ? delta.head + 1 : delta.head - unsettled;
  if ((parts & kOtherCodec) != 0) delta.codec = static_cast<std::uint8_t>(number("codec", 255));
  if ((parts & kDeclarations) == 0) return delta;
  for (std::uint32_t left = number("declarations", limits::kSeriesPerStreamMax); left > 0 && ok(); --left)
    delta.declarations.push_back(declaration());
  return delta;
}

std::uint32_t RawReader::index_near(std::uint64_t distance, std::uint32_t& before) {
  constexpr std::uint32_t kIndexMax = limits::kStreamsMax - 1;
  const std::int64_t index =
      std::int64_t{before} + unzigzag(std::min(distance, 4 * std::uint64_t{kIndexMax}));
  if (index >= 0 && index <= std::int64_t{kIndexMax}) return before = static_cast<std::uint32_t>(index);
  refuse(ErrorCode::kLimit,
         "stream index " + std::to_string(index) + ", at most " + std::to_string(kIndexMax));
  return 0;
}

IntervalSet RawReader::dots(bool several) {
  if (several) return intervals();
  const Seq first = seq("first dot");
  const Seq more = seq("length of a run");
  if (ok() && first == 0) refuse(ErrorCode::kInvalid, "there is no dot 0");
  if (ok()) check(check_seq(first + more));
  return ok() ? IntervalSet(Interval{first, first + more}) : IntervalSet();
}

message::Ack::Stream RawReader::ack_stream(std::uint32_t& before) {
  const std::uint64_t tagged = number("distance of a stream with its mark");
  message::Ack::Stream stream;
  stream.index = index_near(tagged >> 1, before);
  stream.dots = dots((tagged & 1) != 0);
  return stream;
}

message::Ack::Have RawReader::ack_have(std::uint32_t& before) {
  const std::uint64_t tagged = number("distance of a stream with its marks");
  message::Ack::Have have;
  have.ref.index = index_near(tagged >> 2, before);
  if ((tagged & 1) != 0) have.ref.stream = stream_id();
  have.dots = dots((tagged & 2) != 0);
  return have;
}

// How many items of a list follow if the bit of that list is set.
std::uint32_t RawReader::items(bool there, const char* what, std::size_t max) {
  return there ? number(what, static_cast<std::uint32_t>(max)) : 0;
}

std::uint32_t RawReader::ack_index(std::uint32_t& before) {
  return index_near(number("distance of a stream"), before);
}

// A list of streams; each item says how far its stream is from the one before.
template <class Item>
std::vector<Item> RawReader::ack_list(bool there, Item (RawReader::*item)(std::uint32_t& before)) {
  std::vector<Item> list;
  std::uint32_t before = 0;
  for (auto left = items(there, "streams in an acknowledgement", limits::kStreamsPerFrame); left > 0 && ok();
       --left)
    list.push_back((this->*item)(before));
  return list;
}

message::Ack RawReader::ack() {
  constexpr std::uint32_t kAny = std::numeric_limits<std::uint32_t>::max();
  message::Ack ack;
  const std::uint32_t parts = this->parts(kAckParts);
  ack.leads = (parts & kLeads) != 0;
  if ((parts & kCredit) != 0) ack.credit = number("credit", kAny);
  if ((parts & kDeltas) != 0) ack.deltas = number("deltas", kAny);
  auto left = items((parts & kMapDeltas) != 0, "map deltas in an acknowledgement", limits::kMapDeltasPerAck);
  for (; left > 0 && ok(); --left) ack.map_deltas.push_back(number("map delta", kAny));
  ack.haves = ack_list((parts & kHaves) != 0, &RawReader::ack_have);
  ack.subscribed = ack_list((parts & kSubscribed) != 0, &RawReader::ack_stream);
  ack.unsubscribed = ack_list((parts & kUnsubscribed) != 0, &RawReader::ack_index);
  return ack;
}

}  // namespace deltamesh
