// engine/node_answer.cc - what a peer asks about ranges of a stream, answered within a budget.
//
// The first question about a range costs a decode of it. What that may cost is bounded over time, for all
// peers together; a question beyond it is refused as one for later, and what was read by then is remembered,
// so whoever asks again gets further.
#include "engine/node.h"
#include "engine/reconcile.h"

namespace deltamesh {

Status Node::receive(Session& session, const message::RangeQuestion& question, Instant now) {
  const auto ix = resolve(session, question.ref);
  if (!ix.ok()) return ix.error();
  auto answered = answer(*ix, question, now);
  ++(answered.ok() ? counters_.range_questions_answered : counters_.range_questions_refused);
  if (answered.ok()) return send(session, *answered), Done{};
  message::RangeAnswer refusal = unable_to_answer(question);
  if (answered.error().code == ErrorCode::kFull) {
    refusal.upto = question.upto;  // Settled, so it is worth asking again.
  } else {
    note(Note::Level::kWarning, "cannot answer what is held here: " + answered.error().text, session.peer);
  }
  send(session, refusal);
  return Done{};
}

// Sums of two nodes can be compared if both leave out the same.
Result<message::RangeAnswer> Node::answer(StreamIx ix, const message::RangeQuestion& question, Instant now) {
  if (question.rules != forgetting_.digest()) {
    message::RangeAnswer refusal = unable_to_answer(question);
    refusal.other_rules = true;
    return refusal;
  }
  const Seq upto = settled(ix);
  if (maps_.contains(streams_[ix].dataset) || upto == 0) return unable_to_answer(question);
  if (question.upto > upto) {
    message::RangeAnswer refusal = unable_to_answer(question);
    refusal.upto = upto;
    return refusal;
  }
  const std::uint64_t left = answer_work_.left(now.steady);
  answer_work_.spend(question.ranges.size() * limits::kRangeLookWork);
  if (left == 0) return Error{ErrorCode::kFull, "peers ask more than is answered at a time"};
  StoreRanges& held = ranges(ix, question.upto);
  const std::uint64_t before = held.work();
  held.allow(left);
  auto answered = answer_ranges(question, upto, held);
  held.allow_all();
  answer_work_.spend(held.work() - before);
  return answered;
}

Seq Node::settled(StreamIx ix) const {
  const StreamKnowledge* const known = this->known(ix);
  return known == nullptr ? 0 : known->settled();
}

// The events of a stream that is settled up to `upto` at least.
StoreRanges& Node::ranges(StreamIx ix, Seq upto) {
  return ranges_.at(
      streams_[ix], upto, std::max(upto, settled(ix)),
      [this, ix](SeriesNo number) { return catalogue_.find(ix, number); }, removed_by(ix));
}

void Node::forget_ranges(const InFlight& batch) {
  for (const auto& block : batch.blocks) ranges_.forget(block.block.stream, block.block.interval());
  for (const auto& declared : batch.declarations) ranges_.forget(declared.stream);
}

}  // namespace deltamesh
