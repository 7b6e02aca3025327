// ingest/event_queue.h - the events of one dataset between being pushed and being durable, in their order.
//
// Events are numbered as they come. A write takes some from the front, and the next one may follow as soon as
// the node has taken it: from then on its place in the stream is sure. So what is refused at the door comes
// back in front of all that waits, and order is kept. Only what the disk refuses later falls behind writes
// that were on their way meanwhile. Pure: no lock, no thread, no clock.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "crdt/sample.h"

namespace deltamesh {

// About what an event takes of memory while it is here.
std::size_t memory_bytes(const NamedEvent& event);

class EventQueue {
 public:
  using Time = std::chrono::steady_clock::time_point;
  struct Item {
    std::uint64_t number = 0;
    NamedEvent event;
  };
  using Items = std::vector<Item>;  // Never empty where it stands for a write.

  // A write has at most `events_max` events, and fewer while one at fault is looked for.
  explicit EventQueue(std::size_t events_max) : events_max_(events_max), next_events_(events_max) {}

  // Its number.
  std::uint64_t push(NamedEvent event);

  // The next write, which is under way from now on; nullptr if nothing waits, or not yet. It stays where it
  // is until it is finished, and is called by its first number.
  const Items* start_write(Time now);
  // When start_write() is worth a call; nullopt if not before something else happens.
  [[nodiscard]] std::optional<Time> write_due() const;

  // The node has given the write its place in the stream.
  void taken(std::uint64_t write);
  // The write is over, one way or the other.
  Items finish(std::uint64_t write);

  // Its events wait again, for a write not before `not_before`; or for smaller ones, in which the event at
  // fault stands alone sooner or later.
  void retry(Items items, Time not_before);
  void halve(Items items);

  // All events before this number are settled.
  [[nodiscard]] std::uint64_t first_unsettled() const;

 private:
  void put_back(Items items);

  std::size_t events_max_;
  std::size_t next_events_;  // Of the next write, at most.
  std::uint64_t last_ = 0;
  std::deque<Item> waiting_;               // Ascending.
  std::map<std::uint64_t, Items> writes_;  // Under way, by the number of the first event.
  std::optional<std::uint64_t> untaken_;   // The write that the node has neither taken nor refused.
  Time not_before_{};
};

}  // namespace deltamesh
