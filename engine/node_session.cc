// engine/node_session.cc - how a session begins, agrees, acknowledges, stays alive and ends.
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
Status compare(const std::vector<DatasetConfig>& ours, const std::vector<DatasetConfig>& theirs) {
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
  auto session = std::make_unique<Session>();
  session->peer = peer;
  session->opened = session->heard = now.steady;
  session->window = limits::kCreditBytes;
  send(*session, make_hello());
  next_timer_ =
      std::min({next_timer_, now.steady + limits::kHandshake, next_ping(*session, config_.keepalive)});
  sessions_[peer] = std::move(session);
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
    note(Note::Level::kWarning, "the peer ended the session: " + goodbye->text);
    effects_.close.push_back({session.peer, goodbye->text});
    forget(session.peer);
    return Done{};
  }
  const Error early{ErrorCode::kInvalid, "a message that has no place at this point of the conversation"};
  if (auto* const hello = std::get_if<message::Hello>(&message)) {
    return session.phase == SessionPhase::kHello ? receive(session, *hello) : early;
  }
  if (session.phase == SessionPhase::kHello) return early;
  if (std::holds_alternative<message::Ping>(message)) return send(session, message::Pong{}), Done{};
  if (std::holds_alternative<message::Pong>(message)) return Done{};
  if (auto* const frontier = std::get_if<message::Frontier>(&message)) {
    return receive(session, *frontier);
  }
  if (session.phase != SessionPhase::kLive) return early;
  if (auto* const ack = std::get_if<message::Ack>(&message)) return receive(session, *ack);
  if (auto* const wanted = std::get_if<message::SeriesWanted>(&message)) return receive(session, *wanted);
  if (auto* const given = std::get_if<message::SeriesGiven>(&message)) return receive(session, *given);
  return receive_data(session, message, frame_bytes, now);
}

// Data is what credit counts. A sender may overshoot by the one frame that its last byte of credit began.
Status Node::receive_data(Session& session, Message& message, std::size_t frame_bytes, Instant now) {
  if (session.window <= 0) {
    return Error{ErrorCode::kLimit, "more than " + to_string(limits::kCreditBytes) + " bytes in flight"};
  }
  session.window -= static_cast<std::int64_t>(frame_bytes);
  if (auto* const delta = std::get_if<message::Delta>(&message)) return receive(session, *delta, frame_bytes);
  return receive(session, std::get<message::MapDelta>(message), frame_bytes, now);
}

// --- Agreement -------------------------------------------------------------------------------------------

message::Hello Node::make_hello() const {
  message::Hello hello;
  hello.fleet = config_.fleet;
  hello.identity = identity_;
  hello.software = config_.software;
  hello.codecs = {kBlockCodec};
  hello.credit = limits::kCreditBytes;
  hello.datasets = config_.datasets;
  for (const auto& [id, own] : own_) {
    const StreamKnowledge* const known = knowledge_.find(streams_[own.ix]);
    if (known != nullptr) hello.own.push_back({streams_[own.ix], known->head(), {}});
  }
  return hello;
}

Status Node::receive(Session& session, const message::Hello& hello) {
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
  if (Status good = compare(config_.datasets, hello.datasets); !good.ok()) return good;
  return compare(hello.datasets, config_.datasets);
}

// --- Frontier --------------------------------------------------------------------------------------------

void Node::send_frontier(Session& session) {
  message::Frontier page{{}, false};
  std::size_t bytes = 0;
  for (const auto& [stream, known] : knowledge_.entries()) {
    if (!session.sends.contains(stream.dataset) && !session.takes.contains(stream.dataset)) continue;
    page.entries.push_back(
        {refer(session, intern(stream)), known.held(), known.voided(), known.head(), known.settled()});
    bytes += item_bytes_max(page.entries.back());
    if (page.entries.size() < limits::kStreamsPerFrame && bytes < limits::kPageBytes) continue;
    send(session, std::exchange(page, message::Frontier{{}, false}));
    bytes = 0;
  }
  page.last = true;
  send(session, page);
}

Status Node::receive(Session& session, const message::Frontier& frontier) {
  InFlight news;
  news.from = session.peer;
  for (const auto& entry : frontier.entries) {
    if (Status good = take_frontier_entry(session, entry, news); !good.ok()) return good;
  }
  if (!news.knowledge.empty()) commit(std::move(news));
  if (frontier.last && session.phase == SessionPhase::kFrontier) go_live(session);
  return Done{};
}

// What a frontier says is joined: each entry may tell all that its sender knows of a stream, or a part.
Status Node::take_frontier_entry(Session& session, const message::Frontier::Entry& entry, InFlight& news) {
  const auto ix = resolve(session, entry.ref);
  if (!ix.ok()) return ix.error();
  const StreamId& stream = streams_[*ix];
  const Seq last = std::max({entry.held.last(), entry.voided.last(), entry.head});
  if (Status own = check_own(stream, last); !own.ok()) return own;
  StreamKnowledge told;
  for (const Interval dots : entry.voided.intervals()) told.declare_void(dots);
  told.declare_head(entry.head, entry.settled);
  if (maps_.contains(stream.dataset)) {
    StreamKnowledge& theirs = session.maps[stream.dataset].known.at(stream);
    theirs.join(told);
    for (const Interval dots : entry.held.intervals()) theirs.hold(dots);
  } else {
    session.at(*ix).remote.join(entry.held);
  }
  if (is_own(stream) || !session.takes.contains(stream.dataset)) return Done{};
  const StreamKnowledge* const known = knowledge_.find(stream);
  StreamKnowledge joined = known == nullptr ? StreamKnowledge{} : *known;
  if (joined.join(told)) news.knowledge.push_back({stream, std::move(told)});
  return Done{};
}

