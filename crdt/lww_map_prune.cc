// crdt/lww_map_prune.cc - what takes writes, or what is known of them, out of a map.
#include <algorithm>
#include <utility>

#include "crdt/lww_map.h"

namespace deltamesh {

bool LwwMap::erase(std::string_view key, const Dot& dot) {
  const auto found = entries_.find(key);
  const MapEntry* const write = find_write(key, dot);
  if (write == nullptr) return false;
  by_dot_.erase({dot, found->first});
  if (const auto unheld = unheld_.find(dot.stream); unheld != unheld_.end()) {
    unheld->second.remove({dot.seq, dot.seq});
    if (unheld->second.empty()) unheld_.erase(unheld);
  }
  const auto beside = conflicts_.find(key);
  if (beside == conflicts_.end()) return entries_.erase(found), true;
  auto& conflicts = beside->second;
  --conflict_count_;
  if (write == &found->second) {
    found->second = std::move(conflicts.front());
    conflicts.erase(conflicts.begin());
  } else {
    conflicts.erase(conflicts.begin() + (write - conflicts.data()));
  }
  if (conflicts.empty()) conflicts_.erase(beside);
  return true;
}

void LwwMap::forget() {
  for (const auto& [stream, known] : std::vector(knowledge_.entries()))
    knowledge_.at(stream).drop(known.held());
  rewritten_.clear();
  superseded_.clear();
  superseded_order_.clear();
  for (const auto& [dot, key] : by_dot_) note_unheld(dot);
}

std::vector<const MapEntry*> LwwMap::unheld() const {
  std::vector<const MapEntry*> found;
  for (const auto& [dot, key] : by_dot_) {
    if (!knowledge_.holds(dot)) found.push_back(find_write(key, dot));
  }
  return found;
}

// One that is in conflict with values, and later, goes on hiding them.
const MapEntry* LwwMap::collectable(const MapEntry& latest, const MapFloor& floor) const {
  const auto is_old = [&floor](const MapEntry& entry) {
    return entry.tombstone && floor.is_below(entry.version) && floor.collected.holds(entry.version.dot);
  };
  const auto beside = conflicts_.find(latest.key);
  if (beside == conflicts_.end()) return is_old(latest) ? &latest : nullptr;
  const auto old = std::find_if(beside->second.begin(), beside->second.end(), is_old);
  return old == beside->second.end() ? nullptr : &*old;
}

std::vector<const MapEntry*> LwwMap::collectable(const MapFloor& floor, std::string_view from,
                                                 std::size_t max) const {
  std::vector<const MapEntry*> found;
  for (auto at = entries_.lower_bound(from); at != entries_.end() && found.size() < max; ++at) {
    if (const MapEntry* const old = collectable(at->second, floor)) found.push_back(old);
  }
  return found;
}

MapFloor LwwMap::floor_at(HlcStamp stamp) const {
  MapFloor floor;
  floor.stamp = stamp;
  std::map<StreamId, Seq> last;
  for (const auto& [key, entry] : entries_) {
    const auto& [stream, seq] = entry.version.dot;
    if (entry.tombstone && floor.is_below(entry.version) && knowledge_.holds(entry.version.dot))
      last[stream] = std::max(last[stream], seq);
  }
  for (const auto& [stream, seq] : last)
    floor.collected.at(stream).hold(knowledge_.find(stream)->held().intersect(Interval{1, seq}));
  return floor;
}

}  // namespace deltamesh
