// engine/session_streams.h - the streams that one session has to do with, by StreamIx.
//
// There are many, sessions times streams, and of most of those that are over a session never says a word:
// only those that it was asked for take room.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "crdt/interval_set.h"
#include "crdt/sample.h"
#include "engine/stream_table.h"

namespace deltamesh {

struct SessionStream {
  static constexpr std::uint32_t kUnnamed = ~std::uint32_t{0};
  std::uint32_t out_index = kUnnamed;  // In our table, once we have mentioned it.
  std::uint32_t in_index = kUnnamed;   // In the peer's table.
  bool queued = false;                 // Stands in Session::alarms or Session::live,
  bool behind = false;                 // and in Session::backlog.
  bool muted = false;                  // The peer wants no blocks of it from us, only news.
  bool unsubscribed = false;           // The same the other way round.
  bool asks_back = false;              // The peer writes it, and lacks some that was damaged there.
  bool in_sum = false;                 // All that the peer has heard of it from us is a sum (engine/past.h).
  bool by_sum = false;                 // Some of `unwanted` is what a sum told.
  IntervalSet remote;                  // Dots that the peer has: it told us, or sent them.
  IntervalSet unwanted;                // Dots that it wants none of, whether it has them or not.
  IntervalSet sent;                    // In flight: sent and not acknowledged.
  std::vector<SeriesNo> declared;      // Ascending: series that the peer has from us.
};

// References stay valid while others are added.
class SessionStreams {
 public:
  [[nodiscard]] SessionStream* find(StreamIx ix) {
    return ix < places_.size() && places_[ix] != 0 ? &states_[places_[ix] - 1] : nullptr;
  }
  [[nodiscard]] const SessionStream* find(StreamIx ix) const {
    return ix < places_.size() && places_[ix] != 0 ? &states_[places_[ix] - 1] : nullptr;
  }
  // One that is not there yet.
  SessionStream& add(StreamIx ix) {
    if (places_.size() <= ix) places_.resize(ix + 1);
    places_[ix] = static_cast<std::uint32_t>(states_.size() + 1);
    return states_.emplace_back();
  }
  [[nodiscard]] auto begin() const { return states_.begin(); }
  [[nodiscard]] auto end() const { return states_.end(); }

 private:
  std::vector<std::uint32_t> places_;  // By StreamIx: one more than the place of its state; 0: it has none.
  std::deque<SessionStream> states_;
};

}  // namespace deltamesh
