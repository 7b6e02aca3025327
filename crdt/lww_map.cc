// crdt/lww_map.cc - the order of writes, joins, and deltas relative to what a receiver has seen.
#include "crdt/lww_map.h"

#include <algorithm>
#include <limits>
#include <tuple>

namespace deltamesh {
namespace {

auto rank(const MapVersion& v) {
  return std::tie(v.epoch, v.stamp, v.dot.stream.node, v.dot.stream.incarnation, v.dot.seq,
                  v.dot.stream.dataset, v.dot.stream.cls);
}

auto rank(const MapEntry& e) {
  return std::tie(e.version, e.tombstone, e.value);
}

}  // namespace

std::strong_ordering operator<=>(const MapVersion& a, const MapVersion& b) {
  return rank(a) <=> rank(b);
}

bool wins(const MapEntry& candidate, const MapEntry& incumbent) {
  return rank(candidate) > rank(incumbent);
}

LwwMap::Delta LwwMap::apply(MapEntry entry) {
  knowledge_.hold(entry.version.dot);
  join(entry);
  Delta delta;
  delta.knowledge.hold(entry.version.dot);
  delta.entries.push_back(std::move(entry));
  return delta;
}

bool LwwMap::join(const MapEntry& entry) {
  note_unheld(entry.version.dot);
  const auto found = entries_.find(entry.key);
  if (found == entries_.end()) {
    entries_.emplace(entry.key, entry);
  } else {
    if (!wins(entry, found->second)) {
      supersede(entry.version.dot, found->second.version.dot, entry.key);
      return false;
    }
    supersede(found->second.version.dot, entry.version.dot, entry.key);
    by_dot_.erase({found->second.version.dot, entry.key});
    found->second = entry;
  }
  by_dot_.emplace(entry.version.dot, entry.key);
  return true;
}

bool LwwMap::join(const Delta& delta) {
  bool changed = false;
  for (const MapEntry& entry : delta.entries) changed |= join(entry);
  changed |= learn(delta.knowledge);
  learn(delta.rewritten);
  return changed;
}

bool LwwMap::join(const LwwMap& other) {
  bool changed = false;
  for (const auto& [key, entry] : other.entries_) changed |= join(entry);
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
      delta.entries.push_back(entries_.find(at->second)->second);
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
    part.entries.insert(find_entry(at->second));
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
  const MapEntry& winner = *find_entry(key->second);
  if (receiver.holds(winner.version.dot)) return true;
  part.entries.insert(&winner);
  part.knowledge.hold(winner.version.dot);
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

std::uint32_t LwwMap::epoch_for(std::string_view key, HlcStamp stamp) const {
  const MapEntry* incumbent = find_entry(key);
  if (incumbent == nullptr) return 0;
  const std::uint32_t epoch = incumbent->version.epoch;
  const bool is_last = epoch == std::numeric_limits<std::uint32_t>::max();
  return stamp > incumbent->version.stamp || is_last ? epoch : epoch + 1;
}

}  // namespace deltamesh
