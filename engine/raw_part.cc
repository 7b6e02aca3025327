// engine/raw_part.cc - items to bytes, and bytes to items that keep every rule.
#include "engine/raw_part.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "engine/validate.h"

namespace deltamesh {
namespace {

template <std::size_t N>
void put_array(Bytes& out, const std::array<std::uint8_t, N>& bytes) {
  const auto view = std::as_bytes(std::span(bytes));
  out.insert(out.end(), view.begin(), view.end());
}

}  // namespace

void put_stream_id(Bytes& out, const StreamId& stream) {
  put_fixed64(out, static_cast<std::uint64_t>(stream.dataset));
  out.push_back(static_cast<std::byte>(stream.cls));
  put_array(out, stream.node.bytes);
  put_array(out, stream.incarnation.bytes);
}

void put_stream_ref(Bytes& out, const message::StreamRef& ref) {
  put_varint(out, std::uint64_t{ref.index} << 1 | (ref.stream ? 1u : 0u));
  if (ref.stream) put_stream_id(out, *ref.stream);
}

void put_declaration(Bytes& out, const SeriesDecl& decl) {
  put_varint(out, decl.number);
  put_varint(out, static_cast<std::uint64_t>(decl.type));
  put_string(out, decl.name);
  put_string(out, decl.unit);
}

void put_knowledge(Bytes& out, const StreamKnowledge& known) {
  known.held().encode(out);
  known.voided().encode(out);
  put_varint(out, known.head());
  put_varint(out, known.declared());
  if (known.dropped().empty() && known.lost().empty()) return;
  known.dropped().encode(out);
  known.lost().encode(out);
}

void put_item(Bytes& out, const message::Frontier::Entry& entry) {
  put_stream_ref(out, entry.ref);
  entry.held.encode(out);
  entry.voided.encode(out);
  put_varint(out, entry.head);
  put_varint(out, entry.settled);
}

std::uint32_t put_given(Bytes& out, const std::vector<message::Frontier::Entry>& entries) {
  std::uint32_t count = 0;
  for (std::size_t place = 0; place < entries.size(); ++place) {
    const auto& entry = entries[place];
    if (entry.dropped.empty() && entry.lost.empty()) continue;
    put_varint(out, place);
    entry.dropped.encode(out);
    entry.lost.encode(out);
    ++count;
  }
  return count;
}

void put_item(Bytes& out, const message::Frontier::Past& past) {
  put_fixed64(out, static_cast<std::uint64_t>(past.of.dataset));
  put_array(out, past.of.node.bytes);
  std::uint64_t there = 0;
  for (std::size_t part = 0; part < kPastParts; ++part) there |= std::uint64_t{past.sums[part] != 0} << part;
  put_varint(out, there);
  for (const std::uint64_t sum : past.sums) {
    if (sum != 0) put_fixed64(out, sum);
  }
}

void put_tier_ack(Bytes& out, const message::TierAck& ack) {
  put_array(out, ack.acker.node.bytes);
  put_array(out, ack.acker.incarnation.bytes);
  put_varint(out, ack.streams.size() << 1 | (ack.ended ? 1u : 0u));
  for (const auto& [index, dots] : ack.streams) {
    put_varint(out, index);
    dots.encode(out);
  }
}

void RawReader::refuse(ErrorCode code, std::string text) {
  if (!error_) error_ = Error{code, std::move(text)};
  in_ = {};
}

void RawReader::check(const Status& status) {
  if (!status) refuse(status.error().code, status.error().text);
}

std::uint64_t RawReader::number(const char* what) {
  std::uint64_t value = 0;
  if (get_varint(in_, value)) return value;
  refuse(ErrorCode::kInvalid, std::string(what) + " is cut short or not canonical");
  return 0;
}

std::uint32_t RawReader::number(const char* what, std::uint32_t max) {
  return within(number(what), what, max);
}

std::uint32_t RawReader::within(std::uint64_t value, const char* what, std::uint32_t max) {
  if (value <= max) return static_cast<std::uint32_t>(value);
  refuse(ErrorCode::kLimit,
         std::string(what) + " " + std::to_string(value) + ", at most " + std::to_string(max));
  return 0;
}

Seq RawReader::seq(const char* what) {
  const Seq value = number(what);
  check(check_seq(value));
  return ok() ? value : 0;
}

template <std::size_t N>
void RawReader::fill(std::array<std::uint8_t, N>& bytes) {
  if (in_.size() < N) return refuse(ErrorCode::kInvalid, "a stream id is cut short");
  std::transform(in_.begin(), in_.begin() + N, bytes.begin(), std::to_integer<std::uint8_t>);
  in_ = in_.subspan(N);
}

StreamId RawReader::stream_id() {
  StreamId stream;
  std::uint64_t dataset = 0;
  std::array<std::uint8_t, 1> number{};
  if (!get_fixed64(in_, dataset)) refuse(ErrorCode::kInvalid, "a stream id is cut short");
  fill(number);
  fill(stream.node.bytes);
  fill(stream.incarnation.bytes);
  const auto cls = check_enum(number[0], StreamClass::kLog, "stream class");
  if (!cls) refuse(cls.error().code, cls.error().text);
  if (!ok()) return {};
  stream.dataset = DatasetId{dataset};
  stream.cls = *cls;
  return stream;
}

DatasetId RawReader::dataset() {
  std::uint64_t number = 0;
  if (!get_fixed64(in_, number)) refuse(ErrorCode::kInvalid, "a dataset is cut short");
  return DatasetId{number};
}

message::StreamRef RawReader::stream_ref() {
  constexpr std::uint32_t kIndexMax = limits::kStreamsMax - 1;
  const std::uint32_t tagged = number("stream index with its mark", kIndexMax << 1 | 1);
  message::StreamRef ref;
  ref.index = tagged >> 1;
  if ((tagged & 1) != 0) ref.stream = stream_id();
  return ref;
}

IntervalSet RawReader::intervals() {
  if (!ok()) return {};
  auto set = IntervalSet::decode(in_, limits::kIntervalsMax);
  if (set) check(check_seq(set->last()));
  if (set) return *std::move(set);
  refuse(set.error().code, set.error().text + " (at most " + std::to_string(limits::kIntervalsMax) + ")");
  return {};
}

SeriesDecl RawReader::declaration() {
  SeriesDecl decl;
  decl.number = number("series number", std::numeric_limits<SeriesNo>::max());
  const auto type = check_enum(number("value type"), ValueType::kBytes, "value type");
  if (!type) refuse(type.error().code, type.error().text);
  if (!get_string(in_, decl.name, in_.size()) || !get_string(in_, decl.unit, in_.size())) {
    refuse(ErrorCode::kInvalid, "a series name or unit is cut short");
  }
  if (!ok()) return {};
  decl.type = *type;
  check(check_series(decl));
  return decl;
}

message::Frontier::Entry RawReader::frontier_entry() {
  message::Frontier::Entry entry;
  entry.ref = stream_ref();
  entry.held = intervals();
  entry.voided = intervals();
  entry.head = seq("head");
  entry.settled = number("settled number");
  check(check_settled(entry.settled, entry.head));
  return entry;
}

// Ascending by the places of the entries, so that each is named once.
void RawReader::given(std::uint32_t count, std::vector<message::Frontier::Entry>& entries) {
  std::uint64_t next = 0;
  for (std::uint32_t i = 0; i < count && ok(); ++i) {
    const std::uint64_t place = number("place of an entry");
    if (place < next || place >= entries.size())
      return refuse(ErrorCode::kInvalid, "what was given up of an entry that is not there");
    next = place + 1;
    entries[place].dropped = intervals();
    entries[place].lost = intervals();
  }
}

message::Frontier::Past RawReader::past() {
  message::Frontier::Past past;
  past.of.dataset = dataset();
  fill(past.of.node.bytes);
  const std::uint32_t there = number("parts of a sum", (1u << kPastParts) - 1);
  for (std::size_t part = 0; part < kPastParts && ok(); ++part) {
    if ((there >> part & 1) == 0) continue;
    if (!get_fixed64(in_, past.sums[part]) || past.sums[part] == 0)
      refuse(ErrorCode::kInvalid, "a sum is cut short or 0");
  }
  return past;
}

Bytes RawReader::digest() {
  if (ok() && in_.size() < message::kDigestBytes) refuse(ErrorCode::kInvalid, "a digest is cut short");
  if (!ok()) return {};
  const ByteView taken = in_.first(message::kDigestBytes);
  in_ = in_.subspan(message::kDigestBytes);
  return {taken.begin(), taken.end()};
}

message::TierAck RawReader::tier_ack() {
  message::TierAck ack;
  fill(ack.acker.node.bytes);
  fill(ack.acker.incarnation.bytes);
  const std::uint32_t tagged = number("streams of a tier's ack", 2 * limits::kStreamsPerFrame + 1);
  ack.ended = (tagged & 1) != 0;
  for (std::uint32_t left = tagged >> 1; left > 0 && ok(); --left) {
    const std::uint32_t index = number("stream index", limits::kStreamsMax - 1);
    ack.streams.push_back({index, intervals()});
  }
  return ack;
}

ByteView RawReader::rest() {
  return std::exchange(in_, {});
}

Status RawReader::finish() const {
  if (error_) return *error_;
  if (in_.empty()) return Done{};
  return Error{ErrorCode::kInvalid, std::to_string(in_.size()) + " bytes are left over"};
}

}  // namespace deltamesh
