// engine/raw_maps.cc - pages of map deltas to bytes, and back.
#include <optional>
#include <set>
#include <vector>

#include "engine/raw_part.h"
#include "engine/validate.h"

namespace deltamesh {
namespace {

// What a known stream says besides what is held of it.
constexpr std::uint32_t kHead = 1;       // That it is not the last that is held.
constexpr std::uint32_t kRewritten = 2;  // Which dots are.
constexpr std::uint32_t kAllBut = 4;     // All are but those of the page's entries.

// What is held of a known stream but for the page's own entries.
IntervalSet all_but_entries(const message::MapDelta& delta, const message::MapDelta::Known& known) {
  IntervalSet dots;
  for (const auto& item : delta.entries) {
    const Seq seq = item.entry.version.dot.seq;
    if (item.stream == known.ref.index) dots.add({seq, seq});
  }
  return known.held.minus(dots);
}

void put_known(Bytes& out, const message::MapDelta& delta, const message::MapDelta::Known& known) {
  std::uint32_t what = known.head == known.held.last() ? 0 : kHead;
  if (!known.rewritten.empty())
    what |= known.rewritten == all_but_entries(delta, known) ? kAllBut : kRewritten;
  put_stream_ref(out, known.ref);
  known.held.encode(out);
  put_varint(out, what);
  if ((what & kHead) != 0) put_varint(out, known.head);
  if ((what & kRewritten) != 0) known.rewritten.encode(out);
}

bool names_twice(const std::vector<message::MapDelta::Known>& knowledge) {
  std::set<std::uint32_t> named;
  for (const auto& known : knowledge) named.insert(known.ref.index);
  return named.size() < knowledge.size();
}

void fill_rewritten(message::MapDelta& delta, const std::vector<bool>& all_but) {
  for (std::size_t i = 0; i < delta.knowledge.size(); ++i) {
    if (all_but[i]) delta.knowledge[i].rewritten = all_but_entries(delta, delta.knowledge[i]);
  }
}

// Of which stream the entry at `place` is if it does not say so: the last known one, if it is the first.
std::optional<std::uint32_t> stream_before(const message::MapDelta& delta, std::size_t place) {
  if (place > 0) return delta.entries[place - 1].stream;
  if (!delta.knowledge.empty()) return delta.knowledge.back().ref.index;
  return std::nullopt;
}

void put_entry(Bytes& out, const message::MapDelta& delta, std::size_t place) {
  const auto& [stream, entry] = delta.entries[place];
  const std::optional<std::uint32_t> before = stream_before(delta, place);
  const bool says_so = !before || *before != stream;
  encode_map_entry(out, entry, says_so ? std::optional(stream) : std::nullopt);
}

}  // namespace

void put_map_delta(Bytes& out, const message::MapDelta& delta) {
  put_varint(out, std::uint64_t{delta.delta} << 1 | (delta.last ? 1u : 0u));
  put_varint(out, std::uint64_t{delta.knowledge.size()} << 1 | (delta.streams.empty() ? 0u : 1u));
  if (!delta.streams.empty()) put_varint(out, delta.streams.size());
  for (const auto& stream : delta.streams) put_stream_ref(out, stream);
  for (const auto& known : delta.knowledge) put_known(out, delta, known);
  for (std::size_t place = 0; place < delta.entries.size(); ++place) put_entry(out, delta, place);
}

// `all_but`: what is rewritten of it follows from the entries.
message::MapDelta::Known RawReader::map_known(bool& all_but) {
  message::MapDelta::Known known;
  known.ref = stream_ref();
  known.held = intervals();
  const std::uint32_t what = number("what is known of a stream", kHead | kRewritten | kAllBut);
  known.head = (what & kHead) != 0 ? seq("head") : known.held.last();
  if ((what & kRewritten) != 0) known.rewritten = intervals();
  all_but = (what & kAllBut) != 0;
  if (ok() && all_but && (what & kRewritten) != 0)
    refuse(ErrorCode::kInvalid, "what is rewritten is said twice");
  if (ok() && !known.held.includes(known.rewritten))
    refuse(ErrorCode::kInvalid, "dots are rewritten and not held");
  return known;
}

message::MapDelta::Entry RawReader::map_entry(std::optional<std::uint32_t> before) {
  if (!ok()) return {};
  message::MapDelta::Entry item;
  auto entry = decode_map_entry(in_, before, limits::kMapEntry);
  if (!entry) {
    refuse(entry.error().code,
           entry.error().text + " (key at most " + std::to_string(limits::kMapEntry.key_bytes_max) +
               " bytes, value at most " + std::to_string(limits::kMapEntry.value_bytes_max) + ")");
    return {};
  }
  item.stream = *before;
  item.entry = *std::move(entry);
  check(check_stream_index(item.stream));
  check(check_seq(item.entry.version.dot.seq));
  return item;
}

// The entries fill the rest of the frame: their number is what their bytes have room for.
message::MapDelta RawReader::map_delta() {
  message::MapDelta delta;
  const std::uint64_t tagged = number("number of a map delta with its mark");
  if (tagged >> 33 != 0) refuse(ErrorCode::kLimit, "map deltas are numbered in 32 bits");
  delta.delta = static_cast<std::uint32_t>(tagged >> 1);
  delta.last = tagged % 2 != 0;
  const std::uint64_t counts = number("known streams in a map page with their mark");
  const bool mentions = (counts & 1) != 0;
  const std::uint32_t known = within(counts >> 1, "known streams in a map page", limits::kStreamsPerFrame);
  const std::uint32_t streams = items(mentions, "streams in a map page", limits::kStreamsPerFrame);
  if (ok() && mentions && streams == 0) refuse(ErrorCode::kInvalid, "a map page mentions no streams");
  for (std::uint32_t i = 0; i < streams && ok(); ++i) delta.streams.push_back(stream_ref());
  std::vector<bool> all_but(known);
  for (std::uint32_t i = 0; i < known && ok(); ++i) {
    bool rest = false;
    delta.knowledge.push_back(map_known(rest));
    all_but[i] = rest;
  }
  if (ok() && names_twice(delta.knowledge)) refuse(ErrorCode::kInvalid, "a known stream stands there twice");
  while (ok() && !in_.empty()) {
    within(delta.entries.size() + 1, "entries in a map page", limits::kMapEntriesPerFrame);
    delta.entries.push_back(map_entry(stream_before(delta, delta.entries.size())));
  }
  if (ok()) fill_rewritten(delta, all_but);
  if (ok() && delta.entries.empty() && delta.knowledge.empty()) refuse(ErrorCode::kInvalid, "says nothing");
  return delta;
}

}  // namespace deltamesh
