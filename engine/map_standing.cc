// engine/map_standing.cc - who lacks what of whom.
#include "engine/map_standing.h"

#include <algorithm>

namespace deltamesh {
namespace {

bool lacks(const MapParty& party, const MapFloor& floor) {
  return !party.knows.includes_held(floor.collected);
}

bool holds_nothing(const Knowledge& knows) {
  return std::all_of(knows.entries().begin(), knows.entries().end(),
                     [](const Knowledge::Entry& entry) { return entry.known.held().empty(); });
}

// `taker` is in the middle of it: only what was forgotten when it began may be forgotten at the giver.
MapStanding goes_on(const MapParty& taker, const MapParty& giver) {
  if (lacks(giver, taker.floor)) return MapStanding::kApart;
  const bool foreseen = taker.floor.collected.includes_held(giver.floor.collected);
  return foreseen || !lacks(taker, giver.floor) ? MapStanding::kTakes : MapStanding::kForgets;
}

MapStanding begins(const MapParty& taker) {
  return holds_nothing(taker.knows) ? MapStanding::kTakes : MapStanding::kForgets;
}

// From the giver's side.
MapStanding seen_by_giver(MapStanding taker) {
  return taker == MapStanding::kTakes ? MapStanding::kGives : MapStanding::kApart;
}

}  // namespace

MapStanding standing(const MapParty& ours, const MapParty& theirs, bool we_stay) {
  if (ours.floor.rejoining && theirs.floor.rejoining) return MapStanding::kApart;
  if (ours.floor.rejoining) return goes_on(ours, theirs);
  if (theirs.floor.rejoining) return seen_by_giver(goes_on(theirs, ours));
  const bool we_lack = lacks(ours, theirs.floor), they_lack = lacks(theirs, ours.floor);
  if (!we_lack && !they_lack) return MapStanding::kFlows;
  const bool we_take = we_lack && !(they_lack && we_stay);
  return we_take ? begins(ours) : seen_by_giver(begins(theirs));
}

}  // namespace deltamesh
