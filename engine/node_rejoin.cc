// engine/node_rejoin.cc - a map is taken anew by who does not know what was removed and is forgotten.
//
// It forgets what it holds, keeps its entries, and is sent the whole map like a node that is new. What comes
// is confirmed and held, so that it need not come again after a cut. What no other node knew it keeps if it
// is above the floor; else that might be what was removed, and it is surfaced. In the end the entries go that
// nobody has confirmed. docs/decisions/0010-floors-of-maps.md has the reasons.
#include <algorithm>
#include <tuple>

#include "engine/node.h"

namespace deltamesh {
namespace {

const MapFloor& floor_in(const std::map<DatasetId, MapFloor>& floors, DatasetId id) {
  static const MapFloor kNone;
  const auto found = floors.find(id);
  return found == floors.end() ? kNone : found->second;
}

// Whether entries of the map are on their way to the disk.
template <class Batch, class Batches>
bool is_written(DatasetId id, const Batch& gathered, const Batches& in_flight) {
  const auto has_some = [id](const Batch& batch) {
    return std::any_of(batch.entries.begin(), batch.entries.end(),
                       [id](const MapWrite& write) { return write.dataset == id; });
  };
  return has_some(gathered) || std::any_of(in_flight.begin(), in_flight.end(),
                                           [&](const auto& item) { return has_some(item.second); });
}

}  // namespace

bool Node::is_rejoining() const {
  return std::any_of(floors_.begin(), floors_.end(), [](const auto& item) { return item.second.rejoining; });
}

// Decides about each map from what both sides have said.
void Node::settle_maps(Session& session, const FrontierImage& told, Instant now) {
  for (const auto& [id, map] : maps_) {
    const MapFloor& ours = floor_in(session.floors_told, id);
    const MapFloor& theirs = floor_in(session.floors, id);
    if (!shares(session, id) || (ours.empty() && theirs.empty())) continue;
    if (!theirs.rejoining) hear_floor(id, theirs);
    if (!theirs.empty()) rise_above(theirs.stamp, now);
    Knowledge held;
    for (const auto& [ix, known] : told.streams) {
      if (streams_[ix].dataset == id) held.at(streams_[ix]) = known;
    }
    const bool we_stay = std::tie(ours.stamp, identity_) > std::tie(theirs.stamp, session.remote);
    const MapStanding stands = standing({ours, held}, {theirs, session.maps[id].known}, we_stay);
    settle_map(session, id, stands, held, now);
    if (!(floor(id) == ours)) tell_floor(session, id, floor(id));
  }
}

void Node::settle_map(Session& session, DatasetId id, MapStanding stands, const Knowledge& held,
                      Instant now) {
  SessionMap& map = session.maps[id];
  // We held nothing when we said HELLO. What has come since may be of who does not know either.
  const bool begins = stands == MapStanding::kTakes && !floor(id).rejoining;
  if (begins && (!maps_.at(id).entries().empty() || is_written(id, gathered_, in_flight_)))
    stands = MapStanding::kForgets;
  map.standing = stands;
  if (stands == MapStanding::kFlows) return;
  const bool sends = session.sends.contains(id), takes = session.takes.contains(id);
  const bool they_lack = stands == MapStanding::kGives || stands == MapStanding::kApart;
  // One that is never told of anything cannot take it anew: what it tells is looked at one by one.
  if (takes && !sends && they_lack && !floor(id).rejoining) return void(map.guarded = true);
  if (sends && !takes && !they_lack && !floor(id).rejoining) return;
  if (stands != MapStanding::kGives) session.sends.erase(id);
  if (stands != MapStanding::kTakes) session.takes.erase(id);
  map.whole = session.sends.contains(id);
  if (session.takes.contains(id)) begin_taking(session, id, held, now);
  if (stands == MapStanding::kForgets && takes) forget_map(session, id, now);
}

// What comes in other sessions may be of those who do not know either, and would count as confirmed.
void Node::forget_map(const Session& session, DatasetId id, Instant now) {
  if (floors_in_flight_.contains(id)) return;
  MapFloor target = floor_in(session.floors, id);
  if (session.maps.at(id).known.includes_held(floor(id).collected)) target.join(floor(id));
  target.rejoining = true;
  end_sessions_with(id, "what was removed while this node was away is forgotten", session.peer);
  rise_above(target.stamp, now);
  commit_gathered();
  InFlight batch;
  batch.floor_before = std::exchange(floors_[id], target);
  batch.pruning.forgotten.push_back(id);
  batch.pruning.floors.push_back({id, std::move(target)});
  floors_in_flight_.insert(id);
  commit(std::move(batch));
}

void Node::begin_taking(Session& session, DatasetId id, const Knowledge& held, Instant now) {
  const Knowledge& known_there = session.maps[id].known;
  MapFloor target = floor(id).rejoining ? floor(id) : floor_in(session.floors, id);
  const bool begins = !std::exchange(target.rejoining, true);
  rise_above(target.stamp, now);
  InFlight batch;
  batch.from = session.peer;
  for (const MapEntry* const entry : maps_.at(id).unheld()) {
    if (known_there.holds(entry->version.dot)) continue;
    if (!target.is_below(entry->version)) {
      batch.knowledge.hold(entry->version.dot);
      continue;
    }
    batch.pruning.erased.push_back({id, entry->key, entry->version.dot, false});
    batch.pruning.surfaced.push_back({id, *entry});
  }
  if (!batch.pruning.surfaced.empty())
    note(Note::Level::kWarning,
         std::to_string(batch.pruning.surfaced.size()) +
             " writes are older than what was removed and is forgotten; they are listed",
         session.peer);
  if (begins) {
    end_sessions_with(id, "this node takes a map from another one", session.peer);
    batch.floor_before = std::exchange(floors_[id], target);
    batch.pruning.floors.push_back({id, target});
  }
  // Else the last thing that the peer says of the map ends it.
  if (held.includes_held(known_there)) end_taking(batch, id, batch.knowledge);
  if (!batch.pruning.empty() || !batch.knowledge.empty()) commit(std::move(batch));
}

bool Node::is_taking(const Session& session, DatasetId id) const {
  const auto map = session.maps.find(id);
  return map != session.maps.end() && map->second.standing == MapStanding::kTakes && floor(id).rejoining;
}

// Together with all that the peer knows: what it knows and has not confirmed is removed there.
void Node::end_taking(InFlight& batch, DatasetId id, const Knowledge& confirmed) {
  for (const MapEntry* const entry : maps_.at(id).unheld()) {
    const Dot& dot = entry->version.dot;
    if (!confirmed.holds(dot)) batch.pruning.erased.push_back({id, entry->key, dot, false});
  }
  MapFloor reached = floor(id);
  reached.rejoining = false;
  batch.pruning.floors = {{id, std::move(reached)}};
}

// What is here of a map has changed in a way that peers have not heard of.
void Node::end_sessions_with(DatasetId id, const std::string& why, std::optional<PeerId> except) {
  std::vector<PeerId> ended;
  for (const auto& [peer, session] : sessions_) {
    if (peer == except) continue;
    const bool shared = session->phase == SessionPhase::kHello || session->floors_told.contains(id) ||
                        session->floors.contains(id) || shares(*session, id);
    if (shared) ended.push_back(peer);
  }
  for (const PeerId peer : ended) end(*sessions_.at(peer), {ErrorCode::kClosed, why});
}

// What a peer knows, but for writes of its that were surfaced here: to this node they are as if never made.
Knowledge Node::known_without(const Knowledge& known, const Knowledge& refused) {
  Knowledge left;
  for (const auto& [stream, all] : known.entries()) {
    const StreamKnowledge* const out = refused.find(stream);
    StreamKnowledge& rest = left.at(stream);
    rest.hold(out == nullptr ? all.held() : all.held().minus(out->held()));
    rest.declare_void(all.voided());
    rest.declare_head(all.head(), all.declared());
  }
  return left;
}

// An entry from who may not know what was removed and is forgotten.
bool Node::surfaces(SessionMap& map, DatasetId id, const MapEntry& entry, InFlight& batch) {
  if (!map.guarded || !floor(id).is_below(entry.version)) return false;
  map.refused.hold(entry.version.dot);
  batch.pruning.surfaced.push_back({id, entry});
  return true;
}

}  // namespace deltamesh
