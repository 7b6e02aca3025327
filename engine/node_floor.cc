// engine/node_floor.cc - floors of maps: raised by the keeper, told, heard, and what they let go collected.
//
// A node takes a floor over once it knows all that is forgotten under it. It collects when every peer in
// session does, too: from then on a delta can no longer tell them of it (node_rejoin.cc: peers that come
// later).
#include <algorithm>

#include "engine/node.h"
#include "engine/raw_part.h"
#include "engine/validate.h"

namespace deltamesh {
namespace {

using std::chrono::milliseconds;

// The last stamp of a time.
HlcStamp end_of(milliseconds time) {
  return {(static_cast<std::uint64_t>(time.count()) << 16) | 0xffff};
}

std::size_t bytes_max(const Knowledge::Entry& entry) {
  return kStreamIdBytes + 20 * (1 + entry.known.held().intervals().size());
}

milliseconds pause_of(milliseconds horizon) {
  return std::clamp<milliseconds>(horizon / limits::kRaisesAHorizon, limits::kRaiseMin, limits::kRaiseMax);
}

}  // namespace

const MapFloor& Node::floor(DatasetId dataset) const {
  static const MapFloor kNone;
  const auto found = floors_.find(dataset);
  return found == floors_.end() ? kNone : found->second;
}

void Node::load_floors(std::vector<StoredFloor> floors) {
  for (StoredFloor& stored : floors) {
    if (!maps_.contains(stored.dataset) || stored.dataset == rules_map()) continue;
    if (!stored.floor.rejoining) collect_from_[stored.dataset] = {};
    floors_[stored.dataset] = std::move(stored.floor);
  }
  const bool keeps = std::any_of(datasets_.begin(), datasets_.end(),
                                 [](const auto& item) { return item.second.tombstones.count() > 0; });
  if (keeps || !floors_.empty()) look_at_floors(Micros::zero());
}

void Node::look_at_floors(Micros at) {
  floors_look_at_ = std::min(floors_look_at_, at);
}

void Node::check_floors(Instant now) {
  if (now.steady < floors_look_at_) return;
  floors_look_at_ = Micros::max();
  for (const auto& [id, map] : maps_) {
    raise_floor(id, now);
    if (floors_in_flight_.contains(id) || floor(id).rejoining) continue;
    if (const auto heard = floors_heard_.find(id); heard != floors_heard_.end())
      adopt(id, heard->second, now);
    if (collect_from_.contains(id)) collect(id, now);
  }
}

// --- Raising ---------------------------------------------------------------------------------------------

// By the keeper alone, whose clock must be right.
void Node::raise_floor(DatasetId id, Instant now) {
  const milliseconds horizon = datasets_.at(id).tombstones;
  if (horizon == milliseconds::zero()) return;
  Micros& next = raise_at_[id];
  if (next > now.steady) return look_at_floors(next);
  next = now.steady + pause_of(horizon);
  look_at_floors(next);
  const WallTime wall = wall_time(now);
  if (!wall.trusted || wall.at <= horizon || floor(id).rejoining || collect_from_.contains(id)) return;
  MapFloor raised = maps_.at(id).floor_at(end_of(wall.at - horizon));
  raised.join(floor(id));
  if (!maps_.at(id).collectable(raised, {}, 1).empty()) floors_heard_[id].join(raised);
}

// --- Telling and hearing ---------------------------------------------------------------------------------

void Node::tell_floors(Session& session) {
  for (const auto& [id, floor] : floors_) {
    session.floors_told[id] = floor;
    tell_floor(session, id, floor);
  }
}

void Node::tell_floor(Session& session, DatasetId id, const MapFloor& floor) {
  message::Floor page{id, {floor.stamp, {}, floor.rejoining}};
  std::size_t bytes = 0;
  for (const Knowledge::Entry& entry : floor.collected.entries()) {
    page.floor.collected.at(entry.stream).hold(entry.known.held());
    bytes += bytes_max(entry);
    if (bytes < limits::kPageBytes) continue;
    send(session, page);
    page.floor.collected = {};
    bytes = 0;
  }
  send(session, page);
}

Status Node::receive(Session& session, const message::Floor& told, Instant now) {
  if (!maps_.contains(told.dataset)) return Error{ErrorCode::kInvalid, "the floor of a map that is not here"};
  if (told.dataset == rules_map()) return Error{ErrorCode::kInvalid, "rules are never forgotten"};
  if (!is_believed(told.floor.stamp, now))
    return Error{ErrorCode::kInvalid, "the floor of a map is in the future"};
  MapFloor& theirs = session.floors[told.dataset];
  theirs.join(told.floor);
  theirs.rejoining = told.floor.rejoining;
  if (theirs.collected.entries().size() > limits::kStreamsMax)
    return Error{ErrorCode::kLimit, "the floor of a map with more streams than there may be"};
  for (const Knowledge::Entry& entry : told.floor.collected.entries()) {
    if (Status runs = check_runs(theirs.collected.find(entry.stream)->held()); !runs.ok()) return runs;
  }
  if (session.phase == SessionPhase::kLive && !theirs.rejoining) hear_floor(told.dataset, theirs);
  return Done{};
}

void Node::hear_floor(DatasetId id, const MapFloor& told) {
  MapFloor all = floor(id);
  if (!all.join(told)) return;
  floors_heard_[id].join(told);
  look_at_floors(Micros::zero());
}

// --- Taking over, and collecting -------------------------------------------------------------------------

void Node::adopt(DatasetId id, const MapFloor& heard, Instant now) {
  MapFloor next = floor(id);
  if (!next.join(heard)) {
    floors_heard_.erase(id);
    return;
  }
  // What it lacks is on its way; or never comes, and the next session with who told of it is another one.
  if (!maps_.at(id).knowledge().includes_held(next.collected)) return;
  rise_above(next.stamp, now);
  InFlight batch;
  batch.pruning.floors.push_back({id, std::move(next)});
  floors_in_flight_.insert(id);
  commit(std::move(batch));
}

void Node::collect(DatasetId id, Instant now) {
  if (floors_in_flight_.contains(id)) return;
  if (!all_know(id)) return look_at_floors(now.steady + limits::kCollectRetry);
  std::string& from = collect_from_.at(id);
  const auto old = maps_.at(id).collectable(floor(id), from, limits::kCollectAtOnce);
  if (old.empty()) {
    collect_from_.erase(id);
    return;
  }
  from = old.back()->key + '\0';
  InFlight batch;
  for (const MapEntry* const entry : old)
    batch.pruning.erased.push_back({id, entry->key, entry->version.dot, true});
  batch.collects = id;
  floors_in_flight_.insert(id);
  commit(std::move(batch));
}

// Whether all peers in session know what the floor lets go: the session began under it, or they have said
// that they took it over. What they sent before that is here by then.
bool Node::all_know(DatasetId id) {
  const MapFloor& ours = floor(id);
  bool all = true;
  for (const auto& [peer, session] : sessions_) {
    const auto told = session->floors_told.find(id);
    const bool judged = told != session->floors_told.end() && told->second == ours;
    if (judged || session->phase == SessionPhase::kHello || !shares(*session, id)) continue;
    if (session->phase == SessionPhase::kLive && !session->sends.contains(id)) {
      session->maps[id].guarded = true;  // It only tells us, and need not know.
      continue;
    }
    const MapFloor& theirs = session->floors[id];
    all = all && !theirs.rejoining && theirs.collected.includes_held(ours.collected);
  }
  return all;
}

// --- Durable ---------------------------------------------------------------------------------------------

// What is to happen before anything of the batch is joined.
void Node::forget_held(const InFlight& batch) {
  for (const DatasetId id : batch.pruning.forgotten) {
    for (const auto& [stream, known] : std::vector(knowledge_.entries())) {
      if (stream.dataset == id) knowledge_.at(stream).drop(known.held());
    }
    maps_.at(id).forget();
  }
}

void Node::apply_pruning(const InFlight& batch) {
  for (const MapErasure& erasure : batch.pruning.erased) erase(erasure);
  counters_.map_surfaced += batch.pruning.surfaced.size();
  if (batch.collects) floors_in_flight_.erase(*batch.collects);
  if (batch.collects || !batch.pruning.floors.empty() || !floors_heard_.empty())
    look_at_floors(Micros::zero());
  for (const auto& [id, floor] : batch.pruning.floors) {
    floors_in_flight_.erase(id);
    take_floor(id, floor);
  }
  for (const DatasetId id : batch.pruning.forgotten)
    end_sessions_with(id, "what was removed while this node was away is forgotten", std::nullopt);
}

// It is tried again by the next look, or session.
void Node::undo_pruning(const InFlight& batch, Instant now) {
  if (batch.pruning.empty()) return;
  look_at_floors(now.steady + limits::kFailedRetry);
  if (batch.collects) {
    floors_in_flight_.erase(*batch.collects);
    collect_from_[*batch.collects] = {};
  }
  for (const auto& [id, floor] : batch.pruning.floors) {
    floors_in_flight_.erase(id);
    if (!batch.floor_before) continue;
    floors_[id] = *batch.floor_before;
    end_sessions_with(id, "could not store that a map is taken anew", std::nullopt);
  }
}

void Node::erase(const MapErasure& erasure) {
  LwwMap& map = maps_.at(erasure.dataset);
  const auto writes = map.writes(erasure.key);
  const auto is = [&](const MapEntry* write) { return write->version.dot == erasure.dot; };
  const auto at = std::find_if(writes.begin(), writes.end(), is);
  const bool latest = at == writes.begin(), alone = writes.size() == 1;
  if (at == writes.end() || (erasure.unless_hiding && latest && !alone)) return;
  if (erasure.unless_hiding) ++counters_.tombstones_collected;
  const StreamId stream = erasure.dot.stream;
  counters_.map_conflicts -= map.conflict_count();
  if (alone) map_ranges_.at(erasure.dataset).drop(erasure.key);
  map.erase(erasure.key, erasure.dot);
  counters_.map_conflicts += map.conflict_count();
  if (const MapEntry* const left = map.find_entry(erasure.key)) map_ranges_.at(erasure.dataset).take(*left);
  if (latest && !erasure.unless_hiding)
    effects_.publish.push_back({erasure.dataset, stream, std::nullopt, {erasure.key}, false});
}

void Node::take_floor(DatasetId id, const MapFloor& floor) {
  const bool was_rejoining = std::exchange(floors_[id], floor).rejoining;
  if (floor.rejoining) return;
  collect_from_[id] = {};
  if (was_rejoining) {
    ++counters_.map_rejoins;
    return end_sessions_with(id, "this node has taken a map anew", std::nullopt);
  }
  for (const auto& [peer, session] : sessions_) {
    if (session->phase == SessionPhase::kLive) tell_floor(*session, id, floor);
  }
}

}  // namespace deltamesh
