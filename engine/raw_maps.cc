// engine/raw_maps.cc - pages of map deltas to bytes, and back.
#include "engine/raw_part.h"
#include "engine/validate.h"

namespace deltamesh {
namespace {

void put_known(Bytes& out, const message::MapDelta::Known& known) {
  put_stream_ref(out, known.ref);
  known.held.encode(out);
  put_varint(out, known.head);
  known.rewritten.encode(out);
}

}  // namespace

void put_map_delta(Bytes& out, const message::MapDelta& delta) {
  put_varint(out, std::uint64_t{delta.delta} << 1 | (delta.last ? 1u : 0u));
  put_varint(out, delta.streams.size());
  put_varint(out, delta.knowledge.size());
  for (const auto& stream : delta.streams) put_stream_ref(out, stream);
  for (const auto& known : delta.knowledge) put_known(out, known);
  for (const auto& entry : delta.entries) encode_map_entry(out, entry.entry, entry.stream);
}

message::MapDelta::Known RawReader::map_known() {
  message::MapDelta::Known known;
  known.ref = stream_ref();
  known.held = intervals();
  known.head = seq("head");
  known.rewritten = intervals();
  if (ok() && !known.held.includes(known.rewritten))
    refuse(ErrorCode::kInvalid, "dots are rewritten and not held");
  return known;
}

message::MapDelta::Entry RawReader::map_entry() {
  if (!ok()) return {};
  message::MapDelta::Entry item;
  auto entry = decode_map_entry(in_, item.stream, limits::kMapEntry);
  if (!entry) {
    refuse(entry.error().code,
           entry.error().text + " (key at most " + std::to_string(limits::kMapEntry.key_bytes_max) +
               " bytes, value at most " + std::to_string(limits::kMapEntry.value_bytes_max) + ")");
    return {};
  }
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
  const std::uint32_t streams = number("streams in a map page", limits::kStreamsPerFrame);
  const std::uint32_t known = number("known streams in a map page", limits::kStreamsPerFrame);
  for (std::uint32_t i = 0; i < streams && ok(); ++i) delta.streams.push_back(stream_ref());
  for (std::uint32_t i = 0; i < known && ok(); ++i) delta.knowledge.push_back(map_known());
  while (ok() && !in_.empty()) delta.entries.push_back(map_entry());
  if (ok() && delta.entries.empty() && delta.knowledge.empty()) refuse(ErrorCode::kInvalid, "says nothing");
  return delta;
}

}  // namespace deltamesh
