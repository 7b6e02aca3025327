// engine/map_standing.h - what two nodes may say to each other of a map of which removed keys are forgotten.
//
// Both judge from what both have said before the session went live: the floors of the map (crdt/map_floor.h),
// and what each holds of it. So both come to the same.
#pragma once

#include <cstdint>

#include "crdt/map_floor.h"

namespace deltamesh {

enum class MapStanding : std::uint8_t {
  kFlows,    // Both know what the other has forgotten.
  kGives,    // The other takes the map anew, from us.
  kTakes,    // The other way round.
  kForgets,  // We must take it anew, and begin with forgetting what we hold, before another session.
  kApart,    // Nothing, in this session: the other has to do that first, or one of us is busy with it.
};

struct MapParty {
  const MapFloor& floor;
  const Knowledge& knows;
};

// `we_stay`: if neither knows what the other has forgotten, the other is who takes it anew; on the other side
// it is false.
MapStanding standing(const MapParty& ours, const MapParty& theirs, bool we_stay);

}  // namespace deltamesh
