// engine/node_map.cc - deltas of maps, from peers and to peers.
//
// A delta is relative to the pair (crdt/lww_map.h) and comes in pages. An entry that arrived is known from
// then on; what the sender knows beyond its entries counts once the last page is here and all are durable.
#include <algorithm>

#include "engine/node.h"
#include "engine/validate.h"

namespace deltamesh {
namespace {

// Whoever took the entries of `told` knows all that `known` says.
bool told_by_entries(const Knowledge& told, const StreamId& stream, const StreamKnowledge& known) {
  const StreamKnowledge* const entries = told.find(stream);
  return entries != nullptr && entries->held().includes(known.held()) && entries->head() >= known.head();
}

// Dots in so many runs that the pages of a large map, with gaps where a write was superseded, would come to
// more than a stream may have. The last page closes the gaps.
bool is_scattered(const Knowledge& arrived) {
  const auto scattered = [](const Knowledge::Entry& entry) {
    return entry.known.held().intervals().size() > limits::kMapPageRunsMax;
  };
  return std::any_of(arrived.entries().begin(), arrived.entries().end(), scattered);
}

bool full(const message::MapDelta& page, std::size_t bytes) {
  return bytes >= limits::kMapPageBytes || page.entries.size() >= limits::kMapEntriesPerFrame ||
         page.streams.size() >= limits::kStreamsPerFrame || page.knowledge.size() >= limits::kStreamsPerFrame;
}

}  // namespace

// --- From peers ------------------------------------------------------------------------------------------

Status Node::receive(Session& session, message::MapDelta& delta, std::size_t frame_bytes, Instant now) {
  Knowledge known;
  LwwMap::Rewritten rewritten;
  const auto dataset = resolve_map_delta(session, delta, known, rewritten);
  if (!dataset.ok()) return dataset.error();
  SessionMap& map = session.maps[*dataset];
  InFlight batch;
  batch.from = session.peer;
  batch.map_page = *dataset;
  batch.credit = static_cast<std::uint32_t>(frame_bytes);
  batch.knowledge = take_map_entries(session, *dataset, delta, batch, now);
  if (is_taking(session, *dataset)) map.confirmed.join(batch.knowledge);
  map.incoming.join(map.refused.empty() ? known : known_without(known, map.refused));
  for (const auto& [stream, dots] : rewritten)
    LwwMap::join(map.rewritten, stream, dots, limits::kMapSupersededMax);
  for (const auto& [stream, told] : batch.knowledge.entries())
    note_remote(session, *streams_.find(stream), told.held());
  // Of a rule that is in effect it must be known at once that it is here.
  if (*dataset != rules_map() && is_scattered(batch.knowledge))
    map.incoming.join(std::exchange(batch.knowledge, {}));
  for (const auto& [stream, told] : known.entries()) {
    const StreamIx ix = *streams_.find(stream);
    note_remote(session, ix, told.held());
    map.known.at(stream).join(told);
    if (Status runs = check_runs(session.at(ix).remote); !runs.ok()) return runs;
  }
  if (delta.last) {
    // What a page claims beyond its entries rests on pages before it, so it waits until those are durable.
    const bool alone = !map.paged && map.under_way == 0 && !is_taking(session, *dataset);
    (alone ? batch.knowledge : batch.map_rest).join(std::exchange(map.incoming, {}));
    batch.map_delta = delta.delta;
    batch.rewritten = std::exchange(map.rewritten, {});
  }
  map.paged = !delta.last;
  ++map.under_way;
  set_pending(batch, true);
  commit(std::move(batch));
  return Done{};
}

// Knowledge waits for the pages before it; and where the map is taken anew, for what its end changes.
bool Node::needs_rest(const Session& session, const InFlight& batch) const {
  if (!batch.map_page) return false;
  return !batch.map_rest.empty() || (batch.map_delta && is_taking(session, *batch.map_page));
}

// Entries on their way to our disk.
void Node::set_pending(const InFlight& batch, bool pending) {
  if (!batch.from) return;
  for (const auto& [dataset, entry] : batch.entries) {
    const Dot& dot = entry.version.dot;
    IntervalSet& dots = pending_[*streams_.find(dot.stream)];
    pending ? dots.add({dot.seq, dot.seq}) : dots.remove({dot.seq, dot.seq});
  }
}

// Moves the entries that are news into the batch; which dots the page brought. One that is on its way to our
// disk is taken again: that may fail.
Knowledge Node::take_map_entries(Session& session, DatasetId dataset, message::MapDelta& delta,
                                 InFlight& batch, Instant now) {
  Knowledge arrived;
  const LwwMap& map = maps_.at(dataset);
  const WallTime wall = wall_time(now);
  for (auto& [index, entry] : delta.entries) {
    counters_.payload_bytes_received += map_entry_bytes(entry);
    note_stamp(session, entry, wall);
    const Dot& dot = entry.version.dot;
    const bool held = map.knowledge().holds(dot);
    if (!held && surfaces(session.maps[dataset], dataset, entry, batch)) continue;
    arrived.hold(dot);
    const StreamIx ix = *streams_.find(dot.stream);
    const bool fresh = !held && !pending_[ix].contains(dot.seq);
    note_source(session, ix, fresh);
    if (!fresh) {
      ++counters_.redundant_events;
      counters_.redundant_bytes += map_entry_bytes(entry);
    }
    if (!held) {
      batch.entries.push_back({dataset, std::move(entry)});
    }
  }
  return arrived;
}

// Looks up the streams that the page names, fills them in, and collects the knowledge that it carries. Which
// map it is of, these streams say.
Result<DatasetId> Node::resolve_map_delta(Session& session, message::MapDelta& delta, Knowledge& known,
                                          LwwMap::Rewritten& rewritten) {
  std::optional<DatasetId> dataset;
  for (const auto& ref : delta.streams) {
    if (const auto ix = resolve(session, ref); !ix.ok()) return ix.error();
  }
  for (const auto& item : delta.knowledge) {
    if (Status good = resolve_map_known(session, item, dataset, known, rewritten); !good.ok())
      return good.error();
  }
  for (auto& item : delta.entries) {
    if (Status good = resolve_map_entry(session, item, dataset); !good.ok()) return good.error();
  }
  return *dataset;
}

// All streams of a page are of one map, the first one's.
Status Node::check_map_stream(const Session& session, const StreamId& stream,
                              std::optional<DatasetId>& dataset) const {
  if (dataset && *dataset == stream.dataset) return Done{};
  if (dataset) return Error{ErrorCode::kInvalid, "a map page with streams of two datasets"};
  if (!maps_.contains(stream.dataset) || !session.takes.contains(stream.dataset))
    return Error{ErrorCode::kInvalid, "a map delta of a dataset that is not taken from this peer"};
  dataset = stream.dataset;
  return Done{};
}

Status Node::resolve_map_known(Session& session, const message::MapDelta::Known& item,
                               std::optional<DatasetId>& dataset, Knowledge& known,
                               LwwMap::Rewritten& rewritten) {
  const auto ix = resolve(session, item.ref);
  if (!ix.ok()) return ix.error();
  const StreamId& stream = streams_[*ix];
  if (Status good = check_map_stream(session, stream, dataset); !good.ok()) return good;
  if (Status own = check_own(stream, item.held.last()); !own.ok()) return own;
  StreamKnowledge& at = known.at(stream);
  at.hold(item.held);
  if (!is_own(stream)) at.declare_head(item.head, at.settled());
  // Of what is held here, the winners are looked for here.
  const StreamKnowledge* const here = this->known(*ix);
  IntervalSet news = here == nullptr ? item.rewritten : item.rewritten.minus(here->held());
  if (!news.empty()) rewritten[stream].join(news);
  return Done{};
}

Status Node::resolve_map_entry(Session& session, message::MapDelta::Entry& item,
                               std::optional<DatasetId>& dataset) {
  if (item.stream >= session.in_streams.size())
    return Error{ErrorCode::kInvalid, "an entry of an unnamed stream"};
  const StreamId& stream = streams_[session.in_streams[item.stream]];
  if (Status good = check_map_stream(session, stream, dataset); !good.ok()) return good;
  item.entry.version.dot.stream = stream;
  const LwwMap& map = maps_.at(*dataset);
  const bool is_rule = *dataset == rules_map();
  const std::size_t keys_max = is_rule ? limits::kRulesMax : limits::kMapKeysMax;
  if (map.entries().size() >= keys_max && map.find_entry(item.entry.key) == nullptr)
    return Error{ErrorCode::kLimit, "a map holds at most " + std::to_string(keys_max) + " keys"};
  if (is_rule && item.entry.value.size() > limits::kRuleNoteBytesMax) {
    return Error{ErrorCode::kLimit,
                 "a rule has at most " + std::to_string(limits::kRuleNoteBytesMax) + " bytes beside it"};
  }
  return check_own(stream, item.entry.version.dot.seq);
}

// --- Durable ---------------------------------------------------------------------------------------------

void Node::map_became_durable(const InFlight& batch) {
  set_pending(batch, false);
  for (const auto& [dataset, entry] : batch.entries) {
    ++(batch.from ? counters_.map_entries_received : counters_.map_entries_written);
    if (!batch.from) settle_entry(dataset, entry);
    if (dataset == rules_map()) take_rule(entry.key);
    LwwMap& map = maps_.at(dataset);
    counters_.map_conflicts -= map.conflict_count();
    const bool won = map.join(entry);
    counters_.map_conflicts += map.conflict_count();
    if (!won) continue;
    map_ranges_.at(dataset).take(*map.find_entry(entry.key));
    effects_.publish.push_back({dataset, entry.version.dot.stream, std::nullopt, {entry.key}, !batch.from});
  }
  if (batch.map_page && batch.map_rest.empty()) maps_.at(*batch.map_page).learn(batch.rewritten);
  for (const auto& known : batch.knowledge.entries()) {
    if (!maps_.contains(known.stream.dataset)) continue;
    const StreamIx ix = *streams_.find(known.stream);
    for (const auto& [peer, session] : sessions_) {
      if (session->phase != SessionPhase::kLive || !may_send(*session, ix)) continue;
      if (session->at(ix).muted) {
        tell_have(*session, ix, known.known.held());
      } else {
        enqueue(*session, ix, Age::kNew);
      }
    }
  }
}

// --- To peers --------------------------------------------------------------------------------------------

// The pages of one delta go out before the next is begun.
void Node::send_maps(Session& session, Instant now) {
  for (const auto& [id, map] : maps_) {
    SessionMap& at = session.maps[id];
    if (!session.map_delta && session.sends.contains(id) && (at.whole || !at.behind.empty()) &&
        has_room(session, now))
      start_map_delta(session, id);
    send_map_pages(session, now);
  }
}

// Of the streams that have moved, if that hides nothing; else of the whole map.
LwwMap::Delta Node::next_map_delta(Session& session, DatasetId id) {
  SessionMap& map = session.maps[id];
  std::vector<StreamId> streams;
  for (const StreamIx ix : std::exchange(map.behind, {})) {
    if (!session.at(ix).muted) streams.push_back(streams_[ix]);
  }
  std::sort(streams.begin(), streams.end());
  const LwwMap& ours = maps_.at(id);
  if (std::exchange(map.whole, false)) return ours.delta_since(map.known);
  auto delta = ours.delta_since(map.known, streams);
  return delta ? *std::move(delta) : ours.delta_since(map.known);
}

void Node::start_map_delta(Session& session, DatasetId id) {
  LwwMap::Delta delta = next_map_delta(session, id);
  SessionMap& map = session.maps[id];
  if (delta.knowledge.empty()) return;
  map.known.join(delta.knowledge);
  OutgoingMap out;
  out.dataset = id;
  out.number = ++session.map_deltas;
  if (id == rules_map()) session.rules_sent.emplace(out.number, delta.knowledge);
  out.knowledge = std::move(delta.knowledge);
  out.rewritten = std::move(delta.rewritten);
  for (MapEntry& entry : delta.entries) out.writes.push_back({std::move(entry.key), entry.version.dot});
  session.map_deltas_sent.insert(session.map_deltas);
  session.map_delta = std::move(out);
}

void Node::send_map_pages(Session& session, Instant now) {
  while (session.map_delta && has_room(session, now)) {
    const message::MapDelta page = next_map_page(session);
    Bytes frame = encode(page);
    session.credit -= static_cast<std::int64_t>(frame.size());
    send_bytes(session, std::move(frame));
    if (page.last) session.map_delta.reset();
  }
}

// Entries are looked up when their page is made: one that was superseded meanwhile travels as its winner.
message::MapDelta Node::next_map_page(Session& session) {
  OutgoingMap& out = *session.map_delta;
  const auto& known = out.knowledge.entries();
  message::MapDelta page{out.number, false, {}, {}, {}};
  std::size_t bytes = 0;
  for (; out.next_write < out.writes.size() && !full(page, bytes); ++out.next_write) {
    const auto& [key, dot] = out.writes[out.next_write];
    const MapEntry* const still = maps_.at(out.dataset).find_write(key, dot);
    const MapEntry* const found = still != nullptr ? still : maps_.at(out.dataset).find_entry(key);
    if (found == nullptr || (still == nullptr && out.told.holds(found->version.dot))) continue;
    const MapEntry& entry = *found;
    const message::StreamRef ref = refer(session, intern(entry.version.dot.stream));
    if (ref.stream) page.streams.push_back(ref);
    page.entries.push_back({ref.index, entry});
    bytes += item_bytes_max(page.entries.back());
    counters_.payload_bytes_sent += map_entry_bytes(entry);
    out.told.hold(entry.version.dot);
    session.maps[out.dataset].known.hold(entry.version.dot);
    if (out.dataset == rules_map()) session.rules_sent[out.number].hold(entry.version.dot);
  }
  if (out.next_write < out.writes.size()) return page;
  for (; out.next_known < known.size(); ++out.next_known) {
    const auto& [stream, dots] = known[out.next_known];
    if (told_by_entries(out.told, stream, dots)) continue;
    if (full(page, bytes)) return page;
    page.knowledge.push_back(
        {refer(session, intern(stream)), dots.held(), dots.head(), out.rewritten[stream]});
    bytes += item_bytes_max(page.knowledge.back());
  }
  page.last = true;
  return page;
}

}  // namespace deltamesh
