// crdt/lww_map.h - keys to values; for each key the latest write wins, the same way on every replica.
//
// Writes are totally ordered by (epoch, clock stamp, node, incarnation, seq, value), so replicas that have
// seen the same writes are equal. A removal is a write of a tombstone. Knowledge says which writes were seen;
// a write seen and not present was superseded by one that is.
//
// Beside the latest write of a key stand those in conflict with it (crdt/map_conflict.h): part of the value,
// and of deltas, until a write that has seen them.
//
// A delta is relative to a pair: all that the sender's whole knowledge has beyond the receiver's, and every
// surviving entry whose dot the receiver has not seen. Anything less can mark a superseded write as seen at a
// receiver that never gets the winner; that is also why entries travel of which the sender's own knowledge
// says nothing yet (half of a paged delta has arrived). Knowledge is joined once, after the last entry.
#pragma once

#include <compare>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "crdt/knowledge.h"
#include "crdt/lattice.h"
#include "crdt/map_entry.h"
#include "crdt/map_floor.h"

namespace deltamesh {

class LwwMap {
 public:
  // Remembers the keys of so many writes that other streams superseded, for deltas of some streams. More:
  // their memory. Fewer: receivers that lack more of them get deltas of all streams. And keeps so many
  // conflicts a key, the latest.
  explicit LwwMap(std::size_t superseded_max = 0, std::size_t conflicts_max = 0)
      : superseded_max_(superseded_max), conflicts_max_(conflicts_max) {}

  // By stream: writes that a later one of the same stream superseded, which is held, too. Whoever is told of
  // such a write is told of that later one or knows it; so nothing need be remembered to find the winner.
  using Rewritten = std::map<StreamId, IntervalSet>;

  struct Delta {
    std::vector<MapEntry> entries;
    Knowledge knowledge;  // The sender's, beyond what the receiver had.
    Rewritten rewritten;  // Of that.
    friend bool operator==(const Delta&, const Delta&) = default;
  };

  // Stores a write whose version the caller made, and marks its dot as seen. Returns the delta.
  Delta apply(MapEntry entry);

  // Joins one entry without touching knowledge (a page of a delta); returns true if it won.
  bool join(const MapEntry& entry) { return take(entry).won; }
  bool join(const Delta& delta);
  bool join(const LwwMap& other);
  bool learn(const Knowledge& knowledge);
  bool learn(const Knowledge::Entry& entry);
  // Of writes that were not held before, after the knowledge that a delta brought with them.
  void learn(const Rewritten& rewritten);
  // Adds to `all`, and leaves out the oldest, so that at most so many runs of the stream are left.
  static void join(Rewritten& all, const StreamId& stream, const IntervalSet& dots, std::size_t runs_max);

  [[nodiscard]] Delta delta_since(const Knowledge& receiver) const;
  // The same of some streams only (ascending), with the winners over those of their writes that were
  // superseded, whatever stream these are of. nullopt if it was forgotten which key such a write was to: then
  // only the whole delta hides nothing.
  [[nodiscard]] std::optional<Delta> delta_since(const Knowledge& receiver,
                                                 const std::vector<StreamId>& streams) const;
  [[nodiscard]] Delta state() const { return delta_since({}); }

  // The live value of `key`; find_entry also yields tombstones.
  [[nodiscard]] const MapEntry* find(std::string_view key) const;
  [[nodiscard]] const MapEntry* find_entry(std::string_view key) const;
  [[nodiscard]] const std::map<std::string, MapEntry, std::less<>>& entries() const { return entries_; }
  [[nodiscard]] const Knowledge& knowledge() const { return knowledge_; }

