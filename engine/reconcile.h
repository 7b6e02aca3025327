// engine/reconcile.h - what two sides hold of one stream, compared by fingerprints of ranges.
//
// One side asks; the other answers and remembers nothing. A question names ranges of dots, and for each the
// number and the fingerprint of the events that the asker expects there. Where the answerer has just these,
// it says so. Where not, it tells which dots it holds, if they are a few runs, or the sums of smaller cells
// if they are many; and the asker goes on with what differs. So the held sets are compared first, and the
// contents where both hold, down to the single event. Everything lies at or below a number that both have
// settled, so new data is no moving target. docs/reconciliation.md has an example and what it costs.
//
// No clock and no I/O: whoever holds a Reconciler sends the questions and waits for the answers. A peer that
// does not know the question skips it; the wait needs an end.
#pragma once

#include <optional>
#include <vector>

#include "engine/range_source.h"
#include "engine/reconciled.h"

namespace deltamesh {

// The answer to a question that codec.h has decoded, from one who has settled the stream up to `settled` (0:
// does not know it). An answer without parts refuses a question that goes beyond that. An error is the
// source's; the peer then gets unable_to_answer().
Result<message::RangeAnswer> answer_ranges(const message::RangeQuestion& question, Seq settled,
                                           RangeSource& source);
message::RangeAnswer unable_to_answer(const message::RangeQuestion& question);

// The side that asks: ask() and take() in turn until ask() has no more questions. Neither a peer's word nor
// its number of answers makes it grow or go on beyond engine/limits.h: each answer must cut the range that it
// answers, or turn it from one whose held dots are unknown into one where they are known.
class Reconciler {
 public:
  // Compares `dots`, of which the last must be settled on both sides. All of a stream: 1 to the lower of both
  // settled numbers; a scrub may go piece by piece.
  explicit Reconciler(Interval dots);

  // The next question, without its `ref`, which is the session's to fill in; nullopt: all is compared. An
  // error is the source's, and the end.
  Result<std::optional<message::RangeQuestion>> ask(RangeSource& source);

  // The answer to the last question. An error of kInvalid: the peer broke the rules; kNotFound or kMismatch:
  // it cannot answer; any other is the source's. Each is the end of this comparison.
  Status take(const message::RangeAnswer& answer, RangeSource& source);

  // What was found so far; all of it once ask() had no more questions.
  [[nodiscard]] const Reconciled& result() const { return result_; }

 private:
  // `peer`: the dots of the range that the peer holds, all of which were held here, if they are known.
  struct Pending {
    Interval dots;
    std::optional<IntervalSet> peer;
    bool unequal = false;  // It is likely that the events of just these dots are not the same.
  };
  struct Asked {
    Interval dots;
    std::optional<IntervalSet> peer;
    RangeSum expected;
  };

  Status ask_about(RangeSource& source, const Pending& next);
  Status ask_one(RangeSource& source, Interval dots, std::optional<IntervalSet> peer);
  void give_up();
  void push(Pending next);

  Status check(const message::RangeAnswer& answer) const;
  Status take_part(RangeSource& source, const Asked& asked, const message::RangeAnswer::Part& part);
  Status take_runs(RangeSource& source, const Asked& asked, const IntervalSet& runs);
  Status take_cells(RangeSource& source, const Asked& asked, const message::RangeAnswer::Cells& cells);
  Status take_cell(RangeSource& source, Interval cell, const RangeSum& theirs);
  Status take_known_cell(RangeSource& source, Interval cell, const IntervalSet& peer, const RangeSum& theirs);
  Status compare_held(RangeSource& source, Interval dots, const IntervalSet& peer);

  Reconciled result_;
  std::vector<Pending> pending_;  // Descending and disjoint: the lowest is asked about first.
  std::vector<Asked> asked_;      // Ascending: the question that waits for its answer.
};

}  // namespace deltamesh
