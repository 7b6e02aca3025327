// engine/node.cc - one node: what it starts from, and its sense of time.
#include "engine/node.h"

#include <algorithm>
#include <cassert>

namespace deltamesh {

Node::Node(NodeConfig config, StoreImage image, const StoreReader& reader)
    : config_(std::move(config)),
      identity_(image.identity),
      reader_(reader),
      recent_(config_.recent_bytes_max),
      clock_(image.clock),
      ranges_(reader),
      acks_(config_.tiers, identity_.node),
      retention_({config_, reader, streams_, knowledge_, pending_, acks_}),
      merging_(config_.merge_levels) {
  for (const auto& dataset : config_.datasets) {
    datasets_.emplace(dataset_id(dataset.name), dataset);
    if (dataset.kind != DatasetKind::kMap) continue;
    maps_.emplace(dataset_id(dataset.name), LwwMap(limits::kMapSupersededMax, limits::kMapConflictsMax));
    map_ranges_.try_emplace(dataset_id(dataset.name));
  }
  datasets_.emplace(rules_map(), DatasetConfig{std::string(kRulesMap), DatasetKind::kMap});
  maps_.emplace(rules_map(), LwwMap(limits::kMapSupersededMax, limits::kMapConflictsMax));
  map_ranges_.try_emplace(rules_map());
  load(std::move(image));
}

void Node::load(StoreImage image) {
  load_acks(image.acks);
  load_knowledge(image);
  mark_ = image.mark;
  alive_ = mark_.alive;
  if (mark_.wall) left_ = mark_;
  if (retention_.is_bounded()) look_at_ = Micros::zero();
  for (const auto& entry : knowledge_.entries()) {
    intern(entry.stream);
    if (const auto map = maps_.find(entry.stream.dataset); map != maps_.end()) map->second.learn(entry);
  }
  for (const auto& write : image.entries) {
    if (const auto map = maps_.find(write.dataset); map != maps_.end()) map->second.join(write.entry);
  }
  for (const auto& [id, map] : maps_) {
    for (const auto& [key, entry] : map.entries()) map_ranges_.at(id).take(entry);
    counters_.map_conflicts += map.conflict_count();
  }
  for (const auto& [id, config] : datasets_) own_stream(config);
  for (const auto& series : image.series) {
    catalogue_.add(intern(series.stream), series.decl);
    const auto own = own_.find(series.stream.dataset);
    if (own != own_.end() && streams_[own->second.ix] == series.stream) own->second.numbers.load(series.decl);
  }
  for (const auto& [stream, number] : image.unnamed) unnamed_.emplace(intern(stream), number);
  load_floors(std::move(image.floors));
  load_boots(std::move(image.own_boots), image.offsets);
  load_rules(image.obeyed);
  load_merging();
  counters_.map_surfaced = image.surfaced;
  void_lost();
}

// Streams of which nothing is held stay aside. One of which more is stored than what is known was not put
// aside before; it will be, and then that goes, but for acknowledgements, which are asked for when it wakes.
void Node::load_knowledge(const StoreImage& image) {
  std::set<StreamId> used;
  for (const StreamSeries& series : image.series) used.insert(series.stream);
  for (const SeriesKey& series : image.unnamed) used.insert(series.stream);
  for (const BootOffset& offset : image.offsets) used.insert(offset.stream);
  std::vector<StreamId> aside;
  for (const auto& [stream, known] : image.knowledge.entries()) {
    if (is_left_behind(stream, known) && !used.contains(stream)) {
      count_aside(stream, known);
      aside.push_back(stream);
      continue;
    }
    knowledge_.at(stream) = known;
    note_left_behind(intern(stream));
  }
  acks_.forget(aside);
}

// Numbers of ours below the head that are not here were in batches that failed in an earlier run: nobody ever
// saw them.
void Node::void_lost() {
  for (const auto& [id, own] : own_) {
    const StreamKnowledge* const known = this->known(own.ix);
    if (known == nullptr) continue;
    const IntervalSet missing = known->missing();
    for (const Interval lost : missing.intervals()) void_own(streams_[own.ix], lost);
  }
  if (!gathered_.knowledge.empty()) gather(Micros::zero());
}

StreamIx Node::intern(const StreamId& stream) {
  const StreamIx ix = streams_.intern(stream);
  if (pending_.size() <= ix) {
    pending_.resize(ix + 1);
    sources_.resize(ix + 1);
    places_.resize(ix + 1);
  }
  return ix;
}

const StreamKnowledge* Node::known(StreamIx ix) const {
  return knowledge_.find(streams_[ix], places_[ix]);
}

// The same for a stream that a peer names: it must fit this node's datasets, and there is a bound.
Result<StreamIx> Node::intern_remote(const StreamId& stream) {
  const DatasetConfig* const config = dataset(stream.dataset);
  if (config == nullptr || config->cls != stream.cls) {
    return Error{ErrorCode::kInvalid, "a stream of an unknown dataset or class"};
  }
  if (Status awake = wake(stream); !awake.ok()) return awake.error();
  const std::size_t awake = streams_.size() - put_aside_count_;
  if ((awake >= limits::kStreamsMax || streams_.size() >= limits::kStreamsMetMax) && !streams_.find(stream)) {
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
  return writes(identity_, stream);
}

// A peer that holds more of this incarnation than we do has met another life of this store: a machine was
// copied together with its memory. Writing on would give one number to two events; the driver hears of it
// once.
Status Node::check_own(const StreamId& stream, Seq last) {
  if (!is_own(stream)) return Done{};
  const StreamKnowledge* const known = knowledge_.find(stream);
  const Seq head = known == nullptr ? 0 : known->head();
  if (last <= head) return Done{};
  Error error{ErrorCode::kMismatch, "the peer holds event " + std::to_string(last) + " of node " +
                                        hex(identity_.node.bytes) + ", which itself has written " +
                                        std::to_string(head) + ": another copy of it runs, or has run"};
  end_incarnation(error.text);
  return error;
}

const LwwMap* Node::map(DatasetId dataset) const {
  const auto it = maps_.find(dataset);
  return it == maps_.end() ? nullptr : &it->second;
}

void Node::note(Note::Level level, std::string text, std::optional<PeerId> peer) {
  effects_.notes.push_back({level, std::move(text), peer});
}

void Node::tick(Instant now) {
  check_clock(now);
  check_boots(now);
  check_retention(now);
  check_forgetting(now);
  check_aside(now);
  if (gather_until_ && *gather_until_ <= now.steady) commit_gathered();
  check_merging(now);
  if (next_timer_ <= now.steady) {
    next_timer_ = Micros::max();
    for (auto it = sessions_.begin(); it != sessions_.end();) check_timers(*(it++)->second, now);
  }
  end_report_wait(now);
  end_news_wait(now);
  end_pace_waits(now);
  check_late(now);
  tell_acks(now);
  check_floors(now);
  check_comparisons(now);
  pump(now);
}

Effects Node::take_effects() {
  Micros next = std::min(next_timer_, gather_until_.value_or(Micros::max()));
  next = std::min(next, report_at_.value_or(Micros::max()));
  next = std::min(next, tell_at_.value_or(Micros::max()));
  next = std::min(next, floors_look_at_);
  if (boots_look_at_ && !boots_in_flight_) next = std::min(next, *boots_look_at_);
  if (!pacing_.empty()) next = std::min(next, pacing_.begin()->first);
  if (tell_acks_at_) next = std::min(next, *tell_acks_at_);
  if (look_at_) next = std::min(next, *look_at_);
  if (forgetting_.look_at && may_forget()) next = std::min(next, *forgetting_.look_at);
  if (aside_look_at_ && !aside_under_way_) next = std::min(next, *aside_look_at_);
  if (const auto at = merges_at()) next = std::min(next, *at);
  if (!late_.empty()) next = std::min(next, late_.begin()->first);
  if (!comparing_.empty()) next = std::min(next, comparing_.begin()->first);
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
  const auto quiet = [](const auto& item) {
    const Session& session = *item.second;
    const auto acknowledged = [](const SessionStream& stream) { return stream.sent.empty(); };
    if (session.phase != SessionPhase::kLive) return false;
    const auto told = [](const auto& map) { return map.second.behind.empty() && !map.second.whole; };
    const bool nothing_to_send = session.alarms.empty() && session.live.empty() && session.backlog.empty() &&
                                 !session.map_delta &&
                                 std::all_of(session.maps.begin(), session.maps.end(), told);
    return (nothing_to_send || !active(session)) && session.map_deltas_sent.empty() &&
           session.given_up_due.empty() &&
           std::all_of(session.streams.begin(), session.streams.end(), acknowledged);
  };
  return in_flight_.empty() && writes_.empty() && heard_.empty() && !gather_until_ && !report_at_ &&
         untold_acks_.empty() && !tell_at_ && !waits_for_some() &&
         std::all_of(sessions_.begin(), sessions_.end(), quiet);
}

}  // namespace deltamesh
