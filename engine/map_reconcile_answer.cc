// engine/map_reconcile_answer.cc - the side that answers: what it knows, and each range by itself.
#include <algorithm>

#include "crdt/varint.h"
#include "engine/codec.h"
#include "engine/map_reconcile.h"
#include "engine/raw_part.h"

namespace deltamesh {
namespace {

using message::MapAnswer;
using message::MapQuestion;
using Knowing = MapAnswer::Knowing;

// What is known behind a stream, up to a frame's share.
void tell_known(MapAnswer& answer, const Knowledge& known, const std::optional<StreamId>& after) {
  const auto& all = known.entries();
  const auto behind = [](const StreamId& stream, const auto& entry) { return stream < entry.stream; };
  auto at = after ? std::upper_bound(all.begin(), all.end(), *after, behind) : all.begin();
  std::size_t bytes = 0;
  for (; at != all.end(); ++at) {
    if (at->known.held().empty()) continue;
    if (bytes >= limits::kPageBytes || answer.known.size() == limits::kStreamsPerFrame) {
      answer.knowing = Knowing::kPart;
      return;
    }
    answer.known.push_back({at->stream, at->known.held()});
    bytes += kStreamIdBytes + item_bytes_max(message::Ack::Stream{0, at->known.held()});
  }
  answer.knowing = Knowing::kLastPart;
}

std::uint32_t index_of(MapAnswer& answer, const StreamId& stream) {
  auto& streams = answer.streams;
  const auto index =
      static_cast<std::size_t>(std::find(streams.begin(), streams.end(), stream) - streams.begin());
  if (index == streams.size()) streams.push_back(stream);
  return static_cast<std::uint32_t>(index);
}

MapAnswer::Entries list(MapAnswer& answer, const std::vector<MapRanges::Item>& items) {
  MapAnswer::Entries out;
  for (const auto& [entry, print] : items) {
    out.push_back(
        {index_of(answer, entry->version.dot.stream), entry->key, entry->version, entry->tombstone, print});
    out.back().version.dot.stream = {};
  }
  return out;
}

MapAnswer::Part answer_range(MapAnswer& answer, const MapQuestion::Range& range, const MapRanges& ranges) {
  if (ranges.sum(range.keys) == range.expected) return MapAnswer::Equal{};
  if (ranges.count(range.keys) <= limits::kMapEntriesListed) return list(answer, ranges.items(range.keys));
  MapAnswer::Cells cells;
  for (const auto& cell : ranges.cut(range.keys, limits::kMapCellsMax)) {
    if (!cells.sums.empty()) cells.cuts.push_back(cell.from);
    cells.sums.push_back(ranges.sum(cell));
  }
  return cells;
}

}  // namespace

Bytes digest_of(const Knowledge& known) {
  Fingerprint sum;
  Bytes member, out;
  for (const auto& [stream, what] : known.entries()) {
    if (what.held().empty()) continue;
    member.clear();
    put_stream_id(member, stream);
    what.held().encode(member);
    sum.add(member);
  }
  put_fixed64(out, sum.high());
  put_fixed64(out, sum.low());
  return out;
}

MapAnswer answer_map(const MapQuestion& question, const MapSide& side) {
  MapAnswer answer = no_answer(question, MapAnswer::Kind::kAnswer);
  if (!question.knowledge.empty()) {
    if (!question.after && digest_of(side.map.knowledge()) == question.knowledge) {
      answer.knowing = Knowing::kSame;
    } else {
      tell_known(answer, side.map.knowledge(), question.after);
    }
  }
  for (const auto& range : question.ranges) answer.parts.push_back(answer_range(answer, range, side.ranges));
  return answer;
}

MapAnswer no_answer(const MapQuestion& question, MapAnswer::Kind why) {
  MapAnswer answer;
  answer.dataset = question.dataset;
  answer.number = question.number;
  answer.kind = why;
  return answer;
}

}  // namespace deltamesh
