// crdt/event_set.cc - union of events by dot, with a rule for forks.
#include "crdt/event_set.h"

#include <algorithm>
#include <cassert>
#include <limits>
#include <tuple>

namespace deltamesh {
namespace {

bool reading_less(const Reading& a, const Reading& b) {
  return a.series != b.series ? a.series < b.series : value_less(a.value, b.value);
}

// A total order: of two events that differ, one is less.
bool event_less(const Event& a, const Event& b) {
  const auto x = std::tie(a.time, a.boot, a.quality, a.source);
  const auto y = std::tie(b.time, b.boot, b.quality, b.source);
  if (x != y) return x < y;
  return std::lexicographical_compare(a.readings.begin(), a.readings.end(), b.readings.begin(),
                                      b.readings.end(), reading_less);
}

// Returns true if `event` is new under `dot`, or takes the place of another that it is less than.
bool put(std::map<Dot, Event>& events, const Dot& dot, const Event& event) {
  const auto [at, is_new] = events.try_emplace(dot, event);
  if (is_new) return true;
  if (!event_less(event, at->second)) return false;
  at->second = event;
  return true;
}

}  // namespace

EventSet EventSet::insert(const Dot& first, std::span<const Event> events) {
  assert(first.seq >= 1 && events.size() <= std::numeric_limits<Seq>::max() - first.seq + 1);
  EventSet delta;
  Dot dot = first;
  for (const Event& event : events) {
    if (put(events_, dot, event)) delta.events_.emplace(dot, event);
    ++dot.seq;
  }
  return delta;
}

bool EventSet::join(const EventSet& other) {
  bool changed = false;
  for (const auto& [dot, event] : other.events_) changed |= put(events_, dot, event);
  return changed;
}

EventSet EventSet::delta_since(const Knowledge& receiver) const {
  EventSet delta;
  for (const auto& [dot, event] : events_) {
    if (!receiver.holds(dot)) delta.events_.emplace_hint(delta.events_.end(), dot, event);
  }
  return delta;
}

Knowledge EventSet::knowledge() const {
  Knowledge known;
  for (const auto& [dot, event] : events_) known.hold(dot);
  return known;
}

bool operator==(const EventSet& a, const EventSet& b) {
  return std::equal(
      a.events_.begin(), a.events_.end(), b.events_.begin(), b.events_.end(),
      [](const auto& x, const auto& y) { return x.first == y.first && same_event(x.second, y.second); });
}

}  // namespace deltamesh
