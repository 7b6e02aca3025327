// crdt/lww_map.cc - the order of writes, joins, and deltas relative to what a receiver has seen.
#include "crdt/lww_map.h"

#include <algorithm>
#include <tuple>

#include "crdt/map_conflict.h"

namespace deltamesh {

LwwMap::Delta LwwMap::apply(MapEntry entry) {
  knowledge_.hold(entry.version.dot);
  join(entry);
  Delta delta;
  delta.knowledge.hold(entry.version.dot);
  delta.entries.push_back(std::move(entry));
  return delta;
}

LwwMap::Taken LwwMap::take(const MapEntry& entry) {
  note_unheld(entry.version.dot);
  const auto found = entries_.find(entry.key);
  if (found != entries_.end()) return take_beside(found->second, entry);
  entries_.emplace(entry.key, entry);
  by_dot_.emplace(entry.version.dot, entry.key);
  return {true, true};
}

LwwMap::Taken LwwMap::take_beside(MapEntry& latest, const MapEntry& entry) {
  const auto found = conflicts_.find(entry.key);
  std::vector<MapEntry> conflicts;
  if (found != conflicts_.end()) conflicts.swap(found->second);
  conflict_count_ -= conflicts.size();
  const JoinedWrite joined = join_write(latest, conflicts, entry, conflicts_max_);
  conflict_count_ += conflicts.size();
  if (found != conflicts_.end()) {
    conflicts.empty() ? static_cast<void>(conflicts_.erase(found)) : found->second.swap(conflicts);
  } else if (!conflicts.empty()) {
    conflicts_.emplace(entry.key, std::move(conflicts));
  }
  for (const MapEntry& dropped : joined.dropped) {
    supersede(dropped.version.dot, entry.version.dot, entry.key);
    by_dot_.erase({dropped.version.dot, entry.key});
  }
  if (joined.kept) by_dot_.emplace(entry.version.dot, entry.key);
  if (!joined.kept && find_write(entry.key, entry.version.dot) == nullptr)
    supersede(entry.version.dot, latest.version.dot, entry.key);
  return {joined.kept, joined.won};
}

bool LwwMap::join(const Delta& delta) {
  bool changed = false;
  for (const MapEntry& entry : delta.entries) changed |= take(entry).kept;
  changed |= learn(delta.knowledge);
  learn(delta.rewritten);
  return changed;
}

bool LwwMap::join(const LwwMap& other) {
  bool changed = false;
  for (const auto& [key, entry] : other.entries_) changed |= take(entry).kept;
  for (const auto& [key, conflicts] : other.conflicts_) {
    for (const MapEntry& entry : conflicts) changed |= take(entry).kept;
  }
  changed |= learn(other.knowledge_);
  return changed;
}

LwwMap::Delta LwwMap::delta_since(const Knowledge& receiver) const {
  Delta delta{{}, knowledge_.beyond(receiver), {}};
  for (const auto& [stream, known] : delta.knowledge.entries()) {
    IntervalSet rewritten = rewritten_of(stream, known.held());
    if (!rewritten.empty()) delta.rewritten.emplace(stream, std::move(rewritten));
  }
  const StreamKnowledge nothing;
  const StreamKnowledge* known = &nothing;
  const StreamId* stream = nullptr;
  for (auto at = by_dot_.begin(); at != by_dot_.end();) {
    const Dot& dot = at->first;
    if (stream == nullptr || !(*stream == dot.stream)) {
      stream = &dot.stream;
      known = receiver.find(*stream);
      if (known == nullptr) known = &nothing;
    }
    if (const auto seen = known->held().run_at(dot.seq)) {
      at = by_dot_.upper_bound(Dot{dot.stream, seen->last});
    } else {
      delta.entries.push_back(*find_write(at->second, dot));
      ++at;
    }
  }
  return delta;
}

void LwwMap::learn(const Rewritten& rewritten) {
  for (const auto& [stream, dots] : rewritten) join(rewritten_, stream, dots, superseded_max_);
}

void LwwMap::join(Rewritten& all, const StreamId& stream, const IntervalSet& dots, std::size_t runs_max) {
  IntervalSet& joined = all[stream];
  joined.join(dots);
  const auto& runs = joined.intervals();
  if (runs.size() <= runs_max) return;
  IntervalSet latest;
  for (std::size_t i = runs.size() - runs_max / 2; i < runs.size(); ++i) latest.add(runs[i]);
  joined = std::move(latest);
}

void LwwMap::note_unheld(const Dot& dot) {
  if (!knowledge_.holds(dot)) unheld_[dot.stream].add({dot.seq, dot.seq});
}

bool LwwMap::learn(const Knowledge& knowledge) {
  bool changed = false;
  for (const Knowledge::Entry& entry : knowledge.entries()) changed |= learn(entry);
  return changed;
}

bool LwwMap::learn(const Knowledge::Entry& entry) {
  StreamKnowledge& known = knowledge_.at(entry.stream);
  const bool changed = known.join(entry.known);
  const auto unheld = unheld_.find(entry.stream);
  if (unheld == unheld_.end()) return changed;
  unheld->second = unheld->second.minus(known.held());
  if (unheld->second.empty()) unheld_.erase(unheld);
  return changed;
}

// None while a write of the stream is here and not held: it may be the one that superseded some of them, and
// nobody would be told of it.
IntervalSet LwwMap::rewritten_of(const StreamId& stream, const IntervalSet& dots) const {
  const auto found = rewritten_.find(stream);
  if (found == rewritten_.end() || unheld_.contains(stream)) return {};
  return dots.intersect(found->second);
}

void LwwMap::supersede(const Dot& dot, const Dot& winner, const std::string& key) {
  if (winner == dot) return;
  if (winner.stream == dot.stream && winner.seq > dot.seq && knowledge_.holds(winner))
    return join(rewritten_, dot.stream, IntervalSet(Interval{dot.seq, dot.seq}), superseded_max_);
  if (!superseded_.try_emplace(dot, key).second) return;
  superseded_order_.push_back(dot);
  if (superseded_order_.size() <= superseded_max_) return;
  superseded_.erase(superseded_order_.front());
  superseded_order_.pop_front();
}

std::optional<LwwMap::Delta> LwwMap::delta_since(const Knowledge& receiver,
                                                 const std::vector<StreamId>& streams) const {
  Part part;
  for (const StreamId& stream : streams) {
    if (!add_stream(part, stream, receiver)) return std::nullopt;
  }
  Delta delta{{}, std::move(part.knowledge), std::move(part.rewritten)};
  for (const MapEntry* const entry : part.entries) delta.entries.push_back(*entry);
  // As they were written: a receiver that has the first of them knows few runs of dots.
  const auto by_dot = [](const MapEntry& a, const MapEntry& b) {
    return std::tie(a.version.dot, a.key) < std::tie(b.version.dot, b.key);
  };
  std::sort(delta.entries.begin(), delta.entries.end(), by_dot);
  return delta;
}

bool LwwMap::add_stream(Part& part, const StreamId& stream, const Knowledge& receiver) const {
  const StreamKnowledge nothing;
  const StreamKnowledge* const ours = knowledge_.find(stream);
  const StreamKnowledge* const theirs = receiver.find(stream);
  const StreamKnowledge& known = ours == nullptr ? nothing : *ours;
  const StreamKnowledge& there = theirs == nullptr ? nothing : *theirs;
  StreamKnowledge news = known.beyond(there);
  IntervalSet superseded = news.held();
  for (auto at = by_dot_.lower_bound(Dot{stream, 1}); at != by_dot_.end() && at->first.stream == stream;) {
    if (const auto seen = there.held().run_at(at->first.seq)) {
      at = by_dot_.upper_bound(Dot{stream, seen->last});
      continue;
    }
    part.entries.insert(find_write(at->second, at->first));
    superseded.remove({at->first.seq, at->first.seq});
    ++at;
  }
  IntervalSet rewritten = rewritten_of(stream, superseded);
  superseded = superseded.minus(rewritten);
  if (superseded.size() > superseded_max_) return false;
  for (const Interval run : superseded.intervals()) {
    for (Seq seq = run.first; seq <= run.last; ++seq) {
      if (!add_winner(part, {stream, seq}, receiver)) return false;
    }
  }
  if (!news.empty()) part.knowledge.at(stream).join(news);
  if (!rewritten.empty()) part.rewritten.emplace(stream, std::move(rewritten));
  return true;
}

bool LwwMap::add_winner(Part& part, const Dot& superseded, const Knowledge& receiver) const {
  const auto key = superseded_.find(superseded);
  if (key == superseded_.end()) return false;
  // None: it was a tombstone and was collected, which whoever we say anything to has met.
  const MapEntry* const winner = find_entry(key->second);
  if (winner == nullptr || receiver.holds(winner->version.dot)) return true;
  part.entries.insert(winner);
  part.knowledge.hold(winner->version.dot);
  return true;
}

const MapEntry* LwwMap::find(std::string_view key) const {
  const MapEntry* entry = find_entry(key);
  return entry != nullptr && !entry->tombstone ? entry : nullptr;
}

const MapEntry* LwwMap::find_entry(std::string_view key) const {
  const auto found = entries_.find(key);
  return found != entries_.end() ? &found->second : nullptr;
}

std::vector<const MapEntry*> LwwMap::writes(std::string_view key) const {
  const MapEntry* const latest = find_entry(key);
  if (latest == nullptr) return {};
  std::vector<const MapEntry*> all{latest};
  if (const auto found = conflicts_.find(key); found != conflicts_.end()) {
    for (const MapEntry& entry : found->second) all.push_back(&entry);
  }
  return all;
}

const MapEntry* LwwMap::find_write(std::string_view key, const Dot& dot) const {
  const MapEntry* const latest = find_entry(key);
  if (latest == nullptr || latest->version.dot == dot) return latest;
  const auto found = conflicts_.find(key);
  if (found == conflicts_.end()) return nullptr;
  const auto is = [&dot](const MapEntry& entry) { return entry.version.dot == dot; };
  const auto at = std::find_if(found->second.begin(), found->second.end(), is);
  return at == found->second.end() ? nullptr : &*at;
}

std::uint32_t LwwMap::epoch_for(std::string_view key, HlcStamp stamp) const {
  const MapEntry* const latest = find_entry(key);
  return latest == nullptr ? 0 : epoch_over(latest->version, stamp);
}

}  // namespace deltamesh
