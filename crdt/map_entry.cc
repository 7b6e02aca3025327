// crdt/map_entry.cc - the order of writes, and their bytes in a frame; docs/formats/map_entry.md.
#include "crdt/map_entry.h"

#include <algorithm>
#include <tuple>

#include "crdt/utf8.h"
#include "crdt/varint.h"

namespace deltamesh {
namespace {

constexpr std::uint32_t kTombstone = 1, kUntrusted = 2, kPast = 4, kEpoch = 8, kStream = 16, kFlags = 31;

auto rank(const MapVersion& v) {
  return std::tie(v.epoch, v.stamp, v.dot.stream.node, v.dot.stream.incarnation, v.dot.seq,
                  v.dot.stream.dataset, v.dot.stream.cls);
}

auto rank(const MapEntry& e) {
  return std::tie(e.version, e.tombstone, e.value, e.untrusted, e.past);
}

Error invalid(const char* text) {
  return {ErrorCode::kInvalid, text};
}

// Everything before the past.
Status decode_head(ByteView& in, std::optional<std::uint32_t>& stream_rank, MapEntry& entry,
                   std::uint32_t& flags) {
  if (!get_varint32(in, flags)) return invalid("map entry: flags cut short or not canonical");
  if ((flags & ~kFlags) != 0)
    return Error{ErrorCode::kUnsupported, "map entry: unknown flags " + std::to_string(flags)};
  if ((flags & kStream) != 0 && !get_varint32(in, stream_rank.emplace()))
    return invalid("map entry: stream cut short or not canonical");
  if (!stream_rank) return invalid("map entry: a first one without a stream");
  MapVersion& version = entry.version;
  const bool has_epoch = (flags & kEpoch) != 0;
  if (!get_varint(in, version.dot.seq) || (has_epoch && !get_varint32(in, version.epoch)) ||
      !get_fixed64(in, version.stamp.bits)) {
    return invalid("map entry: head cut short or not canonical");
  }
  if (version.dot.seq == 0) return invalid("map entry: sequence number 0");
  if (has_epoch && version.epoch == 0) return invalid("map entry: an epoch of 0 that is said");
  entry.tombstone = (flags & kTombstone) != 0;
  entry.untrusted = (flags & kUntrusted) != 0;
  return Done{};
}

std::uint32_t flags_of(const MapEntry& entry) {
  return (entry.tombstone ? kTombstone : 0) | (entry.untrusted ? kUntrusted : 0) |
         (entry.past.empty() ? 0 : kPast) | (entry.version.epoch == 0 ? 0 : kEpoch);
}

std::size_t past_bytes(const MapPast& past) {
  Bytes bytes;
  encode_past(bytes, past);
  return bytes.size();
}

bool names_twice(const std::vector<SeenWrite>& others, std::uint64_t stream) {
  return std::any_of(others.begin(), others.end(),
                     [stream](const SeenWrite& o) { return o.stream == stream; });
}

Status decode_past_of(ByteView& in, MapEntry& entry, std::size_t past_max) {
  auto past = decode_past(in, past_max);
  if (!past) return past.error();
  if (past->empty()) return invalid("map entry: a past without contents");
  if (!entry.untrusted && past->trusted != HlcStamp() && past->trusted <= entry.version.stamp)
    return invalid("map entry: a trusted clock with a stamp in its past");
  entry.past = *std::move(past);
  return Done{};
}

}  // namespace

std::strong_ordering operator<=>(const MapVersion& a, const MapVersion& b) {
  return rank(a) <=> rank(b);
}

bool wins(const MapEntry& candidate, const MapEntry& incumbent) {
  return rank(candidate) > rank(incumbent);
}

std::uint64_t stream_hash(const StreamId& stream) {
  Bytes name;
  put_fixed64(name, static_cast<std::uint64_t>(stream.dataset));
  std::string text(reinterpret_cast<const char*>(name.data()), name.size());
  text.push_back(static_cast<char>(stream.cls));
  text.append(stream.node.bytes.begin(), stream.node.bytes.end());
  text.append(stream.incarnation.bytes.begin(), stream.incarnation.bytes.end());
  return text_hash(text);
}

void encode_past(Bytes& out, const MapPast& past) {
  if (past.empty()) return;
  put_varint(out, past.trusted.bits);
  put_varint(out, past.others.size());
  for (const SeenWrite& seen : past.others) {
    put_fixed64(out, seen.stream);
    put_varint(out, seen.seq);
  }
}

Result<MapPast> decode_past(ByteView& in, std::size_t past_max) {
  MapPast past;
  std::uint64_t count = 0;
  if (!get_varint(in, past.trusted.bits) || !get_varint(in, count))
    return invalid("map entry: past cut short or not canonical");
  if (count > past_max) {
    return Error{ErrorCode::kLimit, "map entry: a past of " + std::to_string(count) + " writes, at most " +
                                        std::to_string(past_max)};
  }
  for (; count > 0; --count) {
    SeenWrite seen;
    if (!get_fixed64(in, seen.stream) || !get_varint(in, seen.seq) || seen.seq == 0)
      return invalid("map entry: past cut short, not canonical, or with number 0");
    if (names_twice(past.others, seen.stream)) return invalid("map entry: a past that names a stream twice");
    past.others.push_back(seen);
  }
  return past;
}

void encode_map_entry(Bytes& out, const MapEntry& entry, std::optional<std::uint32_t> stream_rank) {
  put_varint(out, flags_of(entry) | (stream_rank ? kStream : 0));
  if (stream_rank) put_varint(out, *stream_rank);
  put_varint(out, entry.version.dot.seq);
  if (entry.version.epoch != 0) put_varint(out, entry.version.epoch);
  put_fixed64(out, entry.version.stamp.bits);
  encode_past(out, entry.past);
  put_string(out, entry.key);
  put_string(out, entry.value);
}

std::size_t map_entry_bytes(const MapEntry& entry) {
  const auto text_bytes = [](const std::string& text) { return varint_size(text.size()) + text.size(); };
  const std::uint32_t epoch = entry.version.epoch;
  return varint_size(kFlags) + varint_size(entry.version.dot.seq) + (epoch == 0 ? 0 : varint_size(epoch)) +
         sizeof(HlcStamp) + past_bytes(entry.past) + text_bytes(entry.key) + text_bytes(entry.value);
}

Result<MapEntry> decode_map_entry(ByteView& in, std::optional<std::uint32_t>& stream_rank,
                                  const MapEntryLimits& limits) {
  MapEntry entry;
  std::uint32_t flags = 0;
  if (const Status head = decode_head(in, stream_rank, entry, flags); !head) return head.error();
  if ((flags & kPast) != 0) {
    if (const Status past = decode_past_of(in, entry, limits.past_max); !past) return past.error();
  }
  if (!get_string(in, entry.key, limits.key_bytes_max))
    return invalid("map entry: key cut short or too long");
  if (entry.key.empty()) return invalid("map entry: empty key");
  if (!valid_utf8(entry.key)) return invalid("map entry: key is not UTF-8");
  if (!get_string(in, entry.value, limits.value_bytes_max)) {
    return invalid("map entry: value cut short or too long");
  }
  if (entry.tombstone && !entry.value.empty()) return invalid("map entry: a tombstone with a value");
  return entry;
}

}  // namespace deltamesh
