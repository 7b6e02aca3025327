// engine/node_telemetry.cc - blocks from peers into batches, and blocks to peers.
#include <algorithm>

#include "engine/node.h"
#include "engine/validate.h"

namespace deltamesh {
namespace {

Interval dots_of(const message::Delta& delta) {
  return {delta.first, delta.first + delta.events - 1};
}

Interval overlap(Interval a, Interval b) {
  return {std::max(a.first, b.first), std::min(a.last, b.last)};
}

Result<StoredBlock> cut(const StreamId& stream, Seq first, ByteView block, Interval run) {
  auto bytes = slice_block(block, static_cast<std::uint32_t>(run.first - first),
                           static_cast<std::uint32_t>(run.size()), limits::kBlock);
  if (!bytes.ok()) return bytes.error();
  const auto summary = peek_block(*bytes, limits::kBlock);
  if (!summary.ok()) return summary.error();
  return stored_block(stream, run.first, *summary, *std::move(bytes));
}

}  // namespace

// --- From peers ------------------------------------------------------------------------------------------

// A new block is passed on at once: its writer has it on its disk, and its number cannot be used again. What
// we say of it waits for our own disk.
Status Node::receive(Session& session, message::Delta& delta, std::size_t frame_bytes) {
  const auto ix = resolve(session, delta.ref);
  if (!ix.ok()) return ix.error();
  const auto summary = check_delta(session, *ix, delta);
  if (!summary.ok()) return summary.error();
  auto fresh = cut_fresh(*ix, delta, *summary);
  if (!fresh.ok()) return fresh.error();

  const Interval dots = dots_of(delta);
  session.at(*ix).remote.add(dots);
  session.at(*ix).owed.add(dots);
  note_source(session, *ix, !fresh->empty());
  wake(session);
  const StreamKnowledge* const known = this->known(*ix);
  if (known != nullptr) acknowledge(session, *ix, known->held());

  InFlight batch;
  batch.from = session.peer;
  batch.credit = static_cast<std::uint32_t>(frame_bytes);
  learn_series(*ix, delta.declarations, batch.declarations);
  ask_series(session, *ix, summary->series);
  for (auto& block : *fresh) {
    pending_[*ix].add(block.interval());
    recent_.add(*ix, block);
    batch.blocks.push_back({*ix, std::move(block), false});
  }
  Source& source = sources_[*ix];
  source.head = std::max(source.head, delta.head);
  source.settled = std::max(source.settled, delta.settled);
  if (!batch.blocks.empty()) {
    for (const auto& [peer, other] : sessions_) enqueue(*other, *ix);
  }
  if (batch.blocks.empty() && batch.declarations.empty()) {
    session.credit_due += batch.credit;
    return Done{};
  }
  // Of our own stream only we say how far it goes.
  if (!is_own(streams_[*ix])) batch.knowledge.at(streams_[*ix]).declare_head(delta.head, delta.settled);
  commit(std::move(batch));
  return Done{};
}

Result<BlockSummary> Node::check_delta(const Session& session, StreamIx ix, const message::Delta& delta) {
  const StreamId& stream = streams_[ix];
  const DatasetConfig* const config = dataset(stream.dataset);
  if (config == nullptr || config->kind != DatasetKind::kTelemetry ||
      !session.takes.contains(stream.dataset)) {
    return Error{ErrorCode::kInvalid, "a block of a dataset that is not taken from this peer"};
  }
  if (delta.codec != kBlockCodec) {
    return Error{ErrorCode::kUnsupported, "block codec " + std::to_string(delta.codec) + ", known here is " +
                                              std::to_string(kBlockCodec)};
  }
  if (Status own = check_own(stream, delta.first + delta.events - 1); !own.ok()) return own.error();
  if (Status gaps = check_gaps(ix, dots_of(delta)); !gaps.ok()) return gaps.error();
  auto summary = validate_block(delta.block, limits::kBlock);
  if (summary.ok() && summary->events != delta.events) {
    return Error{ErrorCode::kInvalid, "a block of " + std::to_string(summary->events) +
                                          " events, announced as " + std::to_string(delta.events)};
  }
  return summary;
}

// A block may be the one that closes gaps, so what counts is how many there are with it.
Status Node::check_gaps(StreamIx ix, Interval dots) const {
  const StreamKnowledge* const known = this->known(ix);
  const std::size_t runs = known == nullptr ? 0 : known->held().intervals().size();
  if (runs + pending_[ix].intervals().size() < limits::kIntervalsMax) return Done{};
  IntervalSet with = known == nullptr ? IntervalSet() : known->held();
  with.join(pending_[ix]);
  with.add(dots);
  return check_runs(with);
}

IntervalSet Node::fresh_dots(StreamIx ix, Interval dots) const {
  const IntervalSet fresh = IntervalSet(dots).minus(pending_[ix]);
  const StreamKnowledge* const known = this->known(ix);
  return known == nullptr ? fresh : fresh.minus(known->held()).minus(known->dropped());
}

// The runs of the block that are neither held nor pending, as blocks; the block itself if it is all new.
Result<std::vector<StoredBlock>> Node::cut_fresh(StreamIx ix, message::Delta& delta,
                                                 const BlockSummary& summary) {
  const Interval dots = dots_of(delta);
  const IntervalSet fresh = fresh_dots(ix, dots);
  const std::uint64_t redundant = delta.events - fresh.size();
  counters_.payload_bytes_received += delta.block.size();
  counters_.redundant_events += redundant;
  counters_.redundant_bytes += delta.block.size() * redundant / delta.events;

  std::vector<StoredBlock> blocks;
  if (redundant == 0) {
    blocks.push_back(stored_block(streams_[ix], delta.first, summary, std::move(delta.block)));
    return blocks;
  }
  for (const Interval run : fresh.intervals()) {
    auto block = cut(streams_[ix], delta.first, delta.block, run);
    if (!block.ok()) return block.error();
    blocks.push_back(*std::move(block));
  }
  return blocks;
}

// --- Durable ---------------------------------------------------------------------------------------------

void Node::became_durable(const InFlight::Block& block) {
  const Interval dots = block.block.interval();
  const StreamId& stream = block.block.stream;
  pending_[block.ix].remove(dots);
  knowledge_.at(stream).hold(dots);
  if (block.local) recent_.add(block.ix, block.block);
  (block.local ? counters_.events_written : counters_.events_received) += dots.size();
  effects_.publish.push_back({stream.dataset, stream, dots, {}, block.local});
  for (auto& [peer, session] : sessions_) {
    acknowledge(*session, block.ix, IntervalSet(dots));
    if (session->phase != SessionPhase::kLive) continue;
    if (session->at(block.ix).muted) {
      tell_have(*session, block.ix, IntervalSet(dots));
    } else {
      enqueue(*session, block.ix);
    }
  }
}

// Turns what we owe the peer an answer for, and is durable, into acknowledgements.
void Node::acknowledge(Session& session, StreamIx ix, const IntervalSet& durable) {
  SessionStream& stream = session.at(ix);
  if (stream.owed.empty()) return;
  const IntervalSet done = stream.owed.intersect(durable);
  if (done.empty()) return;
  stream.owed = stream.owed.minus(done);
  session.acks_due[ix].join(done);
  wake(session);
}

// --- To peers --------------------------------------------------------------------------------------------

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
