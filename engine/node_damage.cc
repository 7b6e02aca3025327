// engine/node_damage.cc - blocks that cannot be read are taken anew from peers that have them.
//
// A damaged block stays where it is, passed over and counted, until peers in session are known to hold all of
// it. Then it is deleted, and what it held is missing; the sessions with those who have it begin anew, and
// they send it like anything else that is lacking here.
#include <algorithm>

#include "engine/node.h"

namespace deltamesh {
namespace {

bool begins_soundly(const Result<std::vector<StoredBlock>>& blocks, Seq seq) {
  return blocks.ok() && !blocks->empty() && blocks->front().first <= seq &&
         validate_block(*blocks->front().bytes, limits::kBlock).ok();
}

// Nobody has verified the bounds that an index tells. These are no block's, or reach into the next one.
bool is_unlikely(const HeldBlock& block, const HeldBlock* next) {
  const Interval dots = block.dots;
  return dots.first > dots.last || dots.last - dots.first >= limits::kBlock.events_max ||
         (next != nullptr && next->dots.first <= dots.last);
}

}  // namespace

// A block goes as a whole; of events whose blocks are not there at all, each that a peer has.
void Node::take_anew(StreamIx ix, const std::vector<HeldBlock>& unreadable) {
  if (unreadable.empty()) return;
  InFlight batch;
  const IntervalSet elsewhere = held_by_peers(ix).minus(retention_.planned(ix));
  for (const HeldBlock& block : unreadable) {
    if (merging_.touches(ix, block.dots)) continue;  // What was sound when it was read may take its place.
    const IntervalSet there = elsewhere.intersect(block.dots);
    if (!there.contains(block.dots)) {
      ask_who_has(ix, block.dots);
      if (block.bytes > 0) continue;
    }
    for (const Interval run : there.intervals()) {
      batch.damaged.emplace_back(ix, run);
      retention_.take_out(batch.plan, ix, {run, block.bytes, block.arrival});
    }
  }
  if (batch.damaged.empty()) return;
  if (streams_[ix].node == identity_.node) {
    // Should it not come back before a restart, it must not be taken for what was never stored.
    StreamKnowledge& own = batch.knowledge.at(streams_[ix]);
    for (const auto& [of, dots] : batch.damaged) own.declare_lost(IntervalSet(dots));
  }
  commit(std::move(batch));
}

// Peers that have heard of the stream by a sum alone have said no more themselves: who tells all of it is
// told all.
void Node::ask_who_has(StreamIx ix, Interval dots) {
  const auto before = asked_.find(ix);
  bool asked = before != asked_.end();
  for (const auto& [peer, session] : sessions_) {
    if (session->phase != SessionPhase::kLive || !session->is_in_sum(ix)) continue;
    tell_all(*session, ix);
    asked = true;
  }
  if (!asked) return;
  if (before != asked_.end()) {
    before->second = {std::min(before->second.first, dots.first), std::max(before->second.last, dots.last)};
  } else if (asked_.size() < limits::kAskedMax) {
    asked_.emplace(ix, dots);
  }
}

// A peer has told what it has of a stream.
void Node::look_again(StreamIx ix) {
  const auto asked = asked_.find(ix);
  if (asked == asked_.end() || !held_by_peers(ix).intersects(asked->second)) return;
  const Interval dots = asked->second;
  asked_.erase(asked);
  take_anew(ix, unreadable_blocks(ix, dots));
}

std::vector<HeldBlock> Node::unreadable_blocks(StreamIx ix, Interval around) const {
  std::vector<HeldBlock> found;
  const StreamKnowledge* const known = this->known(ix);
  if (known == nullptr) return found;
  const IntervalSet held = known->held().minus(retention_.planned(ix)).intersect(around);
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
// even its bounds are damaged, or it is on its way out.
std::optional<HeldBlock> Node::block_at(StreamIx ix, Seq seq) const {
  const StreamKnowledge* const known = this->known(ix);
  const auto run = known == nullptr ? std::nullopt : known->held().minus(retention_.planned(ix)).run_at(seq);
  if (!run) return std::nullopt;
  auto blocks = reader_.held_blocks(streams_[ix], seq, 2);
  if (blocks.ok() && (blocks->empty() || blocks->front().dots.first != seq)) {
    const Seq from = seq - std::min<Seq>(seq - 1, limits::kBlock.events_max - 1);
    blocks = reader_.held_blocks(streams_[ix], from, limits::kBlock.events_max + 1);
  }
  if (!blocks.ok()) return std::nullopt;
  Interval gap{seq, run->last};
  for (std::size_t i = 0; i < blocks->size(); ++i) {
    const HeldBlock& block = (*blocks)[i];
    if (block.dots.first > seq) {
      gap.last = std::min(gap.last, block.dots.first - 1);
      break;
    }
    if (is_unlikely(block, i + 1 < blocks->size() ? &(*blocks)[i + 1] : nullptr)) return std::nullopt;
    const bool whole = run->first <= block.dots.first && block.dots.last <= run->last;
    if (block.dots.last >= seq) return whole ? std::optional(block) : std::nullopt;
  }
  return HeldBlock{gap, 0, 0};
}

IntervalSet Node::held_by_peers(StreamIx ix) const {
  IntervalSet held;
  for (const auto& [peer, session] : sessions_) {
    const SessionStream* const state = session->streams.find(ix);
    if (session->phase == SessionPhase::kLive && session->takes.contains(streams_[ix].dataset) &&
        state != nullptr)
      held.join(state->remote);
  }
  return held;
}

void Node::apply_damaged(const InFlight& batch) {
  std::set<PeerId> ended;
  for (const auto& [ix, dots] : batch.damaged) {
    StreamKnowledge& known = knowledge_.at(streams_[ix]);
    counters_.events_taken_anew += known.held().intersect(dots).size();
    known.miss(dots);
    ranges_.forget(streams_[ix], dots);
    for (const auto& [peer, session] : sessions_) {
      // Who is not in session yet is being told that it is here.
      const SessionStream* const state = session->streams.find(ix);
      const bool has_some = state != nullptr && state->remote.intersects(dots);
      const bool may_have = session->head_in_sum(ix) >= dots.first;
      if (session->phase != SessionPhase::kLive || has_some || may_have) ended.insert(peer);
    }
  }
  for (const PeerId peer : ended)
    end(*sessions_.at(peer), {ErrorCode::kClosed, "some of what was held here is damaged, and taken anew"});
}

}  // namespace deltamesh
