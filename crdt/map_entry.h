// crdt/map_entry.h - one write of one key of a map: what it says, what orders it, and what its writer had
// seen.
//
// Writes are totally ordered by (epoch, clock stamp, node, incarnation, seq, tombstone, value). The order is
// fair where clocks are right. A writer that has no reason to trust its clock says so, and then it matters
// whether the winner had seen the loser (crdt/map_conflict.h): so an entry carries what its writer had seen
// of the key, as far as stamps do not tell it. Where all clocks are trusted that is nothing.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "crdt/dot.h"
#include "crdt/hybrid_clock.h"
#include "crdt/result.h"

namespace deltamesh {

struct MapVersion {
  std::uint32_t epoch = 0;  // Normally 0; raised to overrule a stamp from a clock that was wrong.
  HlcStamp stamp;
  Dot dot;
  // By (epoch, stamp, node, incarnation, seq), then dataset and class, which are equal within one map.
  friend std::strong_ordering operator<=>(const MapVersion& a, const MapVersion& b);
  friend bool operator==(const MapVersion&, const MapVersion&) = default;
};

// A write, and all of its stream before it. The stream stands as a hash, so that it needs no name in a frame.
struct SeenWrite {
  std::uint64_t stream = 0;  // stream_hash().
  Seq seq = 0;
  friend auto operator<=>(const SeenWrite&, const SeenWrite&) = default;
};
std::uint64_t stream_hash(const StreamId& stream);

struct MapPast {
  // Up to here writes by trusted clocks were seen, or are overruled by one that was. None where the entry has
  // a trusted clock itself and its own stamp says it.
  HlcStamp trusted;
  // Those that this does not tell of, the latest first; one a stream.
  std::vector<SeenWrite> others;
  [[nodiscard]] bool empty() const { return trusted == HlcStamp() && others.empty(); }
  friend auto operator<=>(const MapPast&, const MapPast&) = default;
};

struct MapEntry {
  std::string key;  // UTF-8.
  MapVersion version;
  bool tombstone = false;
  std::string value;       // Opaque bytes; empty for a tombstone.
  bool untrusted = false;  // Nothing vouched for the clock that made the stamp.
  MapPast past;
  friend bool operator==(const MapEntry&, const MapEntry&) = default;
};

// The order in which writes of one key win. Total: ties of version fall to (tombstone, value).
bool wins(const MapEntry& candidate, const MapEntry& incumbent);

// Canonical bytes of one entry, for frames (docs/formats/map_entry.md). The stream stands as a rank in the
// session's table of streams, so that a frame need not repeat 41 bytes an entry.
struct MapEntryLimits {
  std::size_t key_bytes_max = 0;
  std::size_t value_bytes_max = 0;
  std::size_t past_max = 0;  // Writes in MapPast::others.
};
// No rank: the entry is of the same stream as the one before it.
void encode_map_entry(Bytes& out, const MapEntry& entry, std::optional<std::uint32_t> stream_rank);
// How many bytes that is without the rank, which is another one in each session.
std::size_t map_entry_bytes(const MapEntry& entry);
// Consumes one entry; the caller fills in version.dot.stream from the rank, which comes in as that of the
// entry before, if there is one.
Result<MapEntry> decode_map_entry(ByteView& in, std::optional<std::uint32_t>& stream_rank,
                                  const MapEntryLimits& limits);
// The past alone, for the store; none has no bytes.
void encode_past(Bytes& out, const MapPast& past);
Result<MapPast> decode_past(ByteView& in, std::size_t past_max);

}  // namespace deltamesh
