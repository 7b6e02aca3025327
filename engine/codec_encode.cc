// engine/codec_encode.cc - messages to frames.
#include <capnp/message.h>
#include <capnp/serialize-packed.h>
#include <kj/io.h>

#include <cassert>
#include <utility>

#include "crdt/varint.h"
#include "engine/codec.h"
#include "engine/protocol.capnp.h"
#include "engine/raw_part.h"
#include "engine/validate.h"

namespace deltamesh {
namespace {

constexpr bool kMayBeSkipped = true;  // By an older peer that does not know the frame.

constexpr std::size_t kPackedBytesUsual = 128;

// A frame without a control part: raw items, and a block.
Bytes raw_frame(FrameHead head, const Bytes& raw, ByteView block = {}) {
  assert(raw.size() + block.size() <= limits::kFrameBytesMax);
  return make_frame(head, {raw, block});
}

// Assembles one frame: a control part of one struct, and raw items.
class FrameWriter {
 public:
  explicit FrameWriter(FrameType type, bool optional = false) : type_(type), optional_(optional) {}

  // Must be called once.
  template <class Struct>
  typename Struct::Builder control() {
    return message_.initRoot<Struct>();
  }
  Bytes& raw() { return raw_; }
  Bytes finish();

 private:
  FrameType type_;
  bool optional_;
  capnp::word first_segment_[64]{};  // Holds every control part but a HELLO's; must be zero.
  capnp::MallocMessageBuilder message_{kj::ArrayPtr<capnp::word>(first_segment_, 64)};
  Bytes raw_;
};

Bytes FrameWriter::finish() {
  kj::VectorOutputStream packed(kPackedBytesUsual);
  capnp::writePackedMessage(packed, message_);
  const ByteView control = std::as_bytes(std::span(packed.getArray().begin(), packed.getArray().size()));
  Bytes front;
  put_varint(front, control.size());
  assert(control.size() <= limits::kControlBytesMax &&
         front.size() + control.size() + raw_.size() <= limits::kFrameBytesMax);
  return make_frame({type_, optional_, true}, {front, control, raw_});
}

template <std::size_t N>
capnp::Data::Reader data(const std::array<std::uint8_t, N>& bytes) {
  return {bytes.data(), bytes.size()};
}

capnp::Data::Reader data(const Bytes& bytes) {
  return {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
}

capnp::Data::Reader data(const std::vector<std::uint8_t>& bytes) {
  return {bytes.data(), bytes.size()};
}

// A text that is kept as one line for people; capnp needs the terminating zero that std::string has.
capnp::Text::Reader text(const std::string& readable) {
  return {readable.c_str(), readable.size()};
}

void fill(wire::Dataset::Builder out, const DatasetConfig& dataset) {
  out.setName(text(dataset.name));
  out.setKind(static_cast<std::uint8_t>(dataset.kind));
  out.setResolution(static_cast<std::uint8_t>(dataset.resolution));
  out.setStreamClass(static_cast<std::uint8_t>(dataset.cls));
  out.setScope(static_cast<std::uint8_t>(dataset.scope));
}

void fill(wire::OwnStream::Builder out, const message::Hello::OwnStream& own) {
  out.setDataset(static_cast<std::uint64_t>(own.stream.dataset));
  out.setStreamClass(static_cast<std::uint8_t>(own.stream.cls));
  out.setHead(own.head);
  if (!own.last_cell.empty()) out.setLastCell(data(own.last_cell));
}

void fill_lists(wire::Hello::Builder out, const message::Hello& hello) {
  auto datasets = out.initDatasets(static_cast<unsigned>(hello.datasets.size()));
  for (unsigned i = 0; i < datasets.size(); ++i) fill(datasets[i], hello.datasets[i]);
  auto own = out.initOwn(static_cast<unsigned>(hello.own.size()));
  for (unsigned i = 0; i < own.size(); ++i) {
    const StreamId& stream = hello.own[i].stream;
    assert(stream.node == hello.identity.node);
    fill(own[i], hello.own[i]);
    if (stream.incarnation != hello.identity.incarnation)
      own[i].setIncarnation(data(stream.incarnation.bytes));
  }
}

Bytes encode_message(const message::Hello& hello) {
  FrameWriter writer(FrameType::kHello);
  auto out = writer.control<wire::Hello>();
  out.setVersionMin(hello.version_min);
  out.setVersionMax(hello.version_max);
  out.setCredit(hello.credit);
  out.setFleet(data(hello.fleet.bytes));
  out.setNode(data(hello.identity.node.bytes));
  out.setIncarnation(data(hello.identity.incarnation.bytes));
  out.setSoftware(text(presentable(hello.software, limits::kTextBytesMax)));
  out.setCodecs(data(hello.codecs));
  fill_lists(out, hello);
  if (!hello.resume_token.empty()) out.setResumeToken(data(hello.resume_token));
  if (!hello.knowledge.empty()) out.setKnowledge(data(hello.knowledge));
  out.setQuiet(hello.quiet);
  if (!hello.rules.empty()) out.setRules(data(hello.rules));
  return writer.finish();
}

Bytes encode_message(const message::Frontier& frontier) {
  FrameWriter writer(FrameType::kFrontier);
  auto out = writer.control<wire::Frontier>();
  out.setEntries(static_cast<std::uint32_t>(frontier.entries.size()));
  out.setLast(frontier.last);
  if (!frontier.base.empty()) out.setBase(data(frontier.base));
  for (const auto& entry : frontier.entries) put_item(writer.raw(), entry);
  out.setGiven(static_cast<std::uint16_t>(put_given(writer.raw(), frontier.entries)));
  out.setPasts(static_cast<std::uint8_t>(frontier.pasts.size()));
  for (const auto& past : frontier.pasts) put_item(writer.raw(), past);
  out.setRemembers(!frontier.remembered.empty());
  writer.raw().insert(writer.raw().end(), frontier.remembered.begin(), frontier.remembered.end());
  return writer.finish();
}

Bytes encode_message(const message::Delta& delta) {
  return encode_delta(delta, delta.block);
}

Bytes encode_message(const message::MapDelta& delta) {
  Bytes raw;
  put_map_delta(raw, delta);
  return raw_frame({FrameType::kMapDelta}, raw);
}

Bytes encode_message(const message::Ack& ack) {
  Bytes raw;
  put_ack(raw, ack);
  return raw_frame({FrameType::kAck}, raw);
}

Bytes encode_message(const message::SeriesWanted& wanted) {
  FrameWriter writer(FrameType::kSeriesWanted);
  writer.control<wire::SeriesWanted>().setNumbers(static_cast<std::uint32_t>(wanted.numbers.size()));
  put_stream_id(writer.raw(), wanted.stream);
  for (const SeriesNo number : wanted.numbers) put_varint(writer.raw(), number);
  return writer.finish();
}

Bytes encode_message(const message::SeriesGiven& given) {
  FrameWriter writer(FrameType::kSeriesGiven);
  writer.control<wire::SeriesGiven>().setDeclarations(static_cast<std::uint32_t>(given.declarations.size()));
  put_stream_id(writer.raw(), given.stream);
  for (const SeriesDecl& decl : given.declarations) put_declaration(writer.raw(), decl);
  return writer.finish();
}

Bytes encode_message(const message::Ping&) {
  return raw_frame({FrameType::kPing}, {});
}
Bytes encode_message(const message::Pong&) {
  return raw_frame({FrameType::kPong}, {});
}

Bytes encode_message(const message::TierAck& ack) {
  Bytes raw;
  put_tier_ack(raw, ack);
  return raw_frame({FrameType::kTierAck, kMayBeSkipped}, raw);
}

Bytes encode_message(const message::ClockAhead& ahead) {
  Bytes raw;
  put_varint(raw, static_cast<std::uint64_t>(ahead.time.count()));
  return raw_frame({FrameType::kClockAhead, kMayBeSkipped}, raw);
}

Bytes encode_message(const message::Floor& told) {
  Bytes raw;
  put_fixed64(raw, static_cast<std::uint64_t>(told.dataset));
  encode_floor(raw, told.floor);
  return raw_frame({FrameType::kMapFloor}, raw);
}

Bytes encode_message(const message::Goodbye& goodbye) {
  FrameWriter writer(FrameType::kGoodbye);
  auto out = writer.control<wire::Goodbye>();
  out.setCode(static_cast<std::uint16_t>(goodbye.code));
  out.setText(text(presentable(goodbye.text, limits::kTextBytesMax)));
  return writer.finish();
}

Bytes encode_message(const message::RangeQuestion& question) {
  FrameWriter writer(FrameType::kRangeQuestion, kMayBeSkipped);
  auto out = writer.control<wire::RangeQuestion>();
  out.setNumber(question.number);
  out.setRanges(static_cast<std::uint16_t>(question.ranges.size()));
  if (!question.rules.empty()) out.setRules(data(question.rules));
  put_stream_ref(writer.raw(), question.ref);
  put_varint(writer.raw(), question.upto);
  put_ranges(writer.raw(), question.ranges);
  return writer.finish();
}

Bytes encode_message(const message::RangeAnswer& answer) {
  FrameWriter writer(FrameType::kRangeAnswer, kMayBeSkipped);
  auto out = writer.control<wire::RangeAnswer>();
  out.setNumber(answer.number);
  out.setParts(static_cast<std::uint16_t>(answer.parts.size()));
  out.setOtherRules(answer.other_rules);
  put_varint(writer.raw(), answer.index);
  put_varint(writer.raw(), answer.upto);
  for (const auto& part : answer.parts) put_item(writer.raw(), part);
  return writer.finish();
}

Bytes encode_message(const message::MapQuestion& question) {
  FrameWriter writer(FrameType::kMapQuestion, kMayBeSkipped);
  auto out = writer.control<wire::MapQuestion>();
  out.setNumber(question.number);
  out.setRanges(static_cast<std::uint16_t>(question.ranges.size()));
  if (!question.knowledge.empty()) out.setKnowledge(data(question.knowledge));
  if (question.after) {
    Bytes after;
    put_stream_id(after, *question.after);
    out.setAfter(data(std::as_const(after)));
  }
  put_fixed64(writer.raw(), static_cast<std::uint64_t>(question.dataset));
  put_map_ranges(writer.raw(), question.ranges);
  return writer.finish();
}

Bytes encode_message(const message::MapAnswer& answer) {
  FrameWriter writer(FrameType::kMapAnswer, kMayBeSkipped);
  auto out = writer.control<wire::MapAnswer>();
  out.setNumber(answer.number);
  out.setKind(static_cast<std::uint8_t>(answer.kind));
  out.setKnowing(static_cast<std::uint8_t>(answer.knowing));
  out.setKnown(static_cast<std::uint16_t>(answer.known.size()));
  out.setStreams(static_cast<std::uint16_t>(answer.streams.size()));
  out.setParts(static_cast<std::uint16_t>(answer.parts.size()));
  put_map_answer(writer.raw(), answer);
  return writer.finish();
}

}  // namespace

Bytes encode(const Message& message) {
  return std::visit([](const auto& one) { return encode_message(one); }, message);
}

Bytes encode_delta(const message::Delta& delta, ByteView block) {
  Bytes raw;
  put_delta(raw, delta);
  return raw_frame({FrameType::kDelta}, raw, block);
}

}  // namespace deltamesh
