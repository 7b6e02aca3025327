// tests/versions/next_codec.cc - control parts from one schema to the other; raw parts as they are.
#include "tests/versions/next_codec.h"

#include <capnp/message.h>
#include <capnp/serialize-packed.h>
#include <kj/exception.h>
#include <kj/io.h>

#include "crdt/varint.h"
#include "engine/protocol.capnp.h"
#include "next_protocol.capnp.h"
#include "tests/versions/next_fields.h"

namespace deltamesh::versions {
namespace {

using capnp::DynamicStruct;

struct Schemas {
  capnp::StructSchema ours, next;
};

template <class Ours, class Next>
Schemas both() {
  return {capnp::Schema::from<Ours>(), capnp::Schema::from<Next>()};
}

Schemas schemas_of(FrameType type) {
  switch (type) {
    case FrameType::kHello: return both<wire::Hello, next_wire::Hello>();
    case FrameType::kFrontier: return both<wire::Frontier, next_wire::Frontier>();
    case FrameType::kDelta: return both<wire::Delta, next_wire::Delta>();
    case FrameType::kMapDelta: return both<wire::MapDelta, next_wire::MapDelta>();
    case FrameType::kAck: return both<wire::Ack, next_wire::Ack>();
    case FrameType::kSeriesWanted: return both<wire::SeriesWanted, next_wire::SeriesWanted>();
    case FrameType::kSeriesGiven: return both<wire::SeriesGiven, next_wire::SeriesGiven>();
    case FrameType::kPing: return both<wire::Ping, next_wire::Ping>();
    case FrameType::kPong: return both<wire::Pong, next_wire::Pong>();
    case FrameType::kRangeQuestion: return both<wire::RangeQuestion, next_wire::RangeQuestion>();
    case FrameType::kRangeAnswer: return both<wire::RangeAnswer, next_wire::RangeAnswer>();
    case FrameType::kMapQuestion: return both<wire::MapQuestion, next_wire::MapQuestion>();
    case FrameType::kMapAnswer: return both<wire::MapAnswer, next_wire::MapAnswer>();
    case FrameType::kClockAhead: return both<wire::ClockAhead, next_wire::ClockAhead>();
    case FrameType::kTierAck: return both<wire::TierAck, next_wire::TierAck>();
    case FrameType::kMapFloor: return both<wire::MapFloor, next_wire::MapFloor>();
    case FrameType::kGoodbye: break;
  }
  return both<wire::Goodbye, next_wire::Goodbye>();
}

// A frame with its control part unpacked by the next schema.
struct Opened {
  explicit Opened(ByteView frame)
      : raw(frame), head(**take_head(raw)), schemas(schemas_of(head.type)), control(take_control()) {
    auto all = message.initRoot<DynamicStruct>(schemas.next);
    if (control.empty()) return;
    kj::ArrayInputStream in({reinterpret_cast<const kj::byte*>(control.data()), control.size()});
    capnp::PackedMessageReader reader(in);
    copy_known(reader.getRoot<DynamicStruct>(schemas.next), all);
  }
  DynamicStruct::Builder root() { return message.getRoot<DynamicStruct>(schemas.next); }

  ByteView raw;  // What is left of the frame.
  FrameHead head;
  Schemas schemas;
  ByteView control;
  capnp::MallocMessageBuilder message;

 private:
  ByteView take_control() {
    std::uint64_t bytes = 0;
    if (!head.has_control || !get_varint(raw, bytes) || bytes > raw.size()) return {};
    const ByteView taken = raw.first(bytes);
    raw = raw.subspan(bytes);
    return taken;
  }
};

bool has_data(FrameType type) {
  return type == FrameType::kDelta || type == FrameType::kMapDelta;
}

Bytes assembled(FrameHead head, capnp::MessageBuilder& message, ByteView raw) {
  kj::VectorOutputStream packed;
  capnp::writePackedMessage(packed, message);
  const auto control = std::as_bytes(std::span(packed.getArray().begin(), packed.getArray().size()));
  Bytes front;
  put_varint(front, control.size());
  head.has_control = true;
  return make_frame(head, {front, control, raw});
}

}  // namespace

Bytes NextCodec::said(ByteView frame) {
  Opened opened(frame);
  const FrameType type = opened.head.type;
  if (has_data(type) && !spoken_.longer_data) return {frame.begin(), frame.end()};
  fill_added(opened.root(), rng_);
  if (type == FrameType::kHello) {
    opened.root().set("versionMin", spoken_.min);
    opened.root().set("versionMax", spoken_.max);
  }
  return assembled(opened.head, opened.message, opened.raw);
}

Result<Bytes> NextCodec::heard(ByteView frame) {
  try {
    Opened opened(frame);
    if (!opened.head.has_control) return Bytes(frame.begin(), frame.end());
    if (std::string wrong = check_added(opened.root().asReader(), filled_); !wrong.empty())
      return Error{ErrorCode::kInvalid, std::move(wrong)};
    capnp::MallocMessageBuilder ours;
    copy_known(opened.root().asReader(), ours.initRoot<DynamicStruct>(opened.schemas.ours));
    return assembled(opened.head, ours, opened.raw);
  } catch (const kj::Exception& exception) {
    return Error{ErrorCode::kInvalid, exception.getDescription().cStr()};
  }
}

Bytes NextDialect::heard(ByteView frame) {
  auto understood = codec_.heard(frame);
  if (understood) return *std::move(understood);
  world_.fail("a node of the next version cannot read a frame: " + understood.error().text);
  return {frame.begin(), frame.end()};
}

}  // namespace deltamesh::versions
