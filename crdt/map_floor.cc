// crdt/map_floor.cc - joins of floors, and their bytes.
#include "crdt/map_floor.h"

#include <algorithm>

#include "crdt/varint.h"

namespace deltamesh {
namespace {

Error invalid(std::string text) {
  return {ErrorCode::kInvalid, "floor of a map: " + std::move(text)};
}

template <std::size_t N>
void put_array(Bytes& out, const std::array<std::uint8_t, N>& bytes) {
  const auto view = std::as_bytes(std::span(bytes));
  out.insert(out.end(), view.begin(), view.end());
}

template <std::size_t N>
void take_array(ByteView& in, std::array<std::uint8_t, N>& bytes) {
  std::transform(in.begin(), in.begin() + N, bytes.begin(),
                 [](std::byte b) { return std::to_integer<std::uint8_t>(b); });
  in = in.subspan(N);
}

constexpr std::size_t kNameBytes = 33;  // Of a stream: its class, node and incarnation.

bool take_name(ByteView& in, StreamId& stream) {
  if (in.size() < kNameBytes || std::to_integer<unsigned>(in[0]) > 2) return false;
  stream.cls = static_cast<StreamClass>(in[0]);
  in = in.subspan(1);
  take_array(in, stream.node.bytes);
  take_array(in, stream.incarnation.bytes);
  return true;
}

}  // namespace

bool MapFloor::join(const MapFloor& other) {
  const bool higher = other.stamp > stamp;
  stamp = std::max(stamp, other.stamp);
  const bool more = collected.join(other.collected);
  return higher || more;
}

void encode_floor(Bytes& out, const MapFloor& floor) {
  put_fixed64(out, floor.stamp.bits);
  put_varint(out, floor.rejoining ? 1 : 0);
  for (const auto& [stream, known] : floor.collected.entries()) {
    if (known.held().empty()) continue;
    out.push_back(static_cast<std::byte>(stream.cls));
    put_array(out, stream.node.bytes);
    put_array(out, stream.incarnation.bytes);
    known.held().encode(out);
  }
}

Result<MapFloor> decode_floor(ByteView in, DatasetId dataset, std::size_t intervals_max) {
  MapFloor floor;
  std::uint64_t rejoining = 0;
  if (!get_fixed64(in, floor.stamp.bits) || !get_varint(in, rejoining) || rejoining > 1)
    return invalid("cut short or not canonical");
  floor.rejoining = rejoining != 0;
  std::optional<StreamId> before;
  while (!in.empty()) {
    StreamId stream{dataset, {}, {}, {}};
    if (!take_name(in, stream)) return invalid("the name of a stream is cut short or of no class");
    if (before && !(*before < stream)) return invalid("streams are not ascending");
    const auto dots = IntervalSet::decode(in, intervals_max);
    if (!dots.ok()) return dots.error();
    if (dots->empty()) return invalid("a stream without dots");
    floor.collected.at(stream).hold(*dots);
    before = stream;
  }
  return floor;
}

}  // namespace deltamesh
