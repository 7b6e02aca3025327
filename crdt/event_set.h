// crdt/event_set.h - the grow-only set of telemetry events: dots to events, joined by union.
//
// This is the specification of a telemetry dataset, small enough to see that it is right: tests compare what
// engines and stores hold with it. Stores hold the same set as blocks. Two different events under one dot are
// a fork (a number was reused); join keeps the smaller by (time, boot, quality, source, readings) so that it
// stays a lattice, and counts nothing: detection is the engine's task.
#pragma once

#include <map>
#include <span>

#include "crdt/knowledge.h"
#include "crdt/sample.h"

namespace deltamesh {

class EventSet {
 public:
  // Events under the dots from `first` on; returns the delta (what was new).
  EventSet insert(const Dot& first, std::span<const Event> events);
  bool join(const EventSet& other);
  // All events that `receiver` does not hold.
  [[nodiscard]] EventSet delta_since(const Knowledge& receiver) const;
  [[nodiscard]] Knowledge knowledge() const;
  [[nodiscard]] const std::map<Dot, Event>& events() const { return events_; }
  friend bool operator==(const EventSet& a, const EventSet& b);

 private:
  std::map<Dot, Event> events_;
};

static_assert(Lattice<EventSet>);

}  // namespace deltamesh
