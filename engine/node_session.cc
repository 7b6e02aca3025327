// engine/node_session.cc - how a session begins, agrees, stays alive and ends.
#include <algorithm>

#include "engine/node.h"

namespace deltamesh {
namespace {

using std::to_string;

std::string words(const DatasetConfig& dataset) {
  static constexpr const char* kKind[] = {"telemetry", "map"};
  static constexpr const char* kResolution[] = {"ms", "us", "ns"};
  static constexpr const char* kClass[] = {"metric", "alarm", "log"};
  std::string text = kKind[static_cast<std::size_t>(dataset.kind)];
  if (dataset.kind == DatasetKind::kTelemetry)
    text += std::string(" in ") + kResolution[static_cast<std::size_t>(dataset.resolution)];
  return text + " of class " + kClass[static_cast<std::size_t>(dataset.cls)];
}

bool alike(const DatasetConfig& a, const DatasetConfig& b) {
  return a.kind == b.kind && a.resolution == b.resolution && a.cls == b.cls;
}

bool pushes(Scope scope) {
  return scope == Scope::kBoth || scope == Scope::kPush;
}
bool pulls(Scope scope) {
  return scope == Scope::kBoth || scope == Scope::kPull;
}

const DatasetConfig* named(const std::vector<DatasetConfig>& datasets, const std::string& name) {
  const auto same = [&](const DatasetConfig& dataset) { return dataset.name == name; };
  const auto it = std::find_if(datasets.begin(), datasets.end(), same);
  return it == datasets.end() ? nullptr : &*it;
}

std::string list(const std::vector<std::uint8_t>& numbers) {
  std::string text;
  for (const auto number : numbers) text += (text.empty() ? "" : " ") + to_string(number);
  return text.empty() ? "(none)" : text;
}

Error mismatch(std::string text) {
  return {ErrorCode::kMismatch, std::move(text)};
}

// Every dataset that one side knows must be known to the other and mean the same there; a node that shall not
// carry one says so by its scope.
Status agree_on(const std::vector<DatasetConfig>& ours, const std::vector<DatasetConfig>& theirs) {
  for (const auto& dataset : ours) {
    const DatasetConfig* const other = named(theirs, dataset.name);
    if (other == nullptr)
      return mismatch("dataset " + dataset.name + " is " + words(dataset) +
                      " on one side and missing on the other");
    if (!alike(dataset, *other)) {
      return mismatch("dataset " + dataset.name + " is " + words(dataset) + " on one side and " +
                      words(*other) + " on the other");
    }
  }
  return Done{};
}

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
  hello.knowledge = session.told->digest;
  hello.quiet = session.quiet;
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
  forget(peer);
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
    effects_.close.push_back({session.peer, goodbye->text});
    forget(session.peer);
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
  if (session.phase != SessionPhase::kLive) return early;
  if (auto* const ack = std::get_if<message::Ack>(&message)) return receive(session, *ack, now);
  if (auto* const wanted = std::get_if<message::SeriesWanted>(&message)) return receive(session, *wanted);
  if (auto* const given = std::get_if<message::SeriesGiven>(&message)) return receive(session, *given);
  if (const auto* const question = std::get_if<message::RangeQuestion>(&message))
    return receive(session, *question, now);
  if (const auto* const answer = std::get_if<message::RangeAnswer>(&message))
    return receive(session, *answer, now);
  return receive_data(session, message, frame_bytes, now);
}

// Data is what credit counts. A sender may overshoot by the one frame that its last byte of credit began.
Status Node::receive_data(Session& session, Message& message, std::size_t frame_bytes, Instant now) {
  if (session.window <= 0) {
    return Error{ErrorCode::kLimit, "more bytes in flight than the " + to_string(session.share) + " allowed"};
  }
  session.window -= static_cast<std::int64_t>(frame_bytes);
  if (auto* const delta = std::get_if<message::Delta>(&message)) return receive(session, *delta, frame_bytes);
  return receive(session, std::get<message::MapDelta>(message), frame_bytes, now);
}

// --- Agreement -------------------------------------------------------------------------------------------

message::Hello Node::make_hello(std::uint32_t credit) const {
  message::Hello hello;
  hello.fleet = config_.fleet;
  hello.identity = identity_;
  hello.software = config_.software;
  hello.codecs = {kBlockCodec};
  hello.credit = credit;
  hello.datasets = config_.datasets;
  for (const auto& [id, own] : own_) {
    const StreamKnowledge* const known = knowledge_.find(streams_[own.ix]);
    if (known != nullptr) hello.own.push_back({streams_[own.ix], known->head(), {}});
  }
  return hello;
}

Status Node::receive(Session& session, const message::Hello& hello, Instant now) {
  if (Status agreed = agree(hello); !agreed.ok()) return agreed;
  session.remote = hello.identity;
  session.software = hello.software;
  session.credit = std::min<std::int64_t>(hello.credit, limits::kCreditBytes);
  for (const auto& theirs : hello.datasets) {
    const DatasetId id = dataset_id(theirs.name);
    const Scope ours = datasets_.at(id).scope;
    if (pushes(ours) && pulls(theirs.scope)) session.sends.insert(id);
    if (pulls(ours) && pushes(theirs.scope)) session.takes.insert(id);
  }
  session.peer_quiet = hello.quiet;
  if (agree_by_digest(session, hello)) {
    take_image(session);
    go_live(session, now);
    return Done{};
  }
  session.phase = SessionPhase::kFrontier;
  send_frontier(session);
  return Done{};
}

Status Node::agree(const message::Hello& hello) const {
  if (hello.version_min > message::kProtocolVersion || hello.version_max < message::kProtocolVersion) {
    return mismatch("protocol versions " + to_string(hello.version_min) + " to " +
                    to_string(hello.version_max) + " on one side, " + to_string(message::kProtocolVersion) +
                    " on the other");
  }
  if (hello.fleet != config_.fleet) {
    return mismatch("fleet " + hex(hello.fleet.bytes) + " on one side, " + hex(config_.fleet.bytes) +
                    " on the other");
  }
  if (hello.identity.node == identity_.node) {
    return mismatch("both sides are node " + hex(identity_.node.bytes) +
                    ": one is a copy of the other, or dialled itself");
  }
  if (std::find(hello.codecs.begin(), hello.codecs.end(), kBlockCodec) == hello.codecs.end()) {
    return mismatch("block codecs " + list(hello.codecs) + " are read on one side, " +
                    to_string(kBlockCodec) + " is written on the other");
  }
  if (Status good = agree_on(config_.datasets, hello.datasets); !good.ok()) return good;
  return agree_on(hello.datasets, config_.datasets);
}

// --- End -------------------------------------------------------------------------------------------------

void Node::end(Session& session, const Error& why) {
  note(Note::Level::kWarning, "ended the session: " + why.text, session.peer);
  send(session, message::Goodbye{why.code, why.text.substr(0, limits::kTextBytesMax)});
  effects_.close.push_back({session.peer, why.text});
  forget(session.peer);
}

void Node::forget(PeerId peer) {
  const auto it = sessions_.find(peer);
  if (it == sessions_.end()) return;
  if (const auto links = links_.find(it->second->remote); links != links_.end()) {
    auto& peers = links->second;
    peers.erase(std::remove(peers.begin(), peers.end(), peer), peers.end());
    if (peers.empty()) {
      links_.erase(links);
    } else {
      Session& next = *sessions_.at(peers.back());
      next.leads = true;
      wake(next);
    }
  }
  compare_at(*it->second, std::nullopt);
  if (it->second->comparison != nullptr)
    end_comparison(*it->second, Error{ErrorCode::kClosed, "the session has ended"}, std::nullopt);
  sessions_.erase(it);
  reporting_.erase(peer);
  lose_source(peer);
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
