// engine/node_push.cc - blocks to peers: whose turn it is, what the peer lacks, and what cannot be read.
#include <algorithm>

#include "engine/node.h"

namespace deltamesh {
namespace {

// The newest dots of `dots` that a peer lacks and wants, by what a session knows of it.
std::optional<Interval> newest_wanted(const IntervalSet& dots, const SessionStream& state) {
  const auto lacking = dots.last_missing(state.remote, state.sent);
  if (!lacking || !state.unwanted.intersects(*lacking)) return lacking;
  const IntervalSet wanted = dots.minus(state.remote).minus(state.sent).minus(state.unwanted);
  return wanted.empty() ? std::nullopt : std::optional(wanted.intervals().back());
}

Interval overlap(Interval a, Interval b) {
  return {std::max(a.first, b.first), std::min(a.last, b.last)};
}

// The end of a run in whole cells: one where the stream ends, and more at a time the longer ago it is.
Interval newest_part(Interval run, Seq head) {
  const Seq age = head - std::min(head, run.last);
  const Seq cells = std::clamp<Seq>(age / limits::kCellEvents, 1, limits::kBacklogCellsMax);
  const Seq last_cell = (run.last - 1) / limits::kCellEvents;
  const Seq first_cell = last_cell - std::min(last_cell, cells - 1);
  return {std::max(run.first, first_cell * limits::kCellEvents + 1), run.last};
}

}  // namespace

// A peer always holds its own current stream; unless some of it was damaged, or it has forgotten some of a
// map and takes that anew.
bool Node::may_send(const Session& session, StreamIx ix) const {
  const StreamId& stream = streams_[ix];
  if (!session.sends.contains(stream.dataset)) return false;
  if (!writes(session.remote, stream)) return true;
  if (!is_map(ix)) {
    const SessionStream* const state = session.streams.find(ix);
    return state != nullptr && state->asks_back;
  }
  if (!floors_.contains(stream.dataset)) return false;
  const auto map = session.maps.find(stream.dataset);
  const StreamKnowledge* const theirs = map == session.maps.end() ? nullptr : map->second.known.find(stream);
  const StreamKnowledge* const ours = known(ix);
  if (theirs == nullptr || ours == nullptr || theirs->head() == 0) return false;
  return !ours->held().minus(theirs->held()).intersect(Interval{1, theirs->head()}).empty();
}

// Notes that `ix` may hold something that the peer lacks: what has only just come to be, or older than that.
void Node::enqueue(Session& session, StreamIx ix, Age age) {
  if (session.phase != SessionPhase::kLive || !may_send(session, ix)) return;
  SessionStream& state = session.at(ix);
  if (state.muted) return;
  if (is_map(ix)) {
    session.maps[streams_[ix].dataset].behind.insert(ix);
    return wake(session);
  }
  const bool alarm = streams_[ix].cls == StreamClass::kAlarm;
  const bool old = age == Age::kOld && !alarm;
  if (std::exchange(old ? state.behind : state.queued, true)) return;
  (alarm ? session.alarms : old ? session.backlog : session.live).push_back(ix);
  wake(session);
}

// Alarms, then what is new, then what is old; that has its share of the link, however much is new.
std::deque<StreamIx>* Node::next_lane(Session& session) {
  if (!session.alarms.empty()) return &session.alarms;
  if (session.backlog.empty()) return session.live.empty() ? nullptr : &session.live;
  return session.live.empty() || session.backlog_due > 0 ? &session.backlog : &session.live;
}

// Streams of one lane take turns, so that none waits for another's backlog.
Status Node::send_telemetry(Session& session, Instant now) {
  while (has_room(session, now)) {
    auto* const lane = next_lane(session);
    if (lane == nullptr) break;
    const bool old = lane == &session.backlog;
    const StreamIx ix = lane->front();
    lane->pop_front();
    (old ? session.at(ix).behind : session.at(ix).queued) = false;
    const std::int64_t before = session.credit;
    const auto more = send_stream(session, ix, now);
    if (!more.ok()) return Error{more.error().code, "cannot read the store: " + more.error().text};
    const std::int64_t bytes = before - session.credit;
    if (session.live.empty() || session.backlog.empty()) {
      session.backlog_due = 0;
    } else {
      session.backlog_due += old ? -bytes : bytes / limits::kNewPerOld;
    }
    if (*more) enqueue(session, ix, Age::kOld);
  }
  return Done{};
}

// Sends some of what the peer lacks of a stream; true if there may be more. Damaged blocks are passed over,
// so that one of them does not hold back all that comes after it.
Result<bool> Node::send_stream(Session& session, StreamIx ix, Instant now) {
  const auto wanted = session.at(ix).muted ? std::nullopt : next_to_send(session, ix);
  if (!wanted) return false;
  auto blocks = read_blocks(ix, wanted->part);
  if (!blocks.ok() && blocks.error().code != ErrorCode::kCorrupt) return blocks.error();
  if (blocks.ok() && blocks->empty()) blocks = Error{ErrorCode::kCorrupt, "held events are not in the store"};
  Status sent = blocks.ok() ? Status(Done{}) : Status(blocks.error());
  Seq next = wanted->part.first;
  for (std::size_t i = 0; sent.ok() && i < blocks->size() && has_room(session, now); ++i) {
    next = std::max(wanted->part.first, (*blocks)[i].first);
    sent = send_block(session, ix, (*blocks)[i], {wanted->lacking.first, wanted->part.last});
  }
  if (sent.ok()) return true;
  if (session.unreadable_count >= limits::kUnreadableMax) return sent.error();
  skip_unreadable(session, ix, next, sent.error());
  return true;
}

// The newest first: what passes through on its way to our disk (unless that has just failed), which is read
// from memory alone, and then what is durable here.
std::optional<Node::Wanted> Node::next_to_send(const Session& session, StreamIx ix) const {
  const SessionStream* const there = session.streams.find(ix);
  if (there == nullptr) return std::nullopt;
  const SessionStream& state = *there;
  if (!is_own(streams_[ix]) && stores_) {
    const auto passing = newest_wanted(pending_[ix], state);
    const StoredBlock* const block = passing ? recent_.find(ix, passing->last) : nullptr;
    if (block != nullptr) {
      const Interval part = overlap(block->interval(), *passing);
      return Wanted{part, part};
    }
  }
  const StreamKnowledge* const known = this->known(ix);
  if (known == nullptr) return std::nullopt;
  const auto unreadable = session.unreadable.find(ix);
  const auto wanted = unreadable == session.unreadable.end()
                          ? newest_wanted(known->held(), state)
                          : newest_wanted(known->held().minus(unreadable->second), state);
  return wanted ? std::optional(Wanted{newest_part(*wanted, known->head()), *wanted}) : std::nullopt;
}

// The block with event `seq` is nothing that the peer can get from us, for now.
void Node::skip_unreadable(Session& session, StreamIx ix, Seq seq, const Error& why) {
  const auto block = block_at(ix, seq);
  const Interval dots = block ? block->dots : Interval{seq, seq};
  session.unreadable[ix].add(dots);
  counters_.events_unreadable += dots.size();
  if (session.unreadable_count == 0)
    note(Note::Level::kWarning, "cannot send event " + std::to_string(seq) + ": " + why.text, session.peer);
  ++session.unreadable_count;
  if (block) take_anew(ix, {*block});
}

// No more than a capped link takes before it must wait.
std::size_t Node::read_ahead() const {
  if (config_.link_bytes_per_second == 0) return limits::kReadAheadBytes;
  const std::uint64_t soon = config_.link_bytes_per_second * limits::kPaceAhead.count() / 1'000;
  return static_cast<std::size_t>(std::min<std::uint64_t>(soon, limits::kReadAheadBytes));
}

// The newest block alone if it is in memory; else what the store gives, which is cheaper in ascending order.
Result<std::vector<StoredBlock>> Node::read_blocks(StreamIx ix, Interval wanted) const {
  if (const StoredBlock* const block = recent_.find(ix, wanted.last)) return std::vector<StoredBlock>{*block};
  return reader_.blocks(streams_[ix], wanted, read_ahead());
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
  if (const StreamRules* const rules = forgetting_.of(ix)) {
    if (auto rest = without_forgotten(out, *rules)) out = std::move(rest->block);
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
  delta.settled = std::max(source.settled, known == nullptr ? 0 : known->declared());
  Bytes frame = encode_delta(delta, *out.bytes);
  session.credit -= static_cast<std::int64_t>(frame.size());
  session.at(ix).sent.add(out.interval());
  session.deltas_sent.push_back({ix, out.interval(), 0});
  counters_.payload_bytes_sent += out.bytes->size();
  send_bytes(session, std::move(frame));
  return Done{};
}

}  // namespace deltamesh
