// engine/node_damage.cc - blocks that cannot be read are taken anew from a peer that has them.
//
// A damaged block stays where it is, passed over and counted, until a peer in session is known to hold all of
// it. Then it is deleted, and what it held is missing; the sessions begin anew, and that peer sends it like
// anything else that is lacking here.
#include <algorithm>

#include "engine/node.h"

namespace deltamesh {
namespace {

bool begins_soundly(const Result<std::vector<StoredBlock>>& blocks, Seq seq) {
  return blocks.ok() && !blocks->empty() && blocks->front().first <= seq &&
         validate_block(*blocks->front().bytes, limits::kBlock).ok();
}

}  // namespace

// Looks for what cannot be read in `around`, after something could not. A block goes as a whole; of events
// whose blocks are not there at all, each that a peer has.
void Node::take_anew(StreamIx ix, Interval around) {
  InFlight batch;
  const IntervalSet elsewhere = held_by_peers(ix);
  for (const HeldBlock& block : unreadable_blocks(ix, around)) {
    const IntervalSet there = elsewhere.intersect(block.dots);
    if (block.bytes > 0 && !there.contains(block.dots)) continue;
    for (const Interval run : there.intervals()) {
      if (!is_taken_anew(ix, run)) batch.damaged.emplace_back(ix, run);
    }
    if (block.bytes > 0) retention_.take_out(batch.plan, ix, block.bytes);
  }
  if (!batch.damaged.empty()) commit(std::move(batch));
}

std::vector<HeldBlock> Node::unreadable_blocks(StreamIx ix, Interval around) const {
  std::vector<HeldBlock> found;
  const StreamKnowledge* const known = this->known(ix);
  const IntervalSet held = known == nullptr ? IntervalSet() : known->held().intersect(around);
  for (const Interval run : held.intervals()) {
    for (Seq next = run.first; next <= run.last;) {
      const auto blocks = reader_.blocks(streams_[ix], {next, run.last}, 0);
      if (!blocks.ok() && blocks.error().code != ErrorCode::kCorrupt) return found;
      if (begins_soundly(blocks, next)) {
        next = blocks->front().interval().last + 1;
        continue;
      }
      const auto block = block_at(ix, next);
      if (!block) return found;
      next = block->dots.last + 1;
      found.push_back(*block);
    }
  }
  return found;
}

// The block that has event `seq`, whatever its bytes; if none has it, the gap there, of no bytes. None if
// even its bounds are damaged.
std::optional<HeldBlock> Node::block_at(StreamIx ix, Seq seq) const {
  const Seq from = seq - std::min<Seq>(seq - 1, limits::kBlock.events_max - 1);
  const auto blocks = reader_.held_blocks(streams_[ix], from, limits::kBlock.events_max + 1);
  if (!blocks.ok()) return std::nullopt;
  const IntervalSet& held = known(ix)->held();
  const Interval run = *held.run_at(seq);
  Interval gap{seq, run.last};
  for (const HeldBlock& block : *blocks) {
    if (block.dots.first > seq) {
      gap.last = std::min(gap.last, block.dots.first - 1);
      break;
    }
    if (block.dots.last >= seq) return held.contains(block.dots) ? std::optional(block) : std::nullopt;
    gap.first = std::max(run.first, block.dots.last + 1);
  }
  return HeldBlock{gap, 0, 0};
}

IntervalSet Node::held_by_peers(StreamIx ix) const {
  IntervalSet held;
  for (const auto& [peer, session] : sessions_) {
    if (session->phase == SessionPhase::kLive && session->takes.contains(streams_[ix].dataset) &&
        ix < session->streams.size())
      held.join(session->streams[ix].remote);
  }
  return held;
}

// On its way already.
bool Node::is_taken_anew(StreamIx ix, Interval dots) const {
  return std::any_of(in_flight_.begin(), in_flight_.end(), [&](const auto& item) {
    const auto& damaged = item.second.damaged;
    return std::find(damaged.begin(), damaged.end(), std::pair(ix, dots)) != damaged.end();
  });
}

void Node::apply_damaged(const InFlight& batch) {
  std::set<DatasetId> datasets;
  for (const auto& [ix, dots] : batch.damaged) {
    const StreamId& stream = streams_[ix];
    datasets.insert(stream.dataset);
    knowledge_.at(stream).miss(dots);
    counters_.events_taken_anew += dots.size();
    ranges_.forget(stream, dots);
    retention_.stored(ix, dots);
  }
  for (const DatasetId dataset : datasets)
    end_sessions_with(dataset, "some of what was held here is damaged, and taken anew", std::nullopt);
}

// Of its own stream a writer lacks only what was damaged; or what it never stored, and nobody has. Beyond
// what it had written by then, it gets nothing back.
void Node::note_asked_back(Session& session, StreamIx ix, const StreamKnowledge& told) const {
  if (session.phase != SessionPhase::kFrontier || is_map(ix) || !writes(session.remote, streams_[ix])) return;
  if (told.head() == 0 || told.held().includes(IntervalSet({1, told.head()}).minus(told.dropped()))) return;
  SessionStream& state = session.at(ix);
  state.asks_back = true;
  state.unwanted.add({told.head() + 1, limits::kSeqMax});
}

}  // namespace deltamesh
