// tests/engine/map_fixture.h - two sides of a map without nodes, and the conversation between them.
#pragma once

#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "engine/map_reconcile.h"
#include "tests/crdt/random.h"
#include "tests/engine/golden_messages.h"
#include "tests/engine/reconcile_fixture.h"

namespace deltamesh::testing {

inline const DatasetId kMap = dataset_id("settings");

inline StreamId map_writer(std::uint8_t number) {
  return {kMap, StreamClass::kMetric, golden::id<NodeId>(number), golden::id<Incarnation>(0x22)};
}

// One replica, which can also be told what no correct one would believe.
struct MapReplica {
  MapReplica() = default;
  MapReplica(const MapReplica&) = delete;  // The ranges point into the map.
  MapReplica& operator=(const MapReplica&) = delete;

  void write(std::uint8_t writer, const std::string& key, const std::string& value, bool tombstone = false) {
    MapEntry entry;
    entry.key = key;
    entry.value = tombstone ? "" : value;
    entry.tombstone = tombstone;
    entry.version.stamp.bits = ++clock;
    const StreamKnowledge* const known = map.knowledge().find(map_writer(writer));
    entry.version.dot = {map_writer(writer), known == nullptr ? 1 : known->held().last() + 1};
    map.apply(entry);
    ranges.take(*map.find_entry(key));
  }
  void remove(std::uint8_t writer, const std::string& key) { write(writer, key, "", true); }

  void take_from(const MapReplica& other) {
    for (const MapEntry& entry : other.map.delta_since(map.knowledge()).entries) join(entry);
    map.learn(other.map.knowledge());
    clock = std::max(clock, other.clock);
  }
  void join(const MapEntry& entry) {
    if (map.join(entry)) ranges.take(*map.find_entry(entry.key));
  }
  // All of the other but these entries, in whose place stand `instead`.
  void take_damaged(const MapReplica& other, const std::set<std::string>& without,
                    const std::vector<MapEntry>& instead = {}) {
    for (const auto& [key, entry] : other.map.entries()) {
      if (!without.contains(key)) join(entry);
    }
    for (const MapEntry& entry : instead) join(entry);
    map.learn(other.map.knowledge());
    clock = other.clock;
  }
  [[nodiscard]] MapEntry entry(const std::string& key) const { return *map.find_entry(key); }
  [[nodiscard]] MapSide side() const { return {map, ranges}; }

  LwwMap map;
  MapRanges ranges;
  std::uint64_t clock = 0;
};

// Asks until there is nothing more to ask. `meanwhile` is called before every answer and before it is taken.
template <class Meanwhile>
Status converse(MapReconciler& a, const MapReplica& of_a, const MapReplica& of_b, Traffic& traffic,
                Meanwhile meanwhile) {
  while (auto question = a.ask(of_a.side())) {
    ++traffic.round_trips;
    const auto heard = over_the_wire(*question, traffic);
    meanwhile();
    const auto answer = over_the_wire(answer_map(heard, of_b.side()), traffic);
    meanwhile();
    if (const Status taken = a.take(answer, of_a.side()); !taken) return taken;
  }
  return Done{};
}

inline ComparedMap compare(const MapReplica& a, const MapReplica& b, Traffic& traffic,
                           MapReconciler::Bounds bounds = {}) {
  MapReconciler asker(kMap, bounds);
  const Status status = converse(asker, a, b, traffic, [] {});
  if (!status) throw std::runtime_error(status.error().text);
  return asker.result();
}

inline ComparedMap compare(const MapReplica& a, const MapReplica& b) {
  Traffic traffic;
  return compare(a, b, traffic);
}

inline std::string text_of(const ComparedMap& result) {
  return describe(result, "A", "B");
}

}  // namespace deltamesh::testing
