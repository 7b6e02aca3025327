// engine/node_retention.cc - what is given up of telemetry: with the batch that needs the room, and in turn
// for its age.
#include <algorithm>

#include "engine/node.h"

namespace deltamesh {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::seconds;

// --- Planning --------------------------------------------------------------------------------------------

// Makes room for what the batch brings. Without an answer from the store it goes as it is.
void Node::keep_within_bounds(InFlight& batch) {
  if (!batch.blocks.empty()) {
    came_since_mark_ = true;
    batch.mark = mark_if_due();
  }
  if (!retention_.is_bounded() || (batch.blocks.empty() && batch.entries.empty())) return;
  for (const auto& block : batch.blocks) retention_.bring(batch.plan, block.block);
  for (const auto& write : batch.entries) retention_.bring(batch.plan, map_entry_bytes(write.entry));
  note_unable(retention_.make_room(batch.plan));
  declare_lost(batch);
}

// What is too old goes, some of it at a time; and what no longer fits, after the operator has made the bounds
// tighter.
void Node::check_retention(Instant now) {
  live_on(now);
  if (!look_at_ || now.steady < *look_at_) return;
  look_at_ = now.steady + limits::kRetentionLook;
  tell_all_given_up();
  InFlight batch;
  note_unable(retention_.give_up_old(batch.plan, duration_cast<seconds>(alive_)));
  note_unable(retention_.make_room(batch.plan));
  declare_lost(batch);
  batch.mark = mark_if_due();
  batch.acks = take_unstored_acks();
  if (batch.plan.given_up.empty() && !batch.mark && batch.acks.empty()) return;
  look_at_.reset();
  batch.looks = true;
  commit(std::move(batch));
}

void Node::note_unable(const Status& planned) {
  if (!planned.ok()) note(Note::Level::kWarning, "cannot look for what to give up: " + planned.error().text);
}

// Of what this node wrote, it alone can tell the others that it is gone.
void Node::declare_lost(InFlight& batch) {
  for (const auto& [ix, dots] : batch.plan.unacknowledged) {
    if (streams_[ix].node == identity_.node) batch.knowledge.at(streams_[ix]).declare_lost(dots);
  }
}

// What there is no room for is not taken in to push out what is better kept.
bool Node::refuse(InFlight& batch, StreamIx ix, Interval dots) {
  if (!retention_.is_bounded() || is_own(streams_[ix])) return false;
  const auto refused = retention_.refused(ix, dots);
  if (!refused) return false;
  retention_.give_up(batch.plan, ix, *refused);
  batch.refused.insert(ix);
  ++counters_.blocks_refused;
  return true;
}

// --- Time ------------------------------------------------------------------------------------------------

// The store is alive while it is open; and between two runs, if both knew the time.
void Node::live_on(Instant now) {
  if (alive_at_) alive_ += now.steady - alive_at_->steady;
  alive_at_ = now;
  if (!left_) return;
  const WallTime wall = wall_time(now);
  if (!wall.known) return;
  const auto since = std::clamp<milliseconds>(wall.at - *left_->wall, milliseconds(0), limits::kAwayMax);
  alive_ = std::max<Micros>(alive_, left_->alive + since);
  left_.reset();
}

// A mark for the next batch, if blocks came since the last one and that is long ago.
std::optional<ArrivalMark> Node::mark_if_due() {
  const auto alive = duration_cast<seconds>(alive_);
  const bool is_due = !marked_ || alive >= mark_.alive + limits::kArrivalMark;
  if (!is_due || !came_since_mark_ || !alive_at_) return std::nullopt;
  marked_ = true;
  came_since_mark_ = false;
  mark_.alive = alive;
  mark_.wall.reset();
  if (const WallTime wall = wall_time(*alive_at_); wall.known) mark_.wall = wall.at;
  return mark_;
}

// --- Durable ---------------------------------------------------------------------------------------------

void Node::apply_given_up(const InFlight& batch) {
  retention_.settled(batch.plan);
  for (const auto& [ix, dots] : batch.plan.given_up) {
    StreamKnowledge& known = knowledge_.at(streams_[ix]);
    const IntervalSet gone = known.held().intersect(dots);
    known.drop(dots);
    counters_.events_given_up += gone.size();
    for (const Interval run : dots.intervals()) ranges_.forget(streams_[ix], run);
    for (const auto& [peer, session] : sessions_) {
      note_given_up(*session, ix, gone);
      if (batch.from == peer && batch.refused.contains(ix)) tell_given_up(*session, ix);
      acknowledge(*session, ix);
    }
  }
  for (const auto& [ix, dots] : batch.plan.unacknowledged) {
    counters_.events_unacknowledged += dots.size();
    if (streams_[ix].node == identity_.node) counters_.events_lost += dots.size();
  }
}

// A peer that has it all hears of it later.
void Node::note_given_up(Session& session, StreamIx ix, const IntervalSet& gone) {
  for (News::Dots* const news : {&session.news.fresh, &session.news.ripe, &session.news.due}) {
    const auto at = news->find(ix);
    if (at == news->end()) continue;
    at->second = at->second.minus(gone);
    if (at->second.empty()) news->erase(at);
  }
  if (session.phase != SessionPhase::kLive || !shares(session, streams_[ix].dataset)) return;
  const SessionStream* const state = session.streams.find(ix);
  const bool wants_none = state == nullptr ? gone.last() <= session.head_in_sum(ix)
                                           : state->in_sum && state->unwanted.includes(gone);
  if (wants_none) return;
  session.given_up_due.insert(ix);
  if (!session.at(ix).remote.includes(gone)) tell_given_up(session, ix);
}

void Node::tell_given_up(Session& session, StreamIx ix) {
  session.given_up_due.erase(ix);
  const StreamKnowledge& known = *this->known(ix);
  tell(session, {refer(session, ix), {}, {}, known.head(), known.declared(), known.dropped(), {}});
}

void Node::tell_all_given_up() {
  for (const auto& [peer, session] : sessions_) {
    for (const StreamIx ix : std::set(session->given_up_due)) tell_given_up(*session, ix);
  }
}

void Node::give_up_failed(const InFlight& batch) {
  retention_.failed(batch.plan);
  if (!batch.mark) return;
  marked_ = false;
  came_since_mark_ = true;
}

// It has sent us what the batch was to give up, and waits to hear that we need no more of it.
bool Node::owes(const Session& session, const InFlight& batch) {
  return std::any_of(session.deltas_owed.begin(), session.deltas_owed.end(), [&](const SentDelta& delta) {
    const auto at = batch.plan.given_up.find(delta.ix);
    return at != batch.plan.given_up.end() && at->second.intersects(delta.dots);
  });
}

}  // namespace deltamesh
