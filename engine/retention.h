// engine/retention.h - what a node gives up of its telemetry, when, and in which order.
//
// A dataset may be bounded by age, counted from the arrival of its blocks, and by bytes; the store as a whole
// by bytes. Room is made by the batch that needs it, so the bounds hold at every moment. What goes is always
// the lowest block of a stream, and with it all of the stream that lies below: from then on the node wants
// none of that. Of the streams, the one goes first whose lowest block came first; what the dataset's tier has
// not acknowledged yet goes when nothing else is left, and not for its age.
//
// Looks at the store, the streams and what is known, through references that outlive it; changes none of
// them. Not thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "engine/config.h"
#include "engine/store.h"
#include "engine/stream_table.h"
#include "engine/tier_acks.h"

namespace deltamesh {

class Retention {
 public:
  Retention(const NodeConfig& config, const StoreReader& reader, const StreamTable& streams,
            const Knowledge& knowledge, const TierAcks& acks);

  // What a batch brings and what it gives up.
  struct Plan {
    std::map<StreamIx, Seq> upto;                    // Each of these streams is given up to that event.
    std::map<StreamIx, IntervalSet> unacknowledged;  // Of that, held here and awaited by a tier.
    std::map<DatasetId, std::int64_t> bytes;         // By so much each dataset grows.
    std::int64_t space = 0;                          // And by about so much the store, at most.
  };

  // Whether there is any bound.
  [[nodiscard]] bool is_bounded() const { return is_bounded_; }
  // Gives up what must go so that what `plan` brings has room. Once planned it counts as done, until
  // settled() says that it is stored or has failed. An error of the store ends it early.
  Status make_room(Plan& plan);
  // Gives up what has been here for too long, `alive` being the age of the store by now. At most
  // limits::kGiveUpMax blocks at a time: `plan` is as it was once nothing is left.
  Status give_up_old(Plan& plan, std::chrono::seconds alive);
  // Gives up a stream up to an event, whatever is held of it.
  void give_up(Plan& plan, StreamIx ix, Seq upto);
  void settled(const Plan& plan);
  // A batch with this plan has failed, and `later` are those that follow it.
  void failed(const Plan& plan, const std::vector<const Plan*>& later);

  // A block is stored, or acknowledgements of its stream came in.
  void stored(StreamIx ix, Interval dots);
  void acknowledged(StreamIx ix);

  // Events of the stream up to here are not wanted.
  [[nodiscard]] Seq floor(StreamIx ix) const;
  // There is so little room that `dots`, of which all that is held of their stream lies above, would soon be
  // given up again.
  [[nodiscard]] bool refuses(StreamIx ix, Interval dots) const;

 private:
  // Whose turn it is.
  struct Turn {
    bool awaited = false;
    std::uint64_t arrival = 0;
    StreamIx ix = 0;
    friend auto operator<=>(const Turn&, const Turn&) = default;
  };
  struct Stream {
    std::deque<HeldBlock> lowest;  // The first of what is held, as the store told it; empty: not looked up.
    std::optional<Turn> turn;      // As it stands in its dataset's turns.
    Seq floor = 0;
  };
  struct Dataset {
    const DatasetConfig* config = nullptr;
    const TierConfig* tier = nullptr;
    std::set<Turn> turns;
    std::uint64_t bytes = 0;  // Of its blocks, by what was planned; where they are bounded.
  };

  Status make_room_in(const Dataset& dataset, Plan& plan);
  Status make_room_in_store(Plan& plan);
  Status load();
  Stream& at(StreamIx ix);
  [[nodiscard]] Dataset* dataset(StreamIx ix);
  Status look_up(StreamIx ix);
  void take_turn(StreamIx ix);
  void leave_turn(StreamIx ix);
  [[nodiscard]] IntervalSet awaited(const Dataset& dataset, StreamIx ix, Interval dots) const;
  [[nodiscard]] const std::set<Turn>* next_turns() const;
  Status give_up_first(Plan& plan, const std::set<Turn>& turns);
  [[nodiscard]] Result<std::uint64_t> used(const Plan& plan) const;

  const NodeConfig& config_;
  const StoreReader& reader_;
  const StreamTable& streams_;
  const Knowledge& knowledge_;
  const TierAcks& acks_;
  bool is_bounded_ = false;
  bool loaded_ = false;
  std::map<DatasetId, Dataset> datasets_;  // Of telemetry.
  std::vector<Stream> by_ix_;
  std::int64_t in_flight_ = 0;  // By so much the store grows with what is on its way there.
  bool is_full_ = false;        // The store, with what was on its way there at the last look.
};

}  // namespace deltamesh
