// engine/node_telemetry.cc - blocks from peers into batches.
#include <algorithm>

#include "engine/node.h"
#include "engine/validate.h"

namespace deltamesh {
namespace {

Interval dots_of(const message::Delta& delta) {
  return {delta.first, delta.first + delta.events - 1};
}

}  // namespace

// Events `run` of the block that begins with `first`, as a block of their own.
Result<StoredBlock> Node::cut(const StreamId& stream, Seq first, ByteView block, Interval run) {
  auto bytes = slice_block(block, static_cast<std::uint32_t>(run.first - first),
                           static_cast<std::uint32_t>(run.size()), limits::kBlock);
  if (!bytes.ok()) return bytes.error();
  const auto summary = peek_block(*bytes, limits::kBlock);
  if (!summary.ok()) return summary.error();
  return stored_block(stream, run.first, *summary, *std::move(bytes));
}

// --- From peers ------------------------------------------------------------------------------------------

// A new block is passed on at once: its writer has it on its disk, and its number cannot be used again. What
// we say of it waits for our own disk.
Status Node::receive(Session& session, message::Delta& delta, std::size_t frame_bytes) {
  const auto ix = resolve(session, delta.ref);
  if (!ix.ok()) return ix.error();
  const auto summary = check_delta(session, *ix, delta);
  if (!summary.ok()) return summary.error();
  auto offsets = learn_offsets(*ix, delta, *summary);
  auto fresh = cut_fresh(*ix, delta, *summary);
  if (!fresh.ok()) return fresh.error();

  const Interval dots = dots_of(delta);
  session.at(*ix).remote.add(dots);
  if (Status runs = check_runs(session.at(*ix).remote); !runs.ok()) return runs;
  InFlight batch;
  const bool refused = !fresh->empty() && refuse(batch, *ix, dots);
  if (refused) fresh->clear();
  session.deltas_owed.push_back({*ix, dots, 0});
  note_source(session, *ix, refused || !fresh->empty());
  wake(session);

  batch.from = session.peer;
  batch.credit = static_cast<std::uint32_t>(frame_bytes);
  learn_series(*ix, delta.declarations, batch.declarations);
  batch.unnamed = ask_series(session, *ix, summary->series);
  if (refused || !fresh->empty()) batch.offsets = std::move(offsets);
  for (auto& block : *fresh) {
    obey(*ix, block);
    pending_[*ix].add(block.interval());
    recent_.add(*ix, block);
    batch.blocks.push_back({*ix, std::move(block), false});
  }
  // Of our own stream only we say how far it goes.
  const bool own = is_own(streams_[*ix]);
  Source& source = sources_[*ix];
  if (!own) {
    source.head = std::max(source.head, delta.head);
    source.settled = std::max(source.settled, delta.settled);
    batch.knowledge.at(streams_[*ix]).declare_head(delta.head, delta.settled);
  }
  if (!batch.blocks.empty()) {
    const Age age = dots.last == source.head ? Age::kNew : Age::kOld;
    for (const auto& [peer, other] : sessions_) enqueue(*other, *ix, age);
  }
  if (batch.blocks.empty() && batch.declarations.empty() && !refused) {
    session.deltas_owed.back().credit = batch.credit;
  } else {
    commit(std::move(batch));
  }
  acknowledge(session, *ix);
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

// What the store would refuse. A block may be the one that closes gaps, so what counts is how many there are
// with it; one in the middle of a void makes two of that.
Status Node::check_gaps(StreamIx ix, Interval dots) const {
  const StreamKnowledge nothing;
  const StreamKnowledge* const found = this->known(ix);
  const StreamKnowledge& known = found == nullptr ? nothing : *found;
  const std::size_t runs = std::max(known.held().intervals().size(), known.voided().intervals().size());
  if (runs + pending_[ix].intervals().size() < limits::kIntervalsMax) return Done{};
  IntervalSet with = known.held();
  with.join(pending_[ix]);
  with.add(dots);
  if (Status held = check_runs(with); !held.ok()) return held;
  return check_runs(known.voided().minus(with));
}

IntervalSet Node::fresh_dots(StreamIx ix, Interval dots) const {
  IntervalSet fresh = IntervalSet(dots).minus(pending_[ix]);
  if (!retention_.planned(ix).empty()) fresh = fresh.minus(retention_.planned(ix));
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
  StreamKnowledge& known = knowledge_.at(stream);
  known.hold(dots);
  const Age age = dots.last == known.head() ? Age::kNew : Age::kOld;
  retention_.stored(block.ix, dots);
  if (block.local) recent_.add(block.ix, block.block);
  (block.local ? counters_.events_written : counters_.events_received) += dots.size();
  effects_.publish.push_back({stream.dataset, stream, dots, {}, block.local});
  for (auto& [peer, session] : sessions_) {
    acknowledge(*session, block.ix);
    if (const auto at = session->unreadable.find(block.ix); at != session->unreadable.end())
      at->second.remove(dots);
    if (session->phase != SessionPhase::kLive) continue;
    if (session->at(block.ix).muted) {
      tell_have(*session, block.ix, IntervalSet(dots));
    } else {
      enqueue(*session, block.ix, age);
    }
  }
}

// What the peer sent is acknowledged in its order. Something has become durable of stream `ix`.
void Node::acknowledge(Session& session, StreamIx ix) {
  auto& owed = session.deltas_owed;
  if (owed.empty() || owed.front().ix != ix) return;
  while (!owed.empty() && is_durable(owed.front())) {
    // What we do not have we must not be taken to have stored.
    const StreamIx front = owed.front().ix;
    if (session.given_up_due.contains(front) && !known(front)->held().contains(owed.front().dots))
      tell_given_up(session, front);
    session.credit_due += owed.front().credit;
    owed.pop_front();
    ++session.deltas_due;
  }
  wake(session);
}

// Here, or has been and is of no interest any more.
bool Node::is_durable(const SentDelta& delta) const {
  const StreamKnowledge* const known = this->known(delta.ix);
  if (known == nullptr) return false;
  return known->held().contains(delta.dots) ||
         IntervalSet(delta.dots).minus(known->held()).minus(known->dropped()).empty();
}

}  // namespace deltamesh
