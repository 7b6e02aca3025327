// engine/node.cc - one node: what it starts from, its batches, and its sense of time.
#include "engine/node.h"

#include <algorithm>
#include <cassert>

namespace deltamesh {

Node::Node(NodeConfig config, StoreImage image, const StoreReader& reader)
    : config_(std::move(config)), identity_(image.identity), reader_(reader), clock_(image.clock) {
  for (const auto& dataset : config_.datasets) {
    datasets_.emplace(dataset_id(dataset.name), dataset);
    if (dataset.kind == DatasetKind::kMap) maps_[dataset_id(dataset.name)];
  }
  load(std::move(image));
}

void Node::load(StoreImage image) {
  knowledge_ = std::move(image.knowledge);
  for (const auto& entry : knowledge_.entries()) {
    intern(entry.stream);
    if (const auto map = maps_.find(entry.stream.dataset); map != maps_.end()) map->second.learn(entry);
  }
  for (const auto& write : image.entries) {
    if (const auto map = maps_.find(write.dataset); map != maps_.end()) map->second.join(write.entry);
  }
  for (const auto& [id, config] : datasets_) own_stream(config);
  for (const auto& series : image.series) {
    catalogue_.add(series.stream, series.decl);
    const auto own = own_.find(series.stream.dataset);
    if (own != own_.end() && streams_[own->second.ix] == series.stream) own->second.numbers.load(series.decl);
  }
  void_lost();
}

// Numbers of ours below the head that are not here were in batches that failed in an earlier run: nobody ever
// saw them.
void Node::void_lost() {
  for (const auto& [id, own] : own_) {
    const StreamKnowledge* const known = knowledge_.find(streams_[own.ix]);
    if (known == nullptr) continue;
    const IntervalSet missing = known->missing();
    for (const Interval lost : missing.intervals()) void_own(streams_[own.ix], lost);
  }
  if (!gathered_.knowledge.empty()) gather(Micros::zero());
}

StreamIx Node::intern(const StreamId& stream) {
  const StreamIx ix = streams_.intern(stream);
  if (pending_.size() <= ix) pending_.resize(ix + 1);
  return ix;
}

// The same for a stream that a peer names: it must fit this node's datasets, and there is a bound.
Result<StreamIx> Node::intern_remote(const StreamId& stream) {
  const DatasetConfig* const config = dataset(stream.dataset);
  if (config == nullptr || config->cls != stream.cls) {
    return Error{ErrorCode::kInvalid, "a stream of an unknown dataset or class"};
  }
  if (streams_.size() >= limits::kStreamsMax && !streams_.find(stream)) {
    return Error{ErrorCode::kLimit, "more than " + std::to_string(limits::kStreamsMax) + " streams"};
  }
  return intern(stream);
}

const DatasetConfig* Node::dataset(DatasetId id) const {
  const auto it = datasets_.find(id);
  return it == datasets_.end() ? nullptr : &it->second;
}

Result<const DatasetConfig*> Node::dataset_of_kind(DatasetId id, DatasetKind kind) const {
  const DatasetConfig* const config = dataset(id);
  if (config == nullptr) return Error{ErrorCode::kNotFound, "no such dataset"};
  if (config->kind == kind) return config;
  const char* const is = config->kind == DatasetKind::kMap ? "a map" : "telemetry";
  return Error{ErrorCode::kInvalid, "dataset " + config->name + " is " + is};
}

Node::OwnStream& Node::own_stream(const DatasetConfig& config) {
  const DatasetId id = dataset_id(config.name);
  const auto [it, added] = own_.try_emplace(id);
  if (added) {
    const StreamId stream{id, config.cls, identity_.node, identity_.incarnation};
    const StreamKnowledge* const known = knowledge_.find(stream);
    it->second.ix = intern(stream);
    it->second.next = (known == nullptr ? 0 : known->head()) + 1;
    it->second.open.start(it->second.next);
  }
  return it->second;
}

bool Node::is_own(const StreamId& stream) const {
  return stream.node == identity_.node && stream.incarnation == identity_.incarnation;
}

// A peer that holds more of this incarnation than we do has met a later life of this store: ours was restored
// from a copy. Writing on would give one number to two events; the driver hears of it once.
Status Node::check_own(const StreamId& stream, Seq last) {
  if (!is_own(stream)) return Done{};
  const StreamKnowledge* const known = knowledge_.find(stream);
  const Seq head = known == nullptr ? 0 : known->head();
  if (last <= head) return Done{};
  Error error{ErrorCode::kMismatch, "the peer holds event " + std::to_string(last) + " of node " +
                                        hex(identity_.node.bytes) + ", which itself has written " +
                                        std::to_string(head) + ": its store was restored from an old copy"};
  if (!std::exchange(rolled_back_, true)) effects_.rolled_back = error.text;
  return error;
}

const LwwMap* Node::map(DatasetId dataset) const {
  const auto it = maps_.find(dataset);
  return it == maps_.end() ? nullptr : &it->second;
}

void Node::note(Note::Level level, std::string text, std::optional<PeerId> peer) {
  effects_.notes.push_back({level, std::move(text), peer});
}

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
  commit(std::exchange(gathered_, {}));
}

void Node::commit(InFlight batch) {
  take_unstored(batch);
  Batch out;
  out.id = BatchId{++last_batch_};
  out.clock = clock_.last();
  out.declarations = batch.declarations;
  out.entries = batch.entries;
  out.knowledge = batch.knowledge.entries();
  for (const auto& block : batch.blocks) out.blocks.push_back(block.block);
  if (batch.from) received_bytes_ += batch.credit;
  in_flight_.emplace(out.id, std::move(batch));
  effects_.persist.push_back(std::move(out));
}

