// engine/node_tier.cc - what the operator's tiers have stored: heard from them, handed on, kept.
//
// A node of a tier need not know that it is one: what it says of its store anyway (frontiers,
// acknowledgements, haves) is its word. It travels from node to node, back to where the data came from, as
// far as the nodes between have the same tiers in their settings.
#include <algorithm>

#include "engine/node.h"
#include "engine/validate.h"

namespace deltamesh {

void Node::load_acks(const std::vector<TierAck>& acks) {
  for (const TierAck& ack : acks) {
    if (ack.ended) acks_.end(ack.acker);
    if (!ack.ended) acks_.take(ack.acker, ack.stream, ack.dots);
  }
}

// --- Hearing ---------------------------------------------------------------------------------------------

// Who says HELLO in another incarnation may have lost what it had.
void Node::end_other_lives(const Session& session) {
  for (const Identity& other : acks_.meet(session.remote)) end_life(other);
}

void Node::end_life(const Identity& acker) {
  const auto at = acks_.all().find(acker);
  const Knowledge counted = at == acks_.all().end() ? Knowledge() : at->second;
  if (!acks_.end(acker)) return;
  image_.reset();
  note_news_of(acker, std::nullopt);
  for (const auto& [stream, known] : counted.entries()) {
    if (const auto ix = streams_.find(stream)) retention_.acknowledged(*ix);
  }
  for (const auto& [peer, session] : sessions_) {
    if (session->phase == SessionPhase::kLive) tell_awaited(*session);
  }
}

// The peer has stored these.
void Node::note_acked(const Session& session, StreamIx ix, const IntervalSet& dots) {
  if (!is_map(ix)) take_ack(session.remote, ix, dots);
}

void Node::take_ack(const Identity& acker, StreamIx ix, const IntervalSet& dots) {
  if (dots.empty() || !acks_.take(acker, streams_[ix], dots)) return;
  note_news_of(acker, ix);
  retention_.acknowledged(ix);
}

Status Node::receive(Session& session, const message::TierAck& ack) {
  const bool counts = acks_.is_acker(ack.acker.node) && ack.acker.node != identity_.node;
  if (counts && ack.ended && !links_.contains(ack.acker)) end_life(ack.acker);
  for (const auto& [index, dots] : ack.streams) {
    if (index >= session.in_streams.size())
      return Error{ErrorCode::kInvalid, "an acknowledgement of a tier for a stream that was never named"};
    const StreamIx ix = session.in_streams[index];
    if (Status awake = wake(ix); !awake.ok()) return awake;
    if (!counts || is_map(ix)) continue;
    if (Status own = check_own(streams_[ix], dots.last()); !own.ok()) return own;
    take_ack(ack.acker, ix, dots);
  }
  return Done{};
}

// --- Handing on ------------------------------------------------------------------------------------------

void Node::note_news_of(const Identity& acker, std::optional<StreamIx> ix) {
  untold_acks_.emplace(acker, ix);
  unstored_acks_.emplace(acker, ix);
}

void Node::tell_acks(Instant now) {
  if (untold_acks_.empty()) return;
  if (!tell_acks_at_) tell_acks_at_ = now.steady + limits::kTierNews;
  if (now.steady < *tell_acks_at_) return;
  tell_acks_at_.reset();
  const AckNews news = std::exchange(untold_acks_, {});
  for (const auto& [peer, session] : sessions_) {
    if (session->phase == SessionPhase::kLive) tell_acks(*session, news);
  }
}

Node::AckNews Node::all_acks() const {
  AckNews all;
  for (const Identity& acker : acks_.ended()) all.emplace(acker, std::nullopt);
  for (const auto& [acker, known] : acks_.all()) {
    for (const auto& entry : known.entries()) {
      if (const auto ix = streams_.find(entry.stream)) all.emplace(acker, *ix);
    }
  }
  return all;
}

Node::AckNews Node::acks_of(StreamIx ix) const {
  AckNews all;
  for (const auto& [acker, known] : acks_.all()) {
    if (known.find(streams_[ix]) != nullptr) all.emplace(acker, ix);
  }
  return all;
}

// Frame by frame, each of one acker; who said it need not hear it.
void Node::tell_acks(Session& session, const AckNews& news) {
  message::TierAck page;
  std::size_t bytes = 0;
  const auto flush = [&] {
    if (page.ended || !page.streams.empty()) send(session, page);
    page = {};
    bytes = 0;
  };
  for (const auto& [acker, ix] : news) {
    if (acker.node == session.remote.node) continue;
    if (acker != page.acker || page.streams.size() == limits::kStreamsPerFrame || bytes > limits::kPageBytes)
      flush();
    page.acker = acker;
    if (!ix) page.ended = true;
    const StreamKnowledge* const known = ix ? acked(acker, *ix) : nullptr;
    if (known == nullptr || !shares(session, streams_[*ix].dataset)) continue;
    name_to(session, *ix);
    page.streams.push_back({session.at(*ix).out_index, known->held()});
    bytes += item_bytes_max(page.streams.back());
  }
  flush();
}

const StreamKnowledge* Node::acked(const Identity& acker, StreamIx ix) const {
  const auto at = acks_.all().find(acker);
  return at == acks_.all().end() ? nullptr : at->second.find(streams_[ix]);
}

// --- Keeping ---------------------------------------------------------------------------------------------

std::vector<TierAck> Node::take_unstored_acks() {
  std::vector<TierAck> out;
  for (const auto& [acker, ix] : std::exchange(unstored_acks_, {})) {
    const StreamKnowledge* const known = ix ? acked(acker, *ix) : nullptr;
    if (!ix) out.push_back({acker, true, {}, {}});
    if (known != nullptr) out.push_back({acker, false, streams_[*ix], known->held()});
  }
  return out;
}

void Node::acks_failed(const InFlight& batch) {
  for (const TierAck& ack : batch.acks)
    unstored_acks_.emplace(ack.acker, ack.ended ? std::nullopt : streams_.find(ack.stream));
}

}  // namespace deltamesh
