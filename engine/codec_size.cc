// engine/codec_size.cc - how many bytes the items of a frame can take at most.
#include "engine/codec.h"

namespace deltamesh {
namespace {

constexpr std::size_t kVarintBytesMax = 10;
constexpr std::size_t kStreamIdBytes = 41;

std::size_t interval_bytes_max(const IntervalSet& set) {
  return kVarintBytesMax * (1 + 2 * set.intervals().size());
}

}  // namespace

std::size_t item_bytes_max(const message::StreamRef& ref) {
  return kVarintBytesMax + (ref.stream ? kStreamIdBytes : 0);
}

std::size_t item_bytes_max(const message::Frontier::Entry& entry) {
  const bool gave_up = !entry.dropped.empty() || !entry.lost.empty();
  const std::size_t given =
      kVarintBytesMax + interval_bytes_max(entry.dropped) + interval_bytes_max(entry.lost);
  return item_bytes_max(entry.ref) + interval_bytes_max(entry.held) + interval_bytes_max(entry.voided) +
         2 * kVarintBytesMax + (gave_up ? given : 0);
}

std::size_t item_bytes_max(const message::Frontier::Past& past) {
  return sizeof(past.of.dataset) + sizeof(past.of.node.bytes) + kVarintBytesMax + sizeof(past.sums);
}

std::size_t item_bytes_max(const message::MapDelta::Known& known) {
  return item_bytes_max(known.ref) + interval_bytes_max(known.held) + interval_bytes_max(known.rewritten) +
         kVarintBytesMax;
}

std::size_t item_bytes_max(const message::MapDelta::Entry& entry) {
  constexpr std::size_t kSeenBytesMax = sizeof(std::uint64_t) + kVarintBytesMax;
  return 9 * kVarintBytesMax + entry.entry.key.size() + entry.entry.value.size() +
         kSeenBytesMax * entry.entry.past.others.size();
}

std::size_t item_bytes_max(const message::Ack::Stream& stream) {
  return kVarintBytesMax + interval_bytes_max(stream.dots);
}

std::size_t item_bytes_max(const message::TierAck::Stream& stream) {
  return kVarintBytesMax + interval_bytes_max(stream.dots);
}

std::size_t item_bytes_max(const SeriesDecl& decl) {
  return 4 * kVarintBytesMax + decl.name.size() + decl.unit.size();
}

}  // namespace deltamesh
