// crdt/map_entry.cc - the bytes of one map entry in a frame; docs/formats/map_entry.md.
#include "crdt/lww_map.h"
#include "crdt/utf8.h"
#include "crdt/varint.h"

namespace deltamesh {
namespace {

constexpr std::uint32_t kTombstone = 1;

Error invalid(const char* text) {
  return {ErrorCode::kInvalid, text};
}

// Everything before the key.
Status decode_head(ByteView& in, std::uint32_t& stream_rank, MapEntry& entry, std::uint32_t& flags) {
  if (!get_varint32(in, stream_rank) || !get_varint(in, entry.version.dot.seq) ||
      !get_varint32(in, entry.version.epoch) || !get_fixed64(in, entry.version.stamp.bits) ||
      !get_varint32(in, flags)) {
    return invalid("map entry: head cut short or not canonical");
  }
  if (entry.version.dot.seq == 0) return invalid("map entry: sequence number 0");
  if ((flags & ~kTombstone) != 0) {
    return Error{ErrorCode::kUnsupported, "map entry: unknown flags " + std::to_string(flags)};
  }
  entry.tombstone = (flags & kTombstone) != 0;
  return Done{};
}

}  // namespace

void encode_map_entry(Bytes& out, const MapEntry& entry, std::uint32_t stream_rank) {
  put_varint(out, stream_rank);
  put_varint(out, entry.version.dot.seq);
  put_varint(out, entry.version.epoch);
  put_fixed64(out, entry.version.stamp.bits);
  put_varint(out, entry.tombstone ? kTombstone : 0);
  put_string(out, entry.key);
  put_string(out, entry.value);
}

std::size_t map_entry_bytes(const MapEntry& entry) {
  const auto text_bytes = [](const std::string& text) { return varint_size(text.size()) + text.size(); };
  return varint_size(entry.version.dot.seq) + varint_size(entry.version.epoch) + sizeof(HlcStamp) +
         varint_size(entry.tombstone ? kTombstone : 0) + text_bytes(entry.key) + text_bytes(entry.value);
}

Result<MapEntry> decode_map_entry(ByteView& in, std::uint32_t& stream_rank, const MapEntryLimits& limits) {
  MapEntry entry;
  std::uint32_t flags = 0;
  if (const Status head = decode_head(in, stream_rank, entry, flags); !head) return head.error();
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