// Peers in session hear at once which numbers are void; others learn it from our frontier.
void Node::tell_void(const Knowledge::Entry& entry, std::optional<PeerId> except) {
  for (auto& [peer, session] : sessions_) {
    if (session->phase == SessionPhase::kHello || peer == except) continue;
    if (!session->sends.contains(entry.stream.dataset)) continue;
    const auto& [stream, known] = entry;
    message::Frontier news;
    news.entries.push_back(
        {refer(*session, intern(stream)), {}, known.voided(), known.head(), known.settled()});
    send(*session, news);
  }
}

void Node::go_live(Session& session) {
  session.phase = SessionPhase::kLive;
  links_[session.remote].push_back(session.peer);
  note(Note::Level::kInfo,
       "in session with node " + hex(session.remote.node.bytes) + " (" + session.software + ")");
  for (const auto& [stream, known] : knowledge_.entries()) {
    if (!known.held().empty()) enqueue(session, intern(stream));
  }
}

// --- Streams by index ------------------------------------------------------------------------------------

Result<StreamIx> Node::resolve(Session& session, const message::StreamRef& ref) {
  if (!ref.stream) {
    if (ref.index < session.in_streams.size()) return session.in_streams[ref.index];
    return Error{ErrorCode::kInvalid, "stream " + to_string(ref.index) + " was never named"};
  }
  if (ref.index != session.in_streams.size()) {
    return Error{ErrorCode::kInvalid, "stream " + to_string(ref.index) + " named out of turn"};
  }
  const DatasetId dataset = ref.stream->dataset;
  if (!session.sends.contains(dataset) && !session.takes.contains(dataset)) {
    return Error{ErrorCode::kInvalid, "a stream of a dataset that this session does not share"};
  }
  const auto ix = intern_remote(*ref.stream);
  if (ix.ok()) {
    session.at(*ix).in_index = ref.index;
    session.in_streams.push_back(*ix);
  }
  return ix;
}

message::StreamRef Node::refer(Session& session, StreamIx ix) {
  SessionStream& stream = session.at(ix);
  if (stream.out_index) return {*stream.out_index, std::nullopt};
  stream.out_index = static_cast<std::uint32_t>(session.out_streams.size());
  session.out_streams.push_back(ix);
  return {*stream.out_index, streams_[ix]};
}

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
  return Done{};
}

void Node::send_acks(Session& session) {
  const bool credit = session.credit_due >= limits::kCreditBytes / 4;
  if (session.acks_due.empty() && session.map_acks_due.empty() && !credit) return;
  message::Ack ack;
  ack.map_deltas = std::exchange(session.map_acks_due, {});
  ack.credit = std::exchange(session.credit_due, 0);
  session.window += ack.credit;
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

// --- Sending ---------------------------------------------------------------------------------------------

void Node::send(Session& session, const Message& message) {
  send_bytes(session, encode(message));
}

void Node::send_bytes(Session& session, Bytes frame) {
  counters_.frame_bytes_sent += frame.size();
  effects_.send.push_back({session.peer, std::make_shared<const Bytes>(std::move(frame))});
}

// Sends what each session can take now: acknowledgements, then maps, then telemetry.
void Node::pump() {
  for (auto& [peer, session] : sessions_) {
    if (session->phase != SessionPhase::kLive) continue;
    send_acks(*session);
    if (!active(*session)) continue;
    send_maps(*session);
    if (session->map_pages.empty()) send_telemetry(*session);
  }
}

// Of several links to one node, the newest carries the data and the others stand by.
bool Node::active(const Session& session) const {
  return links_.at(session.remote).back() == session.peer;
}

// --- End -------------------------------------------------------------------------------------------------

void Node::end(Session& session, const Error& why) {
  note(Note::Level::kWarning, "ended the session: " + why.text);
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
    if (peers.empty()) links_.erase(links);
  }
  sessions_.erase(it);
}

void Node::check_timers(Session& session, Instant now) {
  if (session.phase != SessionPhase::kLive && now.steady >= session.opened + limits::kHandshake) {
    return end(session,
               {ErrorCode::kClosed, "no agreement within " + to_string(limits::kHandshake.count()) + " s"});
  }
  if (now.steady >= next_ping(session, config_.keepalive)) {
    if (session.pings == limits::kKeepalivesMissedMax) {
      return end(session, {ErrorCode::kClosed,
                           "the link is dead: no answer to " + to_string(session.pings) + " pings"});
    }
    ++session.pings;
    if (session.phase != SessionPhase::kHello) send(session, message::Ping{});
  }
  const bool live = session.phase == SessionPhase::kLive;
  const auto deadline = live ? Micros::max() : session.opened + limits::kHandshake;
  next_timer_ = std::min({next_timer_, deadline, next_ping(session, config_.keepalive)});
}

}  // namespace deltamesh
