// engine/node_batch.cc - what is stored together: gathered, under way, durable or failed.
#include <algorithm>
#include <cassert>

#include "engine/node.h"

namespace deltamesh {

// What is gathered may wait for company until then, unless it is enough.
void Node::gather(Micros until) {
  gather_until_ = std::min(until, gather_until_.value_or(Micros::max()));
  if (gathered_.write_bytes >= limits::kGatherBytesMax) commit_gathered();
}

void Node::flush(Instant now) {
  commit_gathered();
  tick(now);
}

void Node::commit_gathered() {
  gather_until_.reset();
  for (auto& [id, own] : own_) close_block(own);
  commit_heard();
  if (gathered_.knowledge.empty() && unstored_.empty()) return;
  take_boots(gathered_);
  commit(std::exchange(gathered_, {}));
}

void Node::commit(InFlight batch) {
  take_unstored(batch);
  keep_within_bounds(batch);
  batch.generation = forgetting_.generation();
  batch.named_late = std::exchange(forgetting_.named_late, {});
  if (!batch.named_late.empty()) batch.obeyed = Bytes();
  Batch out;
  out.id = BatchId{++last_batch_};
  for (const auto& [ix, dots] : batch.plan.given_up)
    for (const Interval run : dots.intervals()) out.given_up.push_back({streams_[ix], run});
  for (const auto& [ix, dots] : batch.damaged) out.given_up.push_back({streams_[ix], dots, true});
  out.mark = batch.mark;
  out.acks = batch.acks;
  out.clock = clock_.last();
  out.declarations = batch.declarations;
  out.unnamed = batch.unnamed;
  out.entries = batch.entries;
  out.knowledge = batch.knowledge.entries();
  out.pruning = batch.pruning;
  out.offsets = batch.offsets;
  if (!batch.own_boots.empty()) out.own_boots_from = own_boots_.front().boot.place;
  for (const std::uint64_t place : batch.own_boots)
    if (const KnownBoot* const known = boot_at(place)) out.own_boots.push_back(known->boot);
  for (const auto& block : batch.blocks) out.blocks.push_back(block.block);
  for (const auto& one : batch.obedient) out.rewritten.push_back(one.block);
  for (const auto& one : batch.merged) out.merged.push_back(one.block);
  out.obeyed = batch.obeyed;
  for (const StreamIx ix : batch.aside) out.put_aside.push_back(streams_[ix]);
  if (batch.from) received_bytes_ += batch.credit;
  in_flight_.emplace(out.id, std::move(batch));
  effects_.persist.push_back(std::move(out));
}

// A batch that a peer caused can fail by what the peer sent; our own series must not depend on it.
void Node::take_unstored(InFlight& batch) {
  const auto waits = [&](const StreamSeries& series) { return batch.from && is_own(series.stream); };
  const auto taken = std::stable_partition(unstored_.begin(), unstored_.end(), waits);
  if (!batch.from)
    batch.declarations = undurable_;  // The batch that has them may yet fail, and this one not.
  batch.declarations.insert(batch.declarations.end(), taken, unstored_.end());
  const auto own = [&](const StreamSeries& series) { return is_own(series.stream); };
  std::copy_if(taken, unstored_.end(), std::back_inserter(undurable_), own);
  unstored_.erase(taken, unstored_.end());
}

// Takes those of `declarations` that wait for a batch to become durable off that list, and returns them.
std::vector<StreamSeries> Node::take_undurable(const std::vector<StreamSeries>& declarations) {
  if (undurable_.empty()) return {};
  std::set<std::pair<StreamId, SeriesNo>> named;
  for (const auto& series : declarations) named.emplace(series.stream, series.decl.number);
  const auto waits = [&](const StreamSeries& series) {
    return !named.contains({series.stream, series.decl.number});
  };
  const auto taken = std::stable_partition(undurable_.begin(), undurable_.end(), waits);
  std::vector<StreamSeries> out(taken, undurable_.end());
  undurable_.erase(taken, undurable_.end());
  return out;
}

// What frontiers tell goes to disk one batch at a time, so that a peer who tells much, or a disk that stalls,
// fills no queue.
void Node::commit_heard() {
  if (heard_.empty() || std::exchange(heard_in_flight_, true)) return;
  InFlight batch;
  batch.heard = true;
  batch.knowledge = std::exchange(heard_, {});
  commit(std::move(batch));
}

// The batch is in memory no longer, whoever sent it.
void Node::release(const InFlight& batch) {
  const bool was_overfull = overfull();
  if (batch.from) received_bytes_ -= batch.credit;
  if (was_overfull && !overfull()) wake_all();
  if (batch.heard) heard_in_flight_ = false;
}

// Notes that the gathered batch holds a part of `write`.
void Node::count_part(WriteId write) {
  if (!gathered_.writes.empty() && gathered_.writes.back() == write) return;
  gathered_.writes.push_back(write);
  ++writes_[write].parts;
}

void Node::durable(BatchId id, Instant now) {
  const auto it = in_flight_.find(id);
  assert(it != in_flight_.end());
  const InFlight batch = std::move(it->second);
  in_flight_.erase(it);
  stores_ = true;
  release(batch);
  const auto settled = newly_complete(batch);
  apply_durable(batch);
  forgetting_durable(batch, now);
  merging_durable(batch, settled);
  take_undurable(batch.declarations);
  settle_writes(batch, Done{});
  if (Session* const from = batch.from ? session(*batch.from) : nullptr) {
    wake(*from);
    from->credit_due += batch.credit;
    if (batch.map_page) --from->maps[*batch.map_page].under_way;
    if (needs_rest(*from, batch)) {
      commit_rest(*from, batch);
    } else if (batch.map_delta) {
      from->map_acks_due.push_back(*batch.map_delta);
    }
  }
  commit_heard();
  if (batch.looks) look_at_ = batch.plan.given_up.empty() ? now.steady + limits::kRetentionLook : now.steady;
  tick(now);
}

// The last page of a map delta is durable, and all pages before it: had one failed, the session were gone.
void Node::commit_rest(Session& session, const InFlight& batch) {
  SessionMap& map = session.maps[*batch.map_page];
  InFlight rest;
  rest.from = batch.from;
  rest.map_delta = batch.map_delta;
  rest.knowledge = batch.map_rest;
  rest.rewritten = batch.rewritten;
  rest.map_page = batch.map_page;
  if (is_taking(session, *batch.map_page)) end_taking(rest, *batch.map_page, map.confirmed);
  ++map.under_way;  // What comes next rests on this, too.
  commit(std::move(rest));
}

void Node::apply_durable(const InFlight& batch) {
  image_.reset();
  forget_ranges(batch);
  apply_given_up(batch);
  apply_damaged(batch);
  apply_rewritten(batch);
  forget_held(batch);
  for (const auto& block : batch.blocks) became_durable(block);
  const std::set<StreamId> settled = newly_settled(batch);
  knowledge_.join(batch.knowledge);
  for (const auto& known : batch.knowledge.entries()) {
    if (const auto map = maps_.find(known.stream.dataset); map != maps_.end()) map->second.learn(known);
    const bool is_ours = known.stream.node == identity_.node;
    const bool completed = settled.contains(known.stream) && knowledge_.find(known.stream)->missing().empty();
    if (!known.known.voided().empty() || completed) tell_gone(known, is_ours ? std::nullopt : batch.from);
    note_left_behind(*streams_.find(known.stream));
  }
  for (const auto& [ix, dots] : batch.plan.given_up) note_left_behind(ix);
  aside_durable(batch);
  map_became_durable(batch);
  apply_pruning(batch);
  offsets_durable(batch);
  answer_wanted(batch.declarations);
}

// Streams of which somebody says that they are settled further, beside what deltas say.
std::set<StreamId> Node::newly_settled(const InFlight& batch) const {
  std::set<StreamId> settled;
  if (!batch.heard && !batch.retires) return settled;
  for (const auto& [stream, told] : batch.knowledge.entries()) {
    const StreamKnowledge* const known = knowledge_.find(stream);
    if (known != nullptr && known->head() > 0 && told.declared() > known->declared()) settled.insert(stream);
  }
  return settled;
}

// A batch that failed has left no trace. Our own numbers in it may not be used again (a later batch may hold
// higher ones), so they are declared void; a peer whose data was not stored starts over with a new session.
void Node::failed(BatchId id, const Error& error, Instant now) {
  const auto it = in_flight_.find(id);
  assert(it != in_flight_.end());
  const InFlight batch = std::move(it->second);
  in_flight_.erase(it);
  stores_ = false;
  release(batch);
  ++counters_.batches_failed;
  note(Note::Level::kWarning, "a batch could not be stored: " + error.text);
  for (const auto& block : batch.blocks) pending_[block.ix].remove(block.block.interval());
  set_pending(batch, false);
  if (batch.from) {
    for (const auto& [dataset, entry] : batch.entries)
      watch(*streams_.find(entry.version.dot.stream), now.steady);
  }
  void_failed(batch);
  offsets_failed(batch, now);
  give_up_failed(batch);
  acks_failed(batch);
  undo_pruning(batch, now);
  forgetting_failed(batch, now);
  if (!batch.aside.empty()) aside_under_way_ = false;
  merging_failed(batch, now);
  for (const SeriesKey& key : batch.unnamed) unnamed_.erase({*streams_.find(key.stream), key.number});
  // The catalogue has them already, so that nobody would hand them in again.
  const auto ours = take_undurable(batch.declarations);
  unstored_.insert(unstored_.end(), ours.begin(), ours.end());
  std::copy_if(batch.declarations.begin(), batch.declarations.end(), std::back_inserter(unstored_),
               [&](const StreamSeries& series) { return !is_own(series.stream); });
  if (!gathered_.knowledge.empty() || !unstored_.empty() || !heard_.empty())
    gather(now.steady + limits::kFailedRetry);
  if (batch.looks) look_at_ = now.steady + limits::kRetentionLook;
  settle_writes(batch, error);
  end_sessions_of(batch, {error.code, "could not store what was sent: " + error.text});
  tick(now);
}

void Node::void_failed(const InFlight& batch) {
  for (const auto& block : batch.blocks) {
    if (block.local) void_own(block.block.stream, block.block.interval());
  }
  if (batch.from || batch.retires) return;
  if (batch.heard) return void(heard_.join(batch.knowledge));
  for (const auto& [dataset, entry] : batch.entries) {
    const Dot& dot = entry.version.dot;
    void_own(dot.stream, {dot.seq, dot.seq});
    settle_entry(dataset, entry);
  }
  for (const auto& [stream, known] : batch.knowledge.entries()) {
    // What was to be given up is there still.
    const IntervalSet never_stored = known.voided().minus(known.lost());
    if (!never_stored.empty()) gathered_.knowledge.at(stream).declare_void(never_stored);
  }
}

void Node::void_own(const StreamId& stream, Interval dots) {
  gathered_.knowledge.at(stream).declare_void(dots);
}

// Ends the session that sent the batch, and those that know of some of it: they have sent it too, or were
// sent it, and would never offer it again.
void Node::end_sessions_of(const InFlight& batch, const Error& why) {
  const auto concerned = [&](Session& session) {
    if (batch.from == session.peer || owes(session, batch)) return true;
    return std::any_of(batch.blocks.begin(), batch.blocks.end(), [&](const InFlight::Block& block) {
      const SessionStream& stream = session.at(block.ix);
      return !block.local && (stream.remote.intersects(block.block.interval()) ||
                              stream.sent.intersects(block.block.interval()));
    });
  };
  for (auto it = sessions_.begin(); it != sessions_.end();) {
    Session& session = *(it++)->second;
    if (concerned(session)) end(session, why);
  }
}

void Node::settle_writes(const InFlight& batch, const Status& status) {
  pending_write_bytes_ -= batch.write_bytes;
  for (const WriteId write : batch.writes) {
    const auto it = writes_.find(write);
    if (!status.ok()) it->second.status = status;
    if (--it->second.parts > 0) continue;
    effects_.written.push_back({write, it->second.status});
    writes_.erase(it);
  }
}

}  // namespace deltamesh