// A batch that a peer caused can fail by what the peer sent; our own series must not depend on it.
void Node::take_unstored(InFlight& batch) {
  const auto waits = [&](const StreamSeries& series) { return batch.from && is_own(series.stream); };
  const auto taken = std::stable_partition(unstored_.begin(), unstored_.end(), waits);
  batch.declarations.insert(batch.declarations.end(), taken, unstored_.end());
  unstored_.erase(taken, unstored_.end());
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
  release(batch);
  apply_durable(batch);
  settle_writes(batch, Done{});
  if (Session* const from = batch.from ? session(*batch.from) : nullptr) {
    wake(*from);
    from->credit_due += batch.credit;
    if (batch.map_page) --from->maps[*batch.map_page].under_way;
    if (!batch.map_rest.empty()) {
      commit_rest(batch);
    } else if (batch.map_delta) {
      from->map_acks_due.push_back(*batch.map_delta);
    }
  }
  commit_heard();
  tick(now);
}

// The last page of a map delta is durable, and all pages before it: had one failed, the session were gone.
void Node::commit_rest(const InFlight& batch) {
  InFlight rest;
  rest.from = batch.from;
  rest.map_delta = batch.map_delta;
  rest.knowledge = batch.map_rest;
  commit(std::move(rest));
}

void Node::apply_durable(const InFlight& batch) {
  for (const auto& block : batch.blocks) became_durable(block);
  knowledge_.join(batch.knowledge);
  for (const auto& known : batch.knowledge.entries()) {
    if (const auto map = maps_.find(known.stream.dataset); map != maps_.end()) map->second.learn(known);
    if (!known.known.voided().empty()) tell_void(known, batch.from);
  }
  map_became_durable(batch);
  answer_wanted(batch.declarations);
}

// A batch that failed has left no trace. Our own numbers in it may not be used again (a later batch may hold
// higher ones), so they are declared void; a peer whose data was not stored starts over with a new session.
void Node::failed(BatchId id, const Error& error, Instant now) {
  const auto it = in_flight_.find(id);
  assert(it != in_flight_.end());
  const InFlight batch = std::move(it->second);
  in_flight_.erase(it);
  release(batch);
  ++counters_.batches_failed;
  note(Note::Level::kWarning, "a batch could not be stored: " + error.text);
  for (const auto& block : batch.blocks) pending_[block.ix].remove(block.block.interval());
  void_failed(batch);
  // The catalogue has them already, so that nobody would hand them in again.
  unstored_.insert(unstored_.end(), batch.declarations.begin(), batch.declarations.end());
  if (!gathered_.knowledge.empty() || !unstored_.empty() || !heard_.empty())
    gather(now.steady + limits::kFailedRetry);
  settle_writes(batch, error);
  end_sessions_of(batch, {error.code, "could not store what was sent: " + error.text});
  tick(now);
}

void Node::void_failed(const InFlight& batch) {
  for (const auto& block : batch.blocks) {
    if (block.local) void_own(block.block.stream, block.block.interval());
  }
  if (batch.from) return;
  if (batch.heard) return void(heard_.join(batch.knowledge));
  for (const auto& [dataset, entry] : batch.entries) {
    const Dot& dot = entry.version.dot;
    void_own(dot.stream, {dot.seq, dot.seq});
    settle_entry(dataset, entry);
  }
  for (const auto& [stream, known] : batch.knowledge.entries()) {
    if (!known.voided().empty()) gathered_.knowledge.at(stream).declare_void(known.voided());
  }
}

void Node::void_own(const StreamId& stream, Interval dots) {
  gathered_.knowledge.at(stream).declare_void(dots);
}

// Ends the session that sent the batch, and those that sent some of it again while it was pending.
void Node::end_sessions_of(const InFlight& batch, const Error& why) {
  const auto concerned = [&](Session& session) {
    if (batch.from == session.peer) return true;
    return std::any_of(batch.blocks.begin(), batch.blocks.end(), [&](const InFlight::Block& block) {
      return session.at(block.ix).owed.intersects(block.block.interval());
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

void Node::tick(Instant now) {
  if (gather_until_ && *gather_until_ <= now.steady) commit_gathered();
  if (next_timer_ <= now.steady) {
    next_timer_ = Micros::max();
    for (auto it = sessions_.begin(); it != sessions_.end();) check_timers(*(it++)->second, now);
  }
  pump();
}

Effects Node::take_effects() {
  const Micros next = std::min(next_timer_, gather_until_.value_or(Micros::max()));
  if (next != Micros::max()) effects_.wake_at = next;
  return std::exchange(effects_, {});
}

std::vector<SessionStatus> Node::sessions() const {
  std::vector<SessionStatus> all;
  for (const auto& [peer, session] : sessions_) {
    SessionStatus status{peer, session->phase, session->remote, session->software, 0};
    for (const auto& stream : session->streams) status.events_unacknowledged += stream.sent.size();
    all.push_back(std::move(status));
  }
  return all;
}

bool Node::quiet() const {
  const auto quiet = [this](const auto& item) {
    const Session& session = *item.second;
    const auto acknowledged = [](const SessionStream& stream) { return stream.sent.empty(); };
    if (session.phase != SessionPhase::kLive) return false;
    const bool nothing_to_send = session.work.empty() && !session.map_delta;
    return (nothing_to_send || !active(session)) && session.map_deltas_sent.empty() &&
           std::all_of(session.streams.begin(), session.streams.end(), acknowledged);
  };
  return in_flight_.empty() && writes_.empty() && heard_.empty() && !gather_until_ &&
         std::all_of(sessions_.begin(), sessions_.end(), quiet);
}

}  // namespace deltamesh
