// tests/sim/ledger.cc - the model: the union of what is durable at its writers.
#include "tests/sim/ledger.h"

#include <algorithm>

#include "engine/forget_block.h"

namespace deltamesh::sim {
namespace {

// By which the write is known that made the entry: of a rule, its reason.
std::string value_of(DatasetId dataset, const MapEntry& entry) {
  if (dataset != rules_map()) return entry.value;
  const auto note = parse_rule_note(entry.value);
  return note ? note->reason : std::string();
}

}  // namespace

void Ledger::accepted(const WriteName& write, const std::vector<NamedEvent>& events) {
  Write& open = open_[write];
  for (const auto& event : events) {
    open.times.push_back(mark_of(event));
    written_.emplace(mark_of(event), event);
  }
}

// Texts of other series do not begin like this.
Ticks Ledger::mark_of(const Event& event) {
  const auto* const text = std::get_if<std::string>(&event.readings.front().value);
  return text != nullptr && text->starts_with('-') ? std::stoll(*text) : event.time;
}

Ticks Ledger::mark_of(const NamedEvent& event) {
  return event.taken ? std::stoll(std::get<std::string>(event.readings.front().value)) : event.time;
}

void Ledger::accepted(const WriteName& write, const std::string& value, const MapEntry* seen) {
  open_[write].value = value;
  if (seen != nullptr && !value.empty()) seen_.emplace(value, *seen);
}

// Whoever saw a write and made another meant the other.
void Ledger::check_wins(DatasetId dataset, const MapEntry& entry) {
  const auto seen = seen_.find(value_of(dataset, entry));
  if (seen != seen_.end() && !wins(entry, seen->second))
    world_.fail("a write loses to one that its writer had seen");
}

void Ledger::reported(const WriteName& name, const Status& status) {
  const auto it = open_.find(name);
  if (it == open_.end()) return world_.fail("a write was answered twice");
  if (status.ok()) {
    ++acknowledged_;
    if (!holds_all(it->second)) world_.fail("a write was called durable before it was");
  } else {
    refused_.push_back(it->second);
  }
  open_.erase(it);
}

void Ledger::durable(const Identity& holder, const Batch& batch) {
  for (const StoredBlock& block : batch.blocks)
    once_stored_[holder.node].at(block.stream).hold(block.interval());
  for (const auto& [stream, decl] : batch.declarations) {
    if (writes(holder, stream)) book_.named(stream, decl);
  }
  for (const auto& block : batch.blocks) {
    if (writes(holder, block.stream)) store(block);
  }
  for (const auto& [dataset, entry] : batch.entries) {
    const Dot& dot = entry.version.dot;
    if (!writes(holder, dot.stream)) continue;
    if (knowledge_.holds(dot)) world_.fail("a number of a map was issued twice");
    knowledge_.hold(dot);
    keep(dataset, entry);
    check_wins(dataset, entry);
    durable_values_.insert(value_of(dataset, entry));
    if (dataset == rules_map()) book_.written(entry.key);
  }
}

void Ledger::keep(DatasetId dataset, const MapEntry& entry) {
  auto& writes = writes_[dataset][entry.key];
  writes.insert(std::upper_bound(writes.begin(), writes.end(), entry, wins), entry);
}

Ledger::Entries Ledger::greatest(DatasetId dataset, const Knowledge& known) const {
  Entries entries;
  const auto map = writes_.find(dataset);
  if (map == writes_.end()) return entries;
  for (const auto& [key, writes] : map->second) {
    const auto greatest = std::find_if(writes.begin(), writes.end(),
                                       [&](const auto& entry) { return known.holds(entry.version.dot); });
    if (greatest != writes.end()) entries.emplace(key, *greatest);
  }
  return entries;
}

void Ledger::store(const StoredBlock& block) {
  if (is_durable(block.stream, block.interval())) world_.fail("a number of telemetry was issued twice");
  const auto events = decode_block(*block.bytes, limits::kBlock);
  if (!events.ok()) return world_.fail("a local block does not decode: " + events.error().text);
  if (events->size() != block.events)
    world_.fail("a local block holds another number of events than it says");
  knowledge_.at(block.stream).hold(block.interval());
  events_.insert({block.stream, block.first}, *events);
  for (const auto& event : *events) {
    if (!is_mark(event)) durable_times_.insert(mark_of(event));
  }
}

bool Ledger::is_durable(const StreamId& stream, Interval dots) const {
  const StreamKnowledge* const known = knowledge_.find(stream);
  return known != nullptr && known->held().contains(dots);
}

const NamedEvent* Ledger::written(Ticks mark) const {
  const auto it = written_.find(mark);
  return it == written_.end() ? nullptr : &it->second;
}

// Or was, before a rule took it.
bool Ledger::is_held(Ticks time) const {
  return durable_times_.contains(time) || book_.may_be_gone(written_.at(time));
}

ForgetRules Ledger::rules_left() const {
  ForgetRules rules;
  for (const auto& [key, entry] : greatest(rules_map(), knowledge_)) {
    if (const auto rule = parse_rule_key(key)) rules.add(*rule);
  }
  return rules;
}

EventSet Ledger::events_left(const ForgetRules& rules) const {
  EventSet left;
  for (const auto& [dot, event] : events_.events()) {
    const Event rest = book_.left_of(dot.stream, event, rules);
    left.insert(dot, {&rest, 1});
  }
  return left;
}

bool Ledger::may_be_gone(const Dot& dot) const {
  const auto event = events_.events().find(dot);
  return event == events_.events().end() ||
         book_.left_of(dot.stream, event->second, book_.rules()).readings.empty();
}

bool Ledger::holds_all(const Write& write) const {
  const auto held = [this](Ticks time) { return is_held(time); };
  return std::all_of(write.times.begin(), write.times.end(), held) &&
         (write.value.empty() || durable_values_.contains(write.value));
}

bool Ledger::holds_some(const Write& write) const {
  const auto held = [this](Ticks time) { return durable_times_.contains(time); };
  return std::any_of(write.times.begin(), write.times.end(), held) ||
         (!write.value.empty() && durable_values_.contains(write.value));
}

std::vector<DatasetId> Ledger::maps() const {
  std::vector<DatasetId> all;
  for (const auto& [dataset, writes] : writes_) all.push_back(dataset);
  return all;
}

IntervalSet Ledger::once_stored(const NodeId& node, const StreamId& stream) const {
  const auto at = once_stored_.find(node);
  const StreamKnowledge* const known = at == once_stored_.end() ? nullptr : at->second.find(stream);
  return known == nullptr ? IntervalSet() : known->held();
}

void Ledger::may_be_lost(const Knowledge& held, const Knowledge& left) {
  for (const auto& [stream, known] : held.entries()) {
    const StreamKnowledge* const still = left.find(stream);
    at_risk_.at(stream).hold(still == nullptr ? known.held() : known.held().minus(still->held()));
    const Seq head = still == nullptr ? 0 : still->head();
    if (known.head() > head) forgotten_.at(stream).hold({head + 1, known.head()});
  }
}

IntervalSet Ledger::forgotten(const StreamId& stream) const {
  const StreamKnowledge* const known = forgotten_.find(stream);
  return known == nullptr ? IntervalSet() : known->held();
}

void Ledger::forget_lost(const std::vector<Knowledge>& stores) {
  Knowledge left;
  for (const auto& [stream, known] : knowledge_.entries()) {
    const StreamKnowledge* const risk = at_risk_.find(stream);
    IntervalSet lost = risk == nullptr ? IntervalSet() : known.held().intersect(risk->held());
    for (const Knowledge& store : stores) {
      if (const auto* const held = store.find(stream)) lost = lost.minus(held->held());
    }
    left.at(stream).hold(known.held().minus(lost));
  }
  EventSet events;
  for (const auto& [dot, event] : events_.events()) {
    if (left.holds(dot)) events.insert(dot, {&event, 1});
  }
  events_ = std::move(events);
  knowledge_ = std::move(left);
}

void Ledger::check_writes() {
  for (const auto& write : refused_) {
    if (holds_some(write)) world_.fail("a write was called failed and is stored");
  }
  for (const auto& [name, write] : open_) {
    if (holds_some(write) && !holds_all(write)) world_.fail("half of a write is stored");
  }
}

}  // namespace deltamesh::sim
