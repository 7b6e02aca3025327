// engine/node_flow.cc - acknowledgements heard, credit, and whose turn it is to be sent something.
#include <algorithm>

#include "engine/node.h"

namespace deltamesh {

// --- Acknowledgements ------------------------------------------------------------------------------------

Status Node::receive(Session& session, const message::Ack& ack, Instant now) {
  session.credit = std::min<std::int64_t>(session.credit + ack.credit, limits::kCreditBytes);
  for (const std::uint32_t delta : ack.map_deltas) {
    session.map_deltas_sent.erase(delta);
    note_rules_known(session, delta);
  }
  if (ack.leads && session.remote < identity_) lead(session);
  if (Status good = take_acks(session, ack); !good.ok()) return good;
  if (Status good = receive_subscriptions(session, ack); !good.ok()) return good;
  wake(session);
  return receive_haves(session, ack, now);
}

// What we hear from one session holds for every other session with the same node.
Status Node::take_acks(Session& session, const message::Ack& ack) {
  if (ack.deltas > session.deltas_sent.size())
    return Error{ErrorCode::kInvalid, "an acknowledgement of more deltas than were sent"};
  for (std::uint32_t left = ack.deltas; left > 0; --left) {
    const StreamIx ix = session.deltas_sent.front().ix;
    const Interval dots = session.deltas_sent.front().dots;
    session.deltas_sent.pop_front();
    session.at(ix).sent.remove(dots);
    if (acks_.is_acker(session.remote.node))
      note_acked(session, ix, IntervalSet(dots).minus(session.at(ix).unwanted));
    for (const PeerId peer : links_.at(session.remote)) {
      SessionStream& state = sessions_.at(peer)->at(ix);
      if (state.unwanted.empty()) {
        state.remote.add(dots);
      } else {
        state.remote.join(IntervalSet(dots).minus(state.unwanted));
      }
    }
  }
  return Done{};
}

// --- Credit ----------------------------------------------------------------------------------------------

// What one peer may have in flight: the memory for all of them, divided.
std::uint32_t Node::share() const {
  const std::size_t part = config_.receive_bytes_max / std::max<std::size_t>(sessions_.size(), 1);
  const std::size_t least = std::min(limits::kCreditBytesMin, config_.credit_bytes);
  return static_cast<std::uint32_t>(std::clamp<std::size_t>(part, least, config_.credit_bytes));
}

// What may be given to the peer now. Its share follows the number of peers: it shrinks by giving back less
// than is due.
std::uint32_t Node::take_credit(Session& session) {
  const std::uint32_t share = this->share();
  const std::uint32_t kept = std::min(session.share - std::min(session.share, share), session.credit_due);
  const std::uint32_t more = share - std::min(session.share, share);
  const std::uint32_t credit = std::exchange(session.credit_due, 0) - kept + more;
  session.share = session.share - kept + more;
  session.window += credit;
  return credit;
}

// Whether data may go out now.
bool Node::has_room(Session& session, Instant now) const {
  const std::size_t sent = session.deltas_sent.size() + session.map_deltas_sent.size();
  return session.credit > 0 && sent < limits::kDeltasSentMax && link_is_free(session, now);
}

// A link with a cap will soon be through with what went before.
bool Node::link_is_free(Session& session, Instant now) const {
  if (config_.link_bytes_per_second == 0) return true;
  const std::uint64_t micros =
      std::exchange(session.unpaced_bytes, 0) * 1'000'000 / config_.link_bytes_per_second;
  session.paced_until = std::max(session.paced_until, now.steady) + Micros(static_cast<Micros::rep>(micros));
  return session.paced_until <= now.steady + limits::kPaceAhead;
}

// Data that waits for its link goes on when that is free.
void Node::pace_at(Session& session, std::optional<Micros> at) {
  if (session.pace_next) pacing_.erase({*session.pace_next, session.peer});
  session.pace_next = at;
  if (at) pacing_.emplace(*at, session.peer);
}

void Node::end_pace_waits(Instant now) {
  while (!pacing_.empty() && pacing_.begin()->first <= now.steady) {
    Session& session = *sessions_.at(pacing_.begin()->second);
    pace_at(session, std::nullopt);
    wake(session);
  }
}

// --- Sending ---------------------------------------------------------------------------------------------

void Node::send(Session& session, const Message& message) {
  send_bytes(session, encode(message));
}

void Node::send_bytes(Session& session, Bytes frame) {
  counters_.frame_bytes_sent += frame.size();
  session.unpaced_bytes += frame.size();
  effects_.send.push_back({session.peer, std::make_shared<const Bytes>(std::move(frame))});
}

void Node::wake_all() {
  for (const auto& [peer, session] : sessions_) awake_.insert(peer);
}

// Serves the sessions of which something has changed; with thousands of peers, a look at all of them for each
// frame would cost more than the frame.
void Node::pump(Instant now) {
  while (!awake_.empty()) {
    for (const PeerId peer : std::exchange(awake_, {})) {
      if (Session* const awake = session(peer)) serve(*awake, now);
    }
  }
}

// Sends what the session can take now: acknowledgements, then maps, then telemetry, which waits for the peer
// to have the rules that it obeys. A link that stands by still ends the map delta that it has begun.
void Node::serve(Session& session, Instant now) {
  if (session.phase != SessionPhase::kLive) return;
  send_acks(session, now);
  send_map_pages(session, now);
  if (active(session)) send_maps(session, now);
  if (active(session) && !session.map_delta && knows_rules(session)) {
    if (Status sent = send_telemetry(session, now); !sent.ok()) return end(session, sent.error());
  }
  if (session.credit > 0 && !link_is_free(session, now))
    pace_at(session, session.paced_until - limits::kPaceAhead);
}

}  // namespace deltamesh
