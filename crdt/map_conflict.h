// crdt/map_conflict.h - which writes of a key are in conflict, and what a write has seen of those before it.
//
// A write overrules another one of its key that it wins over, if its writer had seen that, or if both clocks
// were trusted and its stamp is no smaller: then it is the later one in truth. Of what is left of a key's
// writes none overrules another; the latest is the value, the others are in conflict with it: nobody decided
// against them, a clock did that may be wrong. What is left depends on which writes were met and not on their
// order, as long as clocks that are called trusted are right to a minute, no key has more conflicts than are
// kept, and no writer had to leave something out of its past.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "crdt/map_entry.h"

namespace deltamesh {

// Whether `winner` need not answer for `loser`. False if `loser` wins.
bool overrules(const MapEntry& winner, const MapEntry& loser);

// What a join has changed of a key.
struct JoinedWrite {
  bool kept = false;              // The write is there now, and was not before;
  bool won = false;               // and is the latest.
  std::vector<MapEntry> dropped;  // No longer there.
};
// `latest` and `conflicts`, the latest of them first, are what is left of a key; of the conflicts at most
// `conflicts_max` are kept, the latest.
JoinedWrite join_write(MapEntry& latest, std::vector<MapEntry>& conflicts, const MapEntry& write,
                       std::size_t conflicts_max);

// The epoch at which a write with `stamp` wins over `seen`. There is nothing above the largest: a write that
// has it and a stamp from the future stays.
std::uint32_t epoch_over(const MapVersion& seen, HlcStamp stamp);

// Completes a write that has its stamp, its dot and its word on the clock: it wins over all of `seen`, the
// latest first, and tells that it has seen them. Of the past, `past_max` writes at most: of those left out, a
// node that has met nothing in between takes this one for a conflict.
void follow(MapEntry& write, std::span<const MapEntry* const> seen, std::size_t past_max);

}  // namespace deltamesh
