// engine/retention.h - what a node gives up of its telemetry, when, and in which order.
//
// A dataset may be bounded by age, counted from the arrival of its blocks, and by bytes; the store as a whole
// by bytes. Room is made by the batch that needs it. What goes is whole blocks. Of a stream it is the lowest
// that its tier has, and with the lowest of all also what was never held below it; of the streams, the one
// goes first whose next block came first. What a dataset's tier has not acknowledged yet goes when nothing
// else is left, and not for its age.
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

// What retention looks at. `pending`, by stream: what is on its way to the store.
struct RetentionSight {
  const NodeConfig& config;
  const StoreReader& reader;
  const StreamTable& streams;
  const Knowledge& knowledge;
  const std::vector<IntervalSet>& pending;
  const TierAcks& acks;
};

class Retention {
 public:
  explicit Retention(const RetentionSight& sight);

  // What a batch brings and what it gives up.
  struct Plan {
    std::map<StreamIx, IntervalSet> given_up;
    std::map<StreamIx, IntervalSet> unacknowledged;  // Of that, held here and awaited by a tier.
    std::map<StreamIx, IntervalSet> taken_out;       // Goes, too, for another reason.
    std::map<DatasetId, std::int64_t> bytes;         // Of blocks, by how much each dataset grows.
    std::int64_t brought = 0;                        // Bytes that come into the store,
    std::int64_t space = 0;                          // and by about how much it grows, at most.
  };

  // Whether there is any bound.
  [[nodiscard]] bool is_bounded() const { return is_bounded_; }
  // Notes what a batch brings: a block, or other bytes.
  void bring(Plan& plan, const StoredBlock& block);
  void bring(Plan& plan, std::size_t bytes);
  // Gives up what must go so that what `plan` brings has room; no more than some times that and
  // limits::kGiveUpMax blocks, so that a bound which became much tighter is worked off in turns. Once planned
  // it counts as done, until settled() or failed(). An error of the store ends it early.
  Status make_room(Plan& plan);
  // Gives up what has been here for too long, `alive` being the age of the store by now: so many blocks at
  // most.
  Status give_up_old(Plan& plan, std::chrono::seconds alive);
  // Gives up dots. Whoever calls this from outside has seen that nothing of them is held or on its way here.
  void give_up(Plan& plan, StreamIx ix, Interval dots);
  // Notes that a block goes that nobody gives up.
  void take_out(Plan& plan, StreamIx ix, const HeldBlock& block);
  void settled(const Plan& plan);
  void failed(const Plan& plan);

  // A stored block was written anew, with so many bytes more (or less).
  void rewritten(StreamIx ix, std::int64_t grows);
  // Stored blocks are on their way to become this one, which grows them by so many bytes (mostly less than
  // none). They count, and go, as one from now on; until merge_ended(), which says whether they have.
  void merge(StreamIx ix, const HeldBlock& block, std::int64_t grows);
  void merge_ended(StreamIx ix, Interval dots, bool stored);
  // A block is stored, or acknowledgements of its stream came in.
  void stored(StreamIx ix, Interval dots);
  void acknowledged(StreamIx ix);
  // Nothing of the stream is held, or on its way.
  void forget(StreamIx ix);

  // Dots of the stream that are given up, or taken out, by batches on their way.
  [[nodiscard]] const IntervalSet& planned(StreamIx ix) const;
  // What of a block that a peer sends is better not taken in, as there is no room: history, which would push
  // out what is newer; and what the tier has, if all that could go for it is what the tier lacks.
  [[nodiscard]] std::optional<Interval> refused(StreamIx ix, Interval dots) const;

 private:
  // Whose turn it is.
  struct Turn {
    bool awaited = false;
    std::uint64_t arrival = 0;
    StreamIx ix = 0;
    friend auto operator<=>(const Turn&, const Turn&) = default;
  };
  struct Merged {
    HeldBlock block;
    std::int64_t grows = 0;  // As it was counted.
  };
  struct Stream {
    std::vector<Merged> merged;  // On their way to the store.
    std::deque<HeldBlock>
        next;                  // Blocks that go next, as the store told them; empty: not looked up, or none.
    std::optional<Turn> turn;  // As it stands in its dataset's turns: of next.front().
    IntervalSet planned;
  };
  struct Dataset {
    const DatasetConfig* config = nullptr;
    const TierConfig* tier = nullptr;
    std::set<Turn> turns;
    std::int64_t bytes = 0;  // Of its blocks, by what was planned; where they are bounded.
  };

  Status load();
  void drop_bytes(Plan& plan, StreamIx ix, std::uint64_t bytes);
  Stream& at(StreamIx ix);
  [[nodiscard]] Dataset* dataset(StreamIx ix);
  [[nodiscard]] const Dataset* dataset(StreamIx ix) const;
  Status look_up(StreamIx ix);
  void look_up_anew(StreamIx ix);
  Status find_next(StreamIx ix, const IntervalSet& among);
  [[nodiscard]] const HeldBlock* merged_at(StreamIx ix, Seq seq) const;
  void leave_turn(StreamIx ix);
  [[nodiscard]] IntervalSet awaited(StreamIx ix, const IntervalSet& dots) const;
  [[nodiscard]] const std::set<Turn>* next_turns() const;
  Status make_room_in(const Dataset& dataset, Plan& plan);
  Status make_room_in_store(Plan& plan);
  Status give_up_first(Plan& plan, const std::set<Turn>& turns);
  [[nodiscard]] Interval with_below(StreamIx ix, Interval dots) const;
  [[nodiscard]] bool is_full(const Dataset& dataset) const;

  RetentionSight sight_;
  bool is_bounded_ = false;
  bool loaded_ = false;
  std::map<DatasetId, Dataset> datasets_;  // Of telemetry.
  std::vector<Stream> by_ix_;
  std::int64_t in_flight_ = 0;  // By so much the store grows with what is on its way there.
  bool is_full_ = false;        // The store, with what was on its way there at the last look.
};

}  // namespace deltamesh
