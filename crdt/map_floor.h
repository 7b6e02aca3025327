// crdt/map_floor.h - up to where a map has forgotten which keys were removed.
//
// A tombstone keeps a removed key removed when an older write of it comes late. One that is old enough and
// known to all who are ever heard of may be collected. What remains is this: a stamp that no collected
// tombstone is above, and for some streams the dots up to the last of them. Who has seen all those dots has
// met every one of these tombstones while it was there, or what is left of a map without them. Who has not
// must not be told of them, for its entries may be what they removed: it takes the map anew
// (engine/README.md).
//
// One node, the keeper, raises the floor; floors of one keeper are joined in any order.
#pragma once

#include "crdt/knowledge.h"
#include "crdt/map_entry.h"

namespace deltamesh {

struct MapFloor {
  HlcStamp stamp;       // None: nothing was ever collected.
  Knowledge collected;  // The dots as held.
  // This node is taking the map anew from one that has this floor, and is not through with it.
  bool rejoining = false;

  // Whether a write might lose to a tombstone that is there no longer. Those of a later epoch never do: only
  // tombstones of epoch 0 are collected.
  [[nodiscard]] bool is_below(const MapVersion& version) const {
    return version.epoch == 0 && version.stamp <= stamp;
  }
  [[nodiscard]] bool empty() const { return stamp == HlcStamp(); }

  // `rejoining` stays as it is. Returns true if anything grew.
  bool join(const MapFloor& other);

  friend bool operator==(const MapFloor&, const MapFloor&) = default;
};

// Canonical bytes, for the store. decode() consumes all of `in`, and refuses what encode() does not write.
void encode_floor(Bytes& out, const MapFloor& floor);
Result<MapFloor> decode_floor(ByteView in, DatasetId dataset, std::size_t intervals_max);

}  // namespace deltamesh
