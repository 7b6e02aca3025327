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
  if (batch.blocks.empty()) return;
  came_since_mark_ = true;
  batch.mark = mark_if_due();
  if (!retention_.is_bounded()) return;
  for (const auto& block : batch.blocks) {
    batch.plan.bytes[block.block.stream.dataset] +=
        static_cast<std::int64_t>(block.block.bytes->size() + limits::kBlockRowBytes);
  }
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
  if (batch.plan.upto.empty() && !batch.mark && unstored_acks_.empty()) return;
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

// Old data for which there is no room is not taken in to push out what is newer; nor is any older.
bool Node::refuse_history(InFlight& batch, StreamIx ix, Interval dots) {
  if (!retention_.refuses(ix, dots)) return false;
  retention_.give_up(batch.plan, ix, dots.last);
  ++counters_.history_refused;
  return true;
}

// --- Time ------------------------------------------------------------------------------------------------

// The store is alive while it is open; and between two runs, if both knew the time.
void Node::live_on(Instant now) {
  if (alive_at_) alive_ += now.steady - alive_at_->steady;
  alive_at_ = now;
  if (!was_away_ || !mark_.wall) return;
  const WallTime wall = wall_time(now);
  if (!wall.known) return;
  was_away_ = false;
  const auto away = std::clamp<milliseconds>(wall.at - *mark_.wall, milliseconds(0), limits::kAwayMax);
  alive_ = std::max<Micros>(alive_, mark_.alive + away);
}

// A mark for the next batch, if blocks came since the last one and that is long ago.
std::optional<ArrivalMark> Node::mark_if_due() {
  const auto alive = duration_cast<seconds>(alive_);
  const bool is_due = !marked_ || alive >= mark_.alive + limits::kArrivalMark;
  if (!is_due || !came_since_mark_ || !alive_at_) return std::nullopt;
  marked_ = true;
  came_since_mark_ = false;
  was_away_ = false;
  mark_.alive = alive;
  mark_.wall.reset();
  if (const WallTime wall = wall_time(*alive_at_); wall.known) mark_.wall = wall.at;
  return mark_;
}

// --- Durable ---------------------------------------------------------------------------------------------

void Node::apply_given_up(const InFlight& batch) {
  retention_.settled(batch.plan);
  for (const auto& [ix, upto] : batch.plan.upto) {
    const StreamId& stream = streams_[ix];
    StreamKnowledge& known = knowledge_.at(stream);
    const IntervalSet gone = known.held().intersect(IntervalSet({1, upto}));
    known.drop(Interval{1, upto});
    counters_.events_given_up += gone.size();
    ranges_.forget(stream, {1, upto});
    for (const auto& [peer, session] : sessions_) {
      note_given_up(*session, ix, gone, batch.from == peer);
      acknowledge(*session, ix);
    }
  }
  for (const auto& [ix, dots] : batch.plan.unacknowledged) {
    counters_.events_unacknowledged += dots.size();
    if (streams_[ix].node == identity_.node) counters_.events_lost += dots.size();
  }
}

// A peer that has it all hears of it later. One whose history was refused hears of it before that is
// acknowledged, and sends no more of it.
void Node::note_given_up(Session& session, StreamIx ix, const IntervalSet& gone, bool refused) {
  for (News::Dots* const news : {&session.news.fresh, &session.news.ripe, &session.news.due}) {
    const auto at = news->find(ix);
    if (at == news->end()) continue;
    at->second = at->second.minus(gone);
    if (at->second.empty()) news->erase(at);
  }
  if (session.phase == SessionPhase::kHello || !shares(session, streams_[ix].dataset)) return;
  session.given_up_due.insert(ix);
  if (refused || !session.at(ix).remote.includes(gone)) tell_given_up(session, ix);
}

void Node::tell_given_up(Session& session, StreamIx ix) {
  session.given_up_due.erase(ix);
  const StreamKnowledge& known = *this->known(ix);
  message::Frontier news;
  news.entries.push_back({refer(session, ix), {}, {}, known.head(), known.settled(), known.dropped(), {}});
  send(session, news);
}

void Node::tell_all_given_up() {
  for (const auto& [peer, session] : sessions_) {
    for (const StreamIx ix : std::set(session->given_up_due)) tell_given_up(*session, ix);
  }
}

void Node::give_up_failed(BatchId id, const InFlight& batch) {
  std::vector<const Retention::Plan*> later;
  for (auto at = in_flight_.upper_bound(id); at != in_flight_.end(); ++at) later.push_back(&at->second.plan);
  retention_.failed(batch.plan, later);
}

}  // namespace deltamesh
