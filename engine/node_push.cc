// engine/node_push.cc - blocks to peers: whose turn it is, what the peer lacks, and what cannot be read.
#include <algorithm>

#include "engine/node.h"

namespace deltamesh {
namespace {

Interval overlap(Interval a, Interval b) {
  return {std::max(a.first, b.first), std::min(a.last, b.last)};
}

}  // namespace

// A peer always holds its own current stream.
bool Node::may_send(const Session& session, StreamIx ix) const {
  const StreamId& stream = streams_[ix];
  const bool own = stream.node == session.remote.node && stream.incarnation == session.remote.incarnation;
  return !own && session.sends.contains(stream.dataset);
}

// Notes that `ix` may hold something that the peer lacks.
void Node::enqueue(Session& session, StreamIx ix) {
  if (session.phase != SessionPhase::kLive || !may_send(session, ix)) return;
  SessionStream& state = session.at(ix);
  if (state.queued || state.muted) return;
  if (is_map(ix)) {
    session.maps[streams_[ix].dataset].behind.insert(ix);
    return wake(session);
  }
  state.queued = true;
  (streams_[ix].cls == StreamClass::kAlarm ? session.alarms : session.work).push_back(ix);
  wake(session);
}

// Streams take turns, so that none waits for another's backlog; those of alarms among themselves, before all
// others.
Status Node::send_telemetry(Session& session) {
  while (session.credit > 0) {
    auto& lane = session.alarms.empty() ? session.work : session.alarms;
    if (lane.empty()) break;
    const StreamIx ix = lane.front();
    lane.pop_front();
    session.at(ix).queued = false;
    const auto more = send_stream(session, ix);
    if (!more.ok()) return Error{more.error().code, "cannot read the store: " + more.error().text};
    if (*more) enqueue(session, ix);
  }
  return Done{};
}

// Sends some of what the peer lacks of a stream; true if there may be more. Damaged blocks are passed over,
// so that one of them does not hold back all that comes after it.
Result<bool> Node::send_stream(Session& session, StreamIx ix) {
  const SessionStream& state = session.at(ix);
  const auto wanted = state.muted ? std::nullopt : next_to_send(state, ix);
  if (!wanted) return false;
  auto blocks = read_blocks(ix, *wanted);
  if (!blocks.ok() && blocks.error().code != ErrorCode::kCorrupt) return blocks.error();
  if (blocks.ok() && blocks->empty()) blocks = Error{ErrorCode::kCorrupt, "held events are not in the store"};
  Status sent = blocks.ok() ? Status(Done{}) : Status(blocks.error());
  Seq next = wanted->first;
  for (std::size_t i = 0; sent.ok() && i < blocks->size() && session.credit > 0; ++i) {
    next = std::max(wanted->first, (*blocks)[i].first);
    sent = send_block(session, ix, (*blocks)[i], *wanted);
  }
  if (sent.ok()) return true;
  if (session.unreadable == limits::kUnreadableMax) return sent.error();
  skip_unreadable(session, ix, next, sent.error());
  return true;
}

// What is durable here, and then what passes through on its way to our disk; that is read from memory alone.
std::optional<Interval> Node::next_to_send(const SessionStream& state, StreamIx ix) const {
  if (const StreamKnowledge* const known = this->known(ix)) {
    if (const auto wanted = known->held().first_missing(state.remote, state.sent)) return wanted;
  }
  if (is_own(streams_[ix])) return std::nullopt;
  const auto wanted = pending_[ix].first_missing(state.remote, state.sent);
  return wanted && recent_.find(ix, wanted->first) != nullptr ? wanted : std::nullopt;
}

// Counts event `seq` as one that the peer cannot get from us; its block's next event is the next to be tried.
void Node::skip_unreadable(Session& session, StreamIx ix, Seq seq, const Error& why) {
  IntervalSet& remote = session.at(ix).remote;
  remote.add({seq, seq});
  ++counters_.events_unreadable;
  if (session.unreadable++ == 0)
    note(Note::Level::kWarning, "cannot send event " + std::to_string(seq) + ": " + why.text, session.peer);
}

Result<std::vector<StoredBlock>> Node::read_blocks(StreamIx ix, Interval wanted) const {
  if (const StoredBlock* const block = recent_.find(ix, wanted.first))
    return std::vector<StoredBlock>{*block};
  return reader_.blocks(streams_[ix], wanted, limits::kReadAheadBytes);
}

// A block of which nearly all is wanted goes out as it is: that costs less than to encode it anew.
Status Node::send_block(Session& session, StreamIx ix, const StoredBlock& block, Interval wanted) {
  const Interval part = overlap(block.interval(), wanted);
  StoredBlock out = block;
  if (part.size() * 10 < block.interval().size() * 9) {
    auto piece = cut(block.stream, block.first, *block.bytes, part);
    if (!piece.ok()) return piece.error();
    out = *std::move(piece);
  }
  const auto summary = peek_block(*out.bytes, limits::kBlock);
  if (!summary.ok()) return summary.error();
  const StreamKnowledge* const known = this->known(ix);
  const Source& source = sources_[ix];
  message::Delta delta;
  delta.declarations = declare_to(session, ix, summary->series);
  delta.ref = refer(session, ix);
  delta.first = out.first;
  delta.events = out.events;
  delta.codec = out.codec;
  delta.head = std::max({out.interval().last, source.head, known == nullptr ? 0 : known->head()});
  delta.settled = std::max(source.settled, known == nullptr ? 0 : known->settled());
  Bytes frame = encode_delta(delta, *out.bytes);
  session.credit -= static_cast<std::int64_t>(frame.size());
  session.at(ix).sent.add(out.interval());
  counters_.payload_bytes_sent += out.bytes->size();
  send_bytes(session, std::move(frame));
  return Done{};
}

}  // namespace deltamesh