  // By key: writes in conflict with the latest, the latest of them first; none is empty.
  using Conflicts = std::map<std::string, std::vector<MapEntry>, std::less<>>;
  [[nodiscard]] const Conflicts& conflicts() const { return conflicts_; }
  [[nodiscard]] std::size_t conflict_count() const { return conflict_count_; }
  // All writes of a key that are here, the latest first: what a new one has seen (follow()).
  [[nodiscard]] std::vector<const MapEntry*> writes(std::string_view key) const;
  // That write of the key, while it is here.
  [[nodiscard]] const MapEntry* find_write(std::string_view key, const Dot& dot) const;

  // What a new write to `key` must carry to win here and to be ordered after all that was seen of the key.
  // `stamp` comes from this node's clock; the epoch rises only where an entry has run ahead of that clock.
  // There is nothing above the largest epoch: an entry that has it and a stamp from the future stays.
  [[nodiscard]] std::uint32_t epoch_for(std::string_view key, HlcStamp stamp) const;

  // lww_map_prune.cc: what is no join. docs/decisions/0010-floors-of-maps.md says when it is right.
  //
  // Takes one write out, if it is here; of several, the latest of the rest is the value then.
  bool erase(std::string_view key, const Dot& dot);
  // Nothing is held any more, as far as anybody is to know; all entries stay.
  void forget();
  // Writes that are here and not held.
  [[nodiscard]] std::vector<const MapEntry*> unheld() const;
  // The floor under which, at `stamp`, all old tombstones are whose dots are held.
  [[nodiscard]] MapFloor floor_at(HlcStamp stamp) const;
  // Tombstones that the floor lets go, one a key and at most `max`, of keys from `from` on.
  [[nodiscard]] std::vector<const MapEntry*> collectable(const MapFloor& floor, std::string_view from,
                                                         std::size_t max) const;

  friend bool operator==(const LwwMap& a, const LwwMap& b) {
    return a.entries_ == b.entries_ && a.conflicts_ == b.conflicts_ && a.knowledge_ == b.knowledge_;
  }

 private:
  // A pair, and not a map from dots: a forked store can issue one dot for two keys, and both must travel.
  using DotKey = std::pair<Dot, std::string>;
  struct ByDot {
    using is_transparent = void;
    bool operator()(const DotKey& a, const DotKey& b) const { return a < b; }
    bool operator()(const Dot& a, const DotKey& b) const { return a < b.first; }
    bool operator()(const DotKey& a, const Dot& b) const { return a.first < b; }
  };

  // A delta under construction: entries by their place here, each once.
  struct Part {
    std::set<const MapEntry*> entries;
    Knowledge knowledge;
    Rewritten rewritten;
  };

  struct Taken {
    bool kept = false, won = false;
  };
  Taken take(const MapEntry& entry);
  Taken take_beside(MapEntry& latest, const MapEntry& entry);
  void supersede(const Dot& dot, const Dot& winner, const std::string& key);
  void note_unheld(const Dot& dot);
  [[nodiscard]] const MapEntry* collectable(const MapEntry& latest, const MapFloor& floor) const;
  [[nodiscard]] IntervalSet rewritten_of(const StreamId& stream, const IntervalSet& dots) const;
  bool add_stream(Part& part, const StreamId& stream, const Knowledge& receiver) const;
  bool add_winner(Part& part, const Dot& superseded, const Knowledge& receiver) const;

  std::map<std::string, MapEntry, std::less<>> entries_;
  Conflicts conflicts_;
  std::size_t conflict_count_ = 0;
  std::set<DotKey, ByDot> by_dot_;  // Surviving entries by dot, for deltas that cost what they carry.
  Knowledge knowledge_;
  // Where the winners over superseded writes are to be found: in the same stream, or under the key, of those
  // that were superseded last. Not part of the value.
  Rewritten rewritten_;
  Rewritten unheld_;  // Writes that were joined and are not held yet.
  std::size_t superseded_max_, conflicts_max_;
  std::map<Dot, std::string> superseded_;
  std::deque<Dot> superseded_order_;
};

static_assert(Lattice<LwwMap>);

}  // namespace deltamesh
