// engine/codec_decode.cc - frames to messages that keep every rule which needs no node to judge.
#include <capnp/serialize-packed.h>
#include <kj/exception.h>
#include <kj/io.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "crdt/varint.h"
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
  raw.given(in.getGiven(), frontier.entries);
  for (std::uint32_t i = 0; i < in.getPasts() && raw.ok(); ++i) frontier.pasts.push_back(raw.past());
  if (in.getRemembers()) frontier.remembered = raw.digest();
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

Result<Message> read(wire::Ack::Reader, RawReader& raw) {
  return Message{raw.ack()};
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

Result<Message> read(wire::TierAck::Reader, RawReader& raw) {
  return Message{raw.tier_ack()};
}

Result<Message> read(wire::ClockAhead::Reader, RawReader& raw) {
  const std::uint64_t time = raw.number("time");
  raw.check(check_at_most(time, kStampMillisecondsMax, "milliseconds since 1970"));
  return Message{message::ClockAhead{std::chrono::milliseconds(static_cast<std::int64_t>(time))}};
}

Result<Message> read(wire::MapFloor::Reader, RawReader& raw) {
  message::Floor told;
  told.dataset = raw.dataset();
  const auto floor = decode_floor(raw.rest(), told.dataset, limits::kIntervalsMax);
  if (!floor) return floor.error();
  told.floor = *floor;
  if (told.floor.empty()) raw.check(invalid("floor of a map: no stamp"));
  return Message{std::move(told)};
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

// A frame without a control part is a message of defaults.
template <class Struct>
Result<Message> read_payload(ByteView control, ByteView raw_part) {
  RawReader raw(raw_part);
  if (control.empty()) return finished(read(typename Struct::Reader(), raw), raw, 0);
  kj::ArrayInputStream in({reinterpret_cast<const kj::byte*>(control.data()), control.size()});
  std::optional<Result<Message>> message;
  read_struct<Struct>(in, bounded_by(control.size()), raw, message);
  return finished(*std::move(message), raw, in.tryGetReadBuffer().size());
}

using PayloadReader = Result<Message> (*)(ByteView control, ByteView raw_part);

PayloadReader reader_of(FrameType type) {
  switch (type) {
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
    case FrameType::kTierAck: return read_payload<wire::TierAck>;
    case FrameType::kClockAhead: return read_payload<wire::ClockAhead>;
    case FrameType::kMapFloor: return read_payload<wire::MapFloor>;
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

// Takes the control part from the front of the payload.
Result<ByteView> take_control(ByteView& payload) {
  std::uint64_t bytes = 0;
  if (!get_varint(payload, bytes)) return invalid("the length of the control part is cut short");
  if (const Status fine = check_at_most(bytes, limits::kControlBytesMax, "bytes of control part"); !fine)
    return fine.error();
  if (bytes > payload.size()) {
    return invalid("control part of " + std::to_string(bytes) + " bytes where " +
                   std::to_string(payload.size()) + " are left");
  }
  const ByteView control = payload.first(static_cast<std::size_t>(bytes));
  payload = payload.subspan(control.size());
  return control;
}

Result<Message> read_frame(PayloadReader read_it, bool has_control, ByteView payload) {
  if (!has_control) return guarded(read_it, {}, payload);
  const auto control = take_control(payload);
  if (!control) return control.error();
  return guarded(read_it, *control, payload);
}

}  // namespace

Result<std::optional<Message>> decode(ByteView frame) {
  ByteView payload = frame;
  const auto taken = take_head(payload);
  if (!taken) return taken.error();
  if (!*taken) return invalid("frame of " + std::to_string(frame.size()) + " bytes ends in its head");
  const FrameHead& head = **taken;
  if (payload.size() != head.payload_bytes) {
    return invalid("frame with a payload of " + std::to_string(payload.size()) + " bytes, its head says " +
                   std::to_string(head.payload_bytes));
  }
  const auto type = [&head] { return std::to_string(static_cast<unsigned>(head.type)); };
  const PayloadReader read_it = reader_of(head.type);
  if (read_it == nullptr) {
    if (head.optional) return std::optional<Message>();
    return Error{ErrorCode::kUnsupported, "frame of unknown type " + type()};
  }
  auto message = read_frame(read_it, head.has_control, payload);
  if (!message) return Error{message.error().code, "frame of type " + type() + ": " + message.error().text};
  return std::optional<Message>(*std::move(message));
}

}  // namespace deltamesh
