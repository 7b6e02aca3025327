// engine/node_session.cc - how a session begins, what may be said when, how it stays alive and ends.
#include <algorithm>

#include "engine/node.h"

namespace deltamesh {
namespace {

using std::to_string;

std::chrono::microseconds next_ping(const Session& session, std::chrono::microseconds keepalive) {
  return session.heard + keepalive * (session.pings + 1);
}

}  // namespace

// --- Events of the driver --------------------------------------------------------------------------------

void Node::opened(PeerId peer, Instant now) {
  if (sessions_.size() >= limits::kSessionsMax) {
    effects_.close.push_back({peer, "more than " + to_string(limits::kSessionsMax) + " sessions"});
    return;
  }
  Session& session = *(sessions_[peer] = std::make_unique<Session>());
  session.peer = peer;
  session.opened = session.heard = now.steady;
  session.credit_due = session.share = share();
  session.quiet = sessions_.size() > 1;
  session.told = image();
  message::Hello hello = make_hello(overfull() ? 0 : take_credit(session));
  if (!is_rejoining()) hello.knowledge = session.told->digest;
  hello.quiet = session.quiet;
  hello.resume_token = offer_remembered(session);
  send(session, hello);
  next_timer_ =
      std::min({next_timer_, now.steady + limits::kHandshake, next_ping(session, config_.keepalive)});
  tick(now);
}

void Node::received(PeerId peer, ByteView frame, Instant now) {
  Session* const from = session(peer);
  if (from == nullptr) return;
  from->heard = now.steady;
  from->pings = 0;
  counters_.frame_bytes_received += frame.size();
  auto message = decode(frame);
  Status good = message.ok() ? Status(Done{}) : Status(message.error());
  const bool unknown = good.ok() && !*message;
  if (unknown && from->phase == SessionPhase::kHello)
    good = Error{ErrorCode::kInvalid, "the first frame is no HELLO"};
  if (good.ok() && !unknown) good = dispatch(*from, **message, frame.size(), now);
  if (!good.ok()) {
    ++(from->phase == SessionPhase::kHello ? counters_.handshakes_refused : counters_.frames_refused);
    end(*from, good.error());
  }
  tick(now);
}

void Node::closed(PeerId peer, Instant now) {
  leave(peer);
  tick(now);
}

Session* Node::session(PeerId peer) {
  const auto it = sessions_.find(peer);
  return it == sessions_.end() ? nullptr : it->second.get();
}

// --- What may be said when -------------------------------------------------------------------------------

Status Node::dispatch(Session& session, Message& message, std::size_t frame_bytes, Instant now) {
  if (const auto* const goodbye = std::get_if<message::Goodbye>(&message)) {
    note(Note::Level::kWarning, "the peer ended the session: " + goodbye->text, session.peer);
    if (goodbye->code == ErrorCode::kForked && session.phase != SessionPhase::kHello)
      end_incarnation(goodbye->text);
    effects_.close.push_back({session.peer, goodbye->text});
    leave(session.peer);
    return Done{};
  }
  const Error early{ErrorCode::kInvalid, "a message that has no place at this point of the conversation"};
  if (auto* const hello = std::get_if<message::Hello>(&message)) {
    return session.phase == SessionPhase::kHello ? receive(session, *hello, now) : early;
  }
  if (session.phase == SessionPhase::kHello) return early;
  if (std::holds_alternative<message::Ping>(message)) return send(session, message::Pong{}), Done{};
  if (std::holds_alternative<message::Pong>(message)) return Done{};
  if (auto* const frontier = std::get_if<message::Frontier>(&message)) {
    return receive(session, *frontier, now);
  }
  if (const auto* const floor = std::get_if<message::Floor>(&message)) return receive(session, *floor, now);
  if (session.phase != SessionPhase::kLive) return early;
  if (auto* const ack = std::get_if<message::Ack>(&message)) return receive(session, *ack, now);
  if (auto* const wanted = std::get_if<message::SeriesWanted>(&message)) return receive(session, *wanted);
  if (auto* const given = std::get_if<message::SeriesGiven>(&message)) return receive(session, *given);
  if (const auto* const question = std::get_if<message::RangeQuestion>(&message))
    return receive(session, *question, now);
  if (const auto* const answer = std::get_if<message::RangeAnswer>(&message))
    return receive(session, *answer, now);
  if (const auto* const ack = std::get_if<message::TierAck>(&message)) return receive(session, *ack);
  if (const auto* const ahead = std::get_if<message::ClockAhead>(&message))
    return receive(*ahead, session.peer, now), Done{};
  if (const auto* const question = std::get_if<message::MapQuestion>(&message))
    return receive(session, *question, now);
  if (const auto* const answer = std::get_if<message::MapAnswer>(&message))
    return receive(session, *answer, now);
  return receive_data(session, message, frame_bytes, now);
}

// Data is what credit counts. A sender may overshoot by the one frame that its last byte of credit began.
Status Node::receive_data(Session& session, Message& message, std::size_t frame_bytes, Instant now) {
  if (session.window <= 0) {
    return Error{ErrorCode::kLimit, "more bytes in flight than the " + to_string(session.share) + " allowed"};
  }
  session.window -= static_cast<std::int64_t>(frame_bytes);
  if (!session.leads) tell_who_leads(session);
  if (auto* const delta = std::get_if<message::Delta>(&message)) return receive(session, *delta, frame_bytes);
  return receive(session, std::get<message::MapDelta>(message), frame_bytes, now);
}

// --- End -------------------------------------------------------------------------------------------------

void Node::end(Session& session, const Error& why) {
  note(Note::Level::kWarning, "ended the session: " + why.text, session.peer);
  send(session, message::Goodbye{why.code, why.text.substr(0, limits::kTextBytesMax)});
  effects_.close.push_back({session.peer, why.text});
  leave(session.peer);
}

void Node::leave(PeerId peer) {
  const auto it = sessions_.find(peer);
  if (it == sessions_.end()) return;
  if (const auto links = links_.find(it->second->remote); links != links_.end()) {
    auto& peers = links->second;
    std::erase(peers, peer);
    if (peers.empty()) {
      links_.erase(links);
    } else {
      lead(*sessions_.at(peers.back()));
    }
  }
  compare_at(*it->second, std::nullopt);
  pace_at(*it->second, std::nullopt);
  if (it->second->comparison != nullptr)
    end_comparison(*it->second, Error{ErrorCode::kClosed, "the session has ended"}, std::nullopt);
  sessions_.erase(it);
  if (sessions_.empty()) asked_.clear();
  reporting_.erase(peer);
  telling_.erase(peer);
  lose_source(peer);
}

// Of several links to one node the newest carries data. They may go live in another order on the other side,
// so the lesser identity decides, and says so when it hears data on another link.
void Node::lead(Session& session) {
  auto& peers = links_.at(session.remote);
  for (const PeerId peer : peers) sessions_.at(peer)->leads = peer == session.peer;
  std::erase(peers, session.peer);
  peers.push_back(session.peer);
  wake(session);
}

void Node::tell_who_leads(const Session& session) {
  if (session.remote < identity_) return;
  Session& leader = *sessions_.at(links_.at(session.remote).back());
  leader.leads_due = true;
  wake(leader);
}

void Node::check_timers(Session& session, Instant now) {
  const auto deadline =
      session.phase == SessionPhase::kHello ? session.opened + limits::kHandshake : Micros::max();
  if (now.steady >= deadline) {
    return end(session,
               {ErrorCode::kClosed, "no HELLO within " + to_string(limits::kHandshake.count()) + " s"});
  }
  if (now.steady >= next_ping(session, config_.keepalive)) {
    if (session.pings == limits::kKeepalivesMissedMax) {
      return end(session, {ErrorCode::kClosed,
                           "the link is dead: no answer to " + to_string(session.pings) + " pings"});
    }
    ++session.pings;
    if (session.phase != SessionPhase::kHello) send(session, message::Ping{});
  }
  next_timer_ = std::min({next_timer_, deadline, next_ping(session, config_.keepalive)});
}

}  // namespace deltamesh
