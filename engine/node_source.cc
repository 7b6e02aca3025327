// engine/node_source.cc - which peer brings which stream.
//
// A new stream is pushed over every link. Whoever gets an event a second time unsubscribes from the peer that
// was slower; from then on that peer only tells what it has. So each stream flows along the tree on which its
// events arrived first, and the other links carry news (Leitao, Pereira, Rodrigues: Epidemic Broadcast Trees,
// SRDS 2007; one tree a writer as in Secure Scuttlebutt). News of an event that does not come is a reason to
// subscribe where it was heard.
#include <algorithm>

#include "engine/node.h"
#include "engine/validate.h"

namespace deltamesh {

// --- Taking ----------------------------------------------------------------------------------------------

// A block of the stream came in: with news, or all of it known. Rules come over every link, as data waits for
// them there.
void Node::note_source(Session& session, StreamIx ix, bool fresh) {
  if (streams_[ix].dataset == rules_map()) return;
  if (session.at(ix).unsubscribed) return;  // It was under way when we unsubscribed.
  Source& source = sources_[ix];
  const Session* const before = source_of(ix);
  // A node that goes over to another link sends there again what is under way on the first.
  if (fresh || (before != nullptr && before->remote == session.remote)) {
    source.from = session.peer;
  } else if (before != nullptr) {
    unsubscribe(session, ix);
  }
}

// The session that is to bring the stream's next events; null if there is none.
Session* Node::source_of(StreamIx ix) {
  const auto& from = sources_[ix].from;
  Session* const source = from ? session(*from) : nullptr;
  if (source == nullptr || source->phase != SessionPhase::kLive || source->at(ix).unsubscribed)
    return nullptr;
  return source;
}

// The newest event that the peer has told of and that is neither here nor on its way to our disk; 0 if there
// is none.
Seq Node::newest_lacking(const Session& session, StreamIx ix) const {
  const SessionStream* const there = session.streams.find(ix);
  if (session.phase != SessionPhase::kLive || there == nullptr) return 0;
  if (!session.takes.contains(streams_[ix].dataset)) return 0;
  const SessionStream& state = *there;
  if (state.in_index == SessionStream::kUnnamed) return 0;
  const StreamKnowledge nothing;
  const StreamKnowledge* const found = this->known(ix);
  const StreamKnowledge& known = found == nullptr ? nothing : *found;
  const auto run = state.remote.last_missing(known.held(), pending_[ix]);
  if (!run || known.dropped().empty() || is_map(ix)) return run ? run->last : 0;
  return state.remote.minus(known.held()).minus(pending_[ix]).minus(known.dropped()).last();
}

bool Node::held_elsewhere(const Session& session, StreamIx ix) const {
  return std::any_of(sessions_.begin(), sessions_.end(), [&](const auto& item) {
    return item.second->remote != session.remote && newest_lacking(*item.second, ix) != 0;
  });
}

bool Node::waits_for_some() const {
  return std::any_of(late_.begin(), late_.end(), [this](const auto& item) {
    return std::any_of(sessions_.begin(), sessions_.end(), [&](const auto& session) {
      return newest_lacking(*session.second, item.second) != 0;
    });
  });
}

// The peer has what we lack. If nobody else is to bring it, it is asked at once.
void Node::want(Session& session, StreamIx ix, bool at_once, Instant now) {
  if (at_once && session.at(ix).unsubscribed) subscribe(session, ix);
  watch(ix, now.steady + limits::kLate);
}

// Looks at the stream's source at `at`, or before.
void Node::watch(StreamIx ix, Micros at) {
  Source& source = sources_[ix];
  if (source.look_at && *source.look_at <= at) return;
  if (source.look_at) late_.erase({*source.look_at, ix});
  source.look_at = at;
  late_.emplace(at, ix);
}

void Node::check_late(Instant now) {
  while (!late_.empty() && late_.begin()->first <= now.steady) {
    const StreamIx ix = late_.begin()->second;
    late_.erase(late_.begin());
    sources_[ix].look_at.reset();
    check_late(ix, now);
  }
}

// What should have come is here; or is waited for a little longer while a peer that has it may be busy with
// other things, and does not fail to send the newest for too long; or is asked of the next peer that has it.
void Node::check_late(StreamIx ix, Instant now) {
  Source& source = sources_[ix];
  if (is_here(ix, source.awaited)) source.waits = 0;
  source.awaited = 0;
  Session* next = nullptr;
  bool under_way = false;
  for (const auto& [peer, session] : sessions_) {
    const Seq lacking = newest_lacking(*session, ix);
    if (lacking == 0) continue;
    source.awaited = std::max(source.awaited, lacking);
    const bool subscribed = !session->at(ix).unsubscribed;
    if (subscribed && active(*session)) under_way = true;
    if (!subscribed && (next == nullptr || (active(*session) && !active(*next)))) next = session.get();
  }
  if (under_way && source.waits < limits::kLateDoublings) {
    watch(ix, now.steady + limits::kLate * (1 << ++source.waits));
  } else if (next != nullptr) {
    source.waits = 0;
    subscribe(*next, ix);
    watch(ix, now.steady + limits::kLate);
  }
}

// Or is of no interest any more.
bool Node::all_here(StreamIx ix, const IntervalSet& dots) const {
  const IntervalSet rest = dots.minus(pending_[ix]);
  const StreamKnowledge* const known = this->known(ix);
  if (known == nullptr) return rest.empty();
  // Of a map, what was dropped has to come anew.
  const IntervalSet lacking = rest.minus(known->held());
  return (is_map(ix) ? lacking : lacking.minus(known->dropped())).empty();
}

bool Node::is_here(StreamIx ix, Seq seq) const {
  const StreamKnowledge* const known = this->known(ix);
  return pending_[ix].contains(seq) || (known != nullptr && known->held().contains(seq));
}

void Node::subscribe(Session& session, StreamIx ix) {
  session.at(ix).unsubscribed = false;
  session.unsubscribed_due.erase(ix);
  session.subscribed_due.insert(ix);
  wake(session);
}

void Node::unsubscribe(Session& session, StreamIx ix) {
  session.at(ix).unsubscribed = true;
  session.subscribed_due.erase(ix);
  session.unsubscribed_due.insert(ix);
  wake(session);
}

// What the peer was to bring is looked for elsewhere at once.
void Node::lose_source(PeerId peer) {
  for (StreamIx ix = 0; ix < sources_.size(); ++ix) {
    Source& source = sources_[ix];
    if (source.from != peer && !source.look_at) continue;
    if (source.from == peer) source.from.reset();
    source.waits = 0;
    watch(ix, Micros::zero());
  }
}

// --- Giving ----------------------------------------------------------------------------------------------

// The peer gets the stream from another. Of what it was not sent it must still hear.
void Node::mute(Session& session, StreamIx ix) {
  SessionStream& stream = session.at(ix);
  stream.muted = true;
  const StreamKnowledge* const known = this->known(ix);
  if (known == nullptr) return;
  if (!is_map(ix)) return tell_have(session, ix, known->held().minus(stream.sent));
  SessionMap& map = session.maps[streams_[ix].dataset];
  map.behind.erase(ix);
  const StreamKnowledge* const there = map.known.find(streams_[ix]);
  tell_have(session, ix, there == nullptr ? known->held() : known->held().minus(there->held()));
}

void Node::unmute(Session& session, StreamIx ix, const IntervalSet& remote) {
  SessionStream& stream = session.at(ix);
  stream.muted = false;
  note_remote(session, ix, remote);
  session.news.forget(ix);
  enqueue(session, ix, Age::kOld);
}

void Node::tell_have(Session& session, StreamIx ix, const IntervalSet& dots) {
  const SessionStream& state = session.at(ix);
  IntervalSet news = dots.minus(state.remote);
  if (!state.unwanted.empty()) news = news.minus(state.unwanted);
  if (news.empty()) return;
  session.news.fresh[ix].join(news);
  wake(session);
}

// The peer has these: it told us, or sent them.
void Node::note_remote(Session& session, StreamIx ix, const IntervalSet& dots) {
  session.at(ix).remote.join(dots);
  if (is_map(ix)) session.maps[streams_[ix].dataset].known.at(streams_[ix]).hold(dots);
}

// --- Hearing ---------------------------------------------------------------------------------------------

// Who tells what it has was told not to push it, or will not.
Status Node::receive_haves(Session& session, const message::Ack& ack, Instant now) {
  for (const auto& [ref, dots] : ack.haves) {
    const auto ix = resolve(session, ref);
    if (!ix.ok()) return ix.error();
    const StreamId& stream = streams_[*ix];
    if (!session.takes.contains(stream.dataset))
      return Error{ErrorCode::kInvalid, "news of a stream that is not taken from this peer"};
    if (Status own = check_own(stream, dots.last()); !own.ok()) return own;
    note_remote(session, *ix, dots);
    note_acked(session, *ix, dots);
    if (Status runs = check_runs(session.at(*ix).remote); !runs.ok()) return runs;
    if (!all_here(*ix, dots)) want(session, *ix, source_of(*ix) == nullptr, now);
  }
  return Done{};
}

Status Node::receive_subscriptions(Session& session, const message::Ack& ack) {
  const Error unnamed{ErrorCode::kInvalid, "a subscription to an unnamed stream"};
  for (const auto& [index, dots] : ack.subscribed) {
    if (index >= session.out_streams.size()) return unnamed;
    const StreamIx ix = session.out_streams[index];
    if (Status awake = wake(ix); !awake.ok()) return awake;
    if (Status own = check_own(streams_[ix], dots.last()); !own.ok()) return own;
    // On all links to that node: the two sides may think of different ones as the one that carries data.
    for (const PeerId peer : links_.at(session.remote)) unmute(*sessions_.at(peer), ix, dots);
    if (Status runs = check_runs(session.at(ix).remote); !runs.ok()) return runs;
  }
  for (const std::uint32_t index : ack.unsubscribed) {
    if (index >= session.out_streams.size()) return unnamed;
    const StreamIx ix = session.out_streams[index];
    if (may_send(session, ix) && streams_[ix].dataset != rules_map()) mute(session, ix);
  }
  return Done{};
}

}  // namespace deltamesh
