// engine/node_flow.cc - acknowledgements, credit, and whose turn it is to be sent something.
#include <algorithm>

#include "engine/node.h"

namespace deltamesh {

// --- Acknowledgements ------------------------------------------------------------------------------------

// What we hear from one session holds for every other session with the same node.
Status Node::receive(Session& session, const message::Ack& ack) {
  session.credit = std::min<std::int64_t>(session.credit + ack.credit, limits::kCreditBytes);
  for (const std::uint32_t delta : ack.map_deltas) session.map_deltas_sent.erase(delta);
  for (const auto& [index, dots] : ack.streams) {
    if (index >= session.out_streams.size())
      return Error{ErrorCode::kInvalid, "an acknowledgement of an unnamed stream"};
    const StreamIx ix = session.out_streams[index];
    SessionStream& stream = session.at(ix);
    const IntervalSet known = stream.sent.intersect(dots);
    stream.sent = stream.sent.minus(known);
    for (const PeerId peer : links_.at(session.remote)) sessions_.at(peer)->at(ix).remote.join(known);
  }
  wake(session);
  return Done{};
}

void Node::send_acks(Session& session) {
  const std::uint32_t worth_a_frame = std::min(limits::kCreditReturnBytes, session.share / 4);
  const bool credit = session.credit_due >= worth_a_frame && !overfull();
  if (session.acks_due.empty() && session.map_acks_due.empty() && !credit) return;
  message::Ack ack;
  ack.map_deltas = std::exchange(session.map_acks_due, {});
  ack.credit = overfull() ? 0 : take_credit(session);
  std::size_t intervals = 0;
  for (auto& [ix, dots] : std::exchange(session.acks_due, {})) {
    intervals += dots.intervals().size();
    ack.streams.push_back({*session.at(ix).in_index, std::move(dots)});
    if (ack.streams.size() < limits::kStreamsPerFrame && intervals < limits::kIntervalsMax) continue;
    send(session, std::exchange(ack, {}));
    intervals = 0;
  }
  if (ack != message::Ack{}) send(session, ack);
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

// --- Sending ---------------------------------------------------------------------------------------------

void Node::send(Session& session, const Message& message) {
  send_bytes(session, encode(message));
}

void Node::send_bytes(Session& session, Bytes frame) {
  counters_.frame_bytes_sent += frame.size();
  effects_.send.push_back({session.peer, std::make_shared<const Bytes>(std::move(frame))});
}

void Node::wake_all() {
  for (const auto& [peer, session] : sessions_) awake_.insert(peer);
}

// Serves the sessions of which something has changed; with thousands of peers, a look at all of them for each
// frame would cost more than the frame.
void Node::pump() {
  while (!awake_.empty()) {
    for (const PeerId peer : std::exchange(awake_, {})) {
      if (Session* const awake = session(peer)) serve(*awake);
    }
  }
}

// Sends what the session can take now: acknowledgements, then maps, then telemetry. A link that stands by
// still ends the map delta that it has begun.
void Node::serve(Session& session) {
  if (session.phase != SessionPhase::kLive) return;
  send_acks(session);
  send_map_pages(session);
  if (!active(session)) return;
  send_maps(session);
  if (session.map_delta) return;
  if (Status sent = send_telemetry(session); !sent.ok()) end(session, sent.error());
}

// Of several links to one node, the newest carries the data and the others stand by.
bool Node::active(const Session& session) const {
  return links_.at(session.remote).back() == session.peer;
}

}  // namespace deltamesh
