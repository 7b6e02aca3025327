// engine/codec_decode.cc - frames to messages that keep every rule which needs no node to judge.
#include <capnp/serialize-packed.h>
#include <kj/exception.h>
#include <kj/io.h>

#include <algorithm>
#include <limits>

#include "engine/codec.h"
#include "engine/codec_hello.h"
#include "engine/codec_ranges.h"
#include "engine/protocol.capnp.h"
#include "engine/raw_part.h"
#include "engine/validate.h"

namespace deltamesh {
namespace {

Error invalid(std::string text) {
  return {ErrorCode::kInvalid, std::move(text)};
}

// A control part of no bytes stands for a message of defaults: one segment of one word, a null root.
constexpr std::uint8_t kPackedDefaults[] = {0x10, 0x01, 0x00, 0x00};

kj::ArrayPtr<const kj::byte> packed_bytes(ByteView control) {
  if (control.empty()) return {kPackedDefaults, sizeof(kPackedDefaults)};
  return {reinterpret_cast<const kj::byte*>(control.data()), control.size()};
}

// Bounds what a message may claim to unpack to before memory is taken for it, and what reading it may visit.
capnp::ReaderOptions bounded_by(std::size_t packed_size) {
  const std::size_t unpacked_max =
      std::min(limits::kControlExpansionMax * packed_size, limits::kControlUnpackedBytesMax);
  capnp::ReaderOptions options;
  options.traversalLimitInWords = unpacked_max / sizeof(capnp::word);
  options.nestingLimit = 4;
  return options;
}

Result<Message> read(wire::Hello::Reader in, RawReader&) {
  return read_hello(in);
}

Result<Message> read(wire::Frontier::Reader in, RawReader& raw) {
  message::Frontier frontier;
  frontier.last = in.getLast();
  const auto base = std::as_bytes(std::span(in.getBase().begin(), in.getBase().size()));
  if (!base.empty() && base.size() != message::kDigestBytes)
    return invalid("base of " + std::to_string(base.size()) + " bytes, must be 16 or 0");
  frontier.base.assign(base.begin(), base.end());
  raw.check(check_at_most(in.getEntries(), limits::kStreamsPerFrame, "streams in a frontier"));
  for (std::uint32_t i = 0; i < in.getEntries() && raw.ok(); ++i) {
    frontier.entries.push_back(raw.frontier_entry());
  }
  return Message{std::move(frontier)};
}

std::vector<SeriesDecl> read_declarations(std::uint32_t count, RawReader& raw) {
  std::vector<SeriesDecl> decls;
  raw.check(check_at_most(count, limits::kSeriesPerStreamMax, "declarations"));
  for (std::uint32_t i = 0; i < count && raw.ok(); ++i) decls.push_back(raw.declaration());
  return decls;
}

Status check_block(ByteView block) {
  if (block.empty()) return invalid("delta: no block");
  return check_at_most(block.size(), limits::kBlock.bytes_max, "bytes of block");
}

Result<Message> read(wire::Delta::Reader, RawReader& raw) {
  message::Delta delta = raw.delta();
  const ByteView block = raw.rest();
  raw.check(check_block(block));
  if (raw.ok()) delta.block.assign(block.begin(), block.end());
  return Message{std::move(delta)};
}

Result<Message> read(wire::MapDelta::Reader, RawReader& raw) {
  return Message{raw.map_delta()};
}

Result<Message> read(wire::Ack::Reader in, RawReader& raw) {
  message::Ack ack;
  ack.credit = in.getCredit();
  ack.leads = in.getLeads();
  for (const std::uint32_t count :
       {in.getStreams(), in.getHaves(), in.getSubscribed(), in.getUnsubscribed()}) {
    raw.check(check_at_most(count, limits::kStreamsPerFrame, "streams in an acknowledgement"));
  }
  raw.check(check_at_most(in.getMapDeltas(), limits::kMapDeltasPerAck, "map deltas in an acknowledgement"));
  for (unsigned i = 0; i < in.getStreams() && raw.ok(); ++i) ack.streams.push_back(raw.ack_stream());
  for (unsigned i = 0; i < in.getMapDeltas() && raw.ok(); ++i) {
    ack.map_deltas.push_back(raw.number("map delta", std::numeric_limits<std::uint32_t>::max()));
  }
  for (unsigned i = 0; i < in.getHaves() && raw.ok(); ++i) ack.haves.push_back(raw.ack_have());
  for (unsigned i = 0; i < in.getSubscribed() && raw.ok(); ++i) ack.subscribed.push_back(raw.ack_stream());
  for (unsigned i = 0; i < in.getUnsubscribed() && raw.ok(); ++i) {
    ack.unsubscribed.push_back(raw.number("stream index", limits::kStreamsMax - 1));
  }
  return Message{std::move(ack)};
}

Result<Message> read(wire::SeriesWanted::Reader in, RawReader& raw) {
  message::SeriesWanted wanted;
  wanted.stream = raw.stream_id();
  raw.check(check_at_most(in.getNumbers(), limits::kSeriesPerStreamMax, "series wanted"));
  for (std::uint32_t i = 0; i < in.getNumbers() && raw.ok(); ++i) {
    const SeriesNo number = raw.number("series number", std::numeric_limits<SeriesNo>::max());
    // Ascending, so that a short question cannot ask for one long answer many times.
    if (!wanted.numbers.empty() && number <= wanted.numbers.back())
      raw.check(invalid("series are not ascending"));
    wanted.numbers.push_back(number);
  }
  return Message{std::move(wanted)};
}

Result<Message> read(wire::SeriesGiven::Reader in, RawReader& raw) {
  message::SeriesGiven given;
  given.stream = raw.stream_id();
  given.declarations = read_declarations(in.getDeclarations(), raw);
  return Message{std::move(given)};
}

Result<Message> read(wire::Ping::Reader, RawReader&) {
  return Message{message::Ping{}};
}
Result<Message> read(wire::Pong::Reader, RawReader&) {
  return Message{message::Pong{}};
}

// A code of a newer peer ends the session like any other.
ErrorCode error_code(std::uint16_t number) {
  const auto code = check_enum(number, ErrorCode::kForked, "code");
  return code ? *code : ErrorCode::kUnsupported;
}

Result<Message> read(wire::Goodbye::Reader in, RawReader&) {
  message::Goodbye goodbye{error_code(in.getCode()), std::string(in.getText().begin(), in.getText().size())};
  if (const auto fine = check_text(goodbye.text, limits::kTextBytesMax, "reason"); !fine) return fine.error();
  return Message{std::move(goodbye)};
}

Result<Message> finished(Result<Message> message, const RawReader& raw, std::size_t control_left) {
  if (!message) return message;
  if (control_left != 0)
    return invalid(std::to_string(control_left) + " bytes are left over in the control part");
  if (const Status status = raw.finish(); !status) return status.error();
  return message;
}

// The destructor of the reader may throw, since it skips what the message claims to have and nobody looked
// at. The answer is therefore not a return value: compilers forget to destroy one when that happens.
template <class Struct>
void read_struct(kj::ArrayInputStream& in, capnp::ReaderOptions options, RawReader& raw,
                 std::optional<Result<Message>>& message) {
  capnp::word scratch[64];
  capnp::PackedMessageReader reader(in, options, kj::ArrayPtr<capnp::word>(scratch, 64));
  message.emplace(read(reader.getRoot<Struct>(), raw));
}

template <class Struct>
Result<Message> read_payload(ByteView control, ByteView raw_part) {
  const auto packed = packed_bytes(control);
  kj::ArrayInputStream in(packed);
  RawReader raw(raw_part);
  std::optional<Result<Message>> message;
  read_struct<Struct>(in, bounded_by(packed.size()), raw, message);
  return finished(*std::move(message), raw, in.tryGetReadBuffer().size());
}

using PayloadReader = Result<Message> (*)(ByteView control, ByteView raw_part);

PayloadReader reader_of(std::uint8_t type) {
  switch (FrameType{type}) {
    case FrameType::kHello: return read_payload<wire::Hello>;
    case FrameType::kFrontier: return read_payload<wire::Frontier>;
    case FrameType::kDelta: return read_payload<wire::Delta>;
    case FrameType::kMapDelta: return read_payload<wire::MapDelta>;
    case FrameType::kAck: return read_payload<wire::Ack>;
    case FrameType::kSeriesWanted: return read_payload<wire::SeriesWanted>;
    case FrameType::kSeriesGiven: return read_payload<wire::SeriesGiven>;
    case FrameType::kPing: return read_payload<wire::Ping>;
    case FrameType::kPong: return read_payload<wire::Pong>;
    case FrameType::kGoodbye: return read_payload<wire::Goodbye>;
    case FrameType::kRangeQuestion: return read_payload<wire::RangeQuestion>;
    case FrameType::kRangeAnswer: return read_payload<wire::RangeAnswer>;
    case FrameType::kMapQuestion: return read_payload<wire::MapQuestion>;
    case FrameType::kMapAnswer: return read_payload<wire::MapAnswer>;
  }
  return nullptr;
}

Result<Message> guarded(PayloadReader read_it, ByteView control, ByteView raw_part) {
  try {
    return read_it(control, raw_part);
  } catch (const kj::Exception& exception) {
    return invalid("control part: " + std::string(exception.getDescription().cStr()));
  }
}

}  // namespace

Result<std::optional<Message>> decode(ByteView frame) {
  if (frame.size() < kFrameHeadBytes) {
    return invalid("frame of " + std::to_string(frame.size()) + " bytes, a head has " +
                   std::to_string(kFrameHeadBytes));
  }
  const auto head = decode_head(frame);
  if (!head) return head.error();
  const ByteView payload = frame.subspan(kFrameHeadBytes);
  if (payload.size() != head->payload_bytes) {
    return invalid("frame with a payload of " + std::to_string(payload.size()) + " bytes, its head says " +
                   std::to_string(head->payload_bytes));
  }
  const PayloadReader read_it = reader_of(head->type);
  if (read_it == nullptr) {
    if ((head->flags & kFrameCritical) == 0) return std::optional<Message>();
    return Error{ErrorCode::kUnsupported, "frame of unknown type " + std::to_string(head->type)};
  }
  auto message = guarded(read_it, payload.first(head->control_bytes), payload.subspan(head->control_bytes));
  if (!message) {
    return Error{message.error().code,
                 "frame of type " + std::to_string(head->type) + ": " + message.error().text};
  }
  return std::optional<Message>(*std::move(message));
}

}  // namespace deltamesh
