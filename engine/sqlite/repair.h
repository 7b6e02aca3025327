// engine/sqlite/repair.h - a new store from what can be read of a damaged one; peers bring the rest.
//
// Every row that is sound goes into a new store of the same node, in a new incarnation. What is lost is not
// known there any more, so that peers send it again, also what the node wrote itself. Of a map that lost
// entries, only the writes that are there stay known: whatever else peers hold comes, and nothing is taken
// for seen that is gone.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "crdt/interval_set.h"
#include "engine/config.h"
#include "engine/store.h"

namespace deltamesh {

struct RepairReport {
  enum class Outcome : std::uint8_t {
    kSound,  // Nothing was done.
    kRepaired,
    kFinished,  // An interrupted repair was brought to its end; what that one lost, it cannot tell.
  };
  struct Stream {
    StreamId stream;
    bool is_map = false;
    bool known = true;  // What the store knew of it could be read; else it is taken from what is there.
    IntervalSet there;  // Dots of events, or of entries.
    IntervalSet asked;  // Held before, and to be sent again: lost, or of a map perhaps superseded.
  };
  struct Series {
    SeriesKey key;
    std::string name;  // As an index lists it; empty: it does not.
  };

  Outcome outcome = Outcome::kSound;
  std::string kept;  // Where the damaged store is.
  Identity identity;
  std::vector<Stream> streams;
  std::uint64_t series = 0, entries = 0, blocks = 0, events = 0;  // In the new store.
  std::vector<Series> unnamed;                          // Their declarations are lost; peers are asked.
  bool maps_whole = true;                               // No entry is missing.
  std::vector<std::pair<DatasetId, std::string>> keys;  // Of lost entries, as far as an index lists them.
  std::uint64_t nameless = 0;      // Rows of streams whose names are lost, and the rows with them.
  std::vector<std::string> notes;  // What else was lost, in words.

  [[nodiscard]] bool lost_something() const;
};

// Refuses: no such store; one of a newer version; a node runs on it; nothing in it is of a store; nothing
// tells the node's name. Whenever the process dies, the store is the old one or the new one, and the next
// repair, or the next opening, goes on from there. The old one is kept beside it, byte for byte, with its
// log. Needs as much room as the store takes.
Result<RepairReport> repair_store(const std::string& path);

}  // namespace deltamesh
