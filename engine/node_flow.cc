// engine/node_flow.cc - acknowledgements, credit, and whose turn it is to be sent something.
#include <algorithm>

#include "engine/node.h"

namespace deltamesh {
namespace {

// Moves the first runs out of `dots`, so many as a frame may hold.
IntervalSet take_runs(IntervalSet& dots, std::size_t runs_max) {
  if (dots.intervals().size() <= runs_max) return std::exchange(dots, {});
  IntervalSet taken;
  for (std::size_t i = 0; i < runs_max; ++i) taken.add(dots.intervals()[i]);
  dots = dots.minus(taken);
  return taken;
}

}  // namespace

// --- Acknowledgements ------------------------------------------------------------------------------------

Status Node::receive(Session& session, const message::Ack& ack, Instant now) {
  session.credit = std::min<std::int64_t>(session.credit + ack.credit, limits::kCreditBytes);
  for (const std::uint32_t delta : ack.map_deltas) session.map_deltas_sent.erase(delta);
  if (ack.leads && session.remote < identity_) lead(session);
  if (Status good = take_acks(session, ack); !good.ok()) return good;
  if (Status good = receive_subscriptions(session, ack); !good.ok()) return good;
  wake(session);
  return receive_haves(session, ack, now);
}

// What we hear from one session holds for every other session with the same node.
Status Node::take_acks(Session& session, const message::Ack& ack) {
  for (const auto& [index, dots] : ack.streams) {
    if (index >= session.out_streams.size())
      return Error{ErrorCode::kInvalid, "an acknowledgement of an unnamed stream"};
    const StreamIx ix = session.out_streams[index];
    SessionStream& stream = session.at(ix);
    const IntervalSet known = stream.sent.intersect(dots);
    stream.sent = stream.sent.minus(known);
    for (const PeerId peer : links_.at(session.remote)) sessions_.at(peer)->at(ix).remote.join(known);
  }
  return Done{};
}

// Says what has become durable since the last Ack, in as many frames as it takes.
void Node::send_acks(Session& session, Instant now) {
  if (!must_report(session) && !report_is_due(session, now)) return;
  message::Ack ack = head_of_report(session);
  std::size_t items = 0, intervals = 0;
  const auto make_room = [&](std::size_t more) {
    intervals += more;
    if (++items <= limits::kStreamsPerFrame && intervals <= limits::kIntervalsMax) return;
    send(session, std::exchange(ack, {}));
    items = 1;
    intervals = more;
  };
  for (auto& [ix, dots] : std::exchange(session.acks_due, {})) {
    make_room(dots.intervals().size());
    ack.streams.push_back({session.at(ix).in_index, std::move(dots)});
  }
  for (const auto& [ix, dots] : std::exchange(session.haves_due, {})) {
    IntervalSet news = dots.minus(session.at(ix).remote);
    while (!news.empty()) {
      IntervalSet part = take_runs(news, limits::kIntervalsMax);
      make_room(part.intervals().size());
      ack.haves.push_back({refer(session, ix), std::move(part)});
    }
  }
  for (const StreamIx ix : std::exchange(session.subscribed_due, {})) {
    const StreamKnowledge* const known = this->known(ix);
    make_room(known == nullptr ? 0 : known->held().intervals().size());
    ack.subscribed.push_back({session.at(ix).in_index, known == nullptr ? IntervalSet() : known->held()});
  }
  for (const StreamIx ix : std::exchange(session.unsubscribed_due, {})) {
    make_room(0);
    ack.unsubscribed.push_back(session.at(ix).in_index);
  }
  if (ack != message::Ack{}) send(session, ack);
}

// Credit, and map deltas; so many of these that they fill frames go ahead.
message::Ack Node::head_of_report(Session& session) {
  session.report_now = false;
  reporting_.erase(session.peer);
  message::Ack ack;
  ack.leads = std::exchange(session.leads_due, false);
  ack.credit = overfull() ? 0 : take_credit(session);
  for (const std::uint32_t delta : std::exchange(session.map_acks_due, {})) {
    ack.map_deltas.push_back(delta);
    if (ack.map_deltas.size() == limits::kMapDeltasPerAck) send(session, std::exchange(ack, {}));
  }
  return ack;
}

// A peer without credit, or one that sends what we have, must hear from us now.
bool Node::must_report(const Session& session) const {
  const std::uint32_t worth_a_frame = std::min(limits::kCreditReturnBytes, session.share / 4);
  const bool credit = session.credit_due >= worth_a_frame && !overfull();
  return credit || session.leads_due || !session.subscribed_due.empty() || !session.unsubscribed_due.empty();
}

// All else waits for company, in all sessions together.
bool Node::report_is_due(Session& session, Instant now) {
  if (session.acks_due.empty() && session.haves_due.empty() && session.map_acks_due.empty()) return false;
  if (session.report_now || config_.report_interval == Micros::zero()) return true;
  reporting_.insert(session.peer);
  if (!report_at_) report_at_ = now.steady + config_.report_interval;
  return false;
}

void Node::end_report_wait(Instant now) {
  if (!report_at_ || *report_at_ > now.steady) return;
  report_at_.reset();
  for (const PeerId peer : std::exchange(reporting_, {})) {
    Session* const reporting = session(peer);
    if (reporting == nullptr) continue;
    reporting->report_now = true;
    wake(*reporting);
  }
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

// Whether data may go out now: the peer has room for it, and a link with a cap will soon be through with what
// went before.
bool Node::has_room(Session& session, Instant now) const {
  if (session.credit <= 0 || config_.link_bytes_per_second == 0) return session.credit > 0;
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

// Sends what the session can take now: acknowledgements, then maps, then telemetry. A link that stands by
// still ends the map delta that it has begun.
void Node::serve(Session& session, Instant now) {
  if (session.phase != SessionPhase::kLive) return;
  send_acks(session, now);
  send_map_pages(session, now);
  if (active(session)) send_maps(session, now);
  if (active(session) && !session.map_delta) {
    if (Status sent = send_telemetry(session, now); !sent.ok()) return end(session, sent.error());
  }
  if (session.credit > 0 && !has_room(session, now))
    pace_at(session, session.paced_until - limits::kPaceAhead);
}

}  // namespace deltamesh
