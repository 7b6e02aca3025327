// tests/sim/ledger.h - what an observer who sees every disk knows of a run: the model to compare nodes with.
//
// It takes down what writers handed in and what they were told, and what became durable at its writer. The
// expected state of every node is the set of the latter, by crdt/event_set.h and crdt/lww_map.h. Each event
// of a run has a time of its own and each put a value of its own, so that contents can be traced back. Events
// that bring no time have a text of their own, and a mark below 0 in place of a time. A writer may have
// removed values by rules for wrong data before an event was durable: it is compared with what is left.
#pragma once

#include <map>
#include <set>
#include <tuple>
#include <vector>

#include "crdt/event_set.h"
#include "crdt/lww_map.h"
#include "tests/sim/observer.h"
#include "tests/sim/rule_book.h"
#include "tests/sim/world.h"

namespace deltamesh::sim {

// The series of events that bring no time of their own.
inline constexpr const char* kUntimed = "untimed";

class Ledger final : public Observer {
 public:
  explicit Ledger(World& world) : world_(world) {}

  // A fresh time, and a fresh value of a map.
  Ticks next_time() { return kFirstTime + 250 * static_cast<Ticks>(++last_event_); }
  // A reading of an event without a time.
  NamedReading next_untimed() { return {kUntimed, "", std::to_string(-(++last_untimed_))}; }
  std::string next_value() { return "value " + std::to_string(++last_value_); }
  [[nodiscard]] Ticks last_time() const { return kFirstTime + 250 * static_cast<Ticks>(last_event_); }

  void accepted(const WriteName& write, const std::vector<NamedEvent>& events) override;
  void accepted(const WriteName& write, const std::string& value, const MapEntry* seen) override;
  void reported(const WriteName& write, const Status& status) override;
  void durable(const Identity& holder, const Batch& batch) override;

  [[nodiscard]] bool is_durable(const StreamId& stream, Interval dots) const;
  [[nodiscard]] const EventSet& events() const { return events_; }
  [[nodiscard]] bool is_map(DatasetId dataset) const { return writes_.contains(dataset); }
  [[nodiscard]] std::vector<DatasetId> maps() const;
  // The rules for wrong data that were ever written; those that are left in the end; what the latter leave of
  // all events; and whether some rule may have taken all of an event.
  [[nodiscard]] const RuleBook& book() const { return book_; }
  [[nodiscard]] ForgetRules rules_left() const;
  [[nodiscard]] EventSet events_left(const ForgetRules& rules) const;
  [[nodiscard]] bool may_be_gone(const Dot& dot) const;
  // All numbers that are durable at their writers.
  [[nodiscard]] const Knowledge& knowledge() const { return knowledge_; }
  // Events that this node has stored at some time, whether it has them still or not.
  [[nodiscard]] IntervalSet once_stored(const NodeId& node, const StreamId& stream) const;
  // What a map must hold at a node that knows these writes and no others: of each key, the greatest.
  using Entries = std::map<std::string, MapEntry, std::less<>>;
  [[nodiscard]] Entries greatest(DatasetId dataset, const Knowledge& known) const;
  // The time by which an event is known, or its mark.
  static Ticks mark_of(const Event& event);
  static Ticks mark_of(const NamedEvent& event);
  // What the writer handed in under this mark; null if nobody did.
  [[nodiscard]] const NamedEvent* written(Ticks mark) const;
  [[nodiscard]] std::size_t acknowledged() const { return acknowledged_; }

  // A store forgets what it held and `left` does not.
  void may_be_lost(const Knowledge& held, const Knowledge& left);
  // What is gone from the model: such numbers that none of `stores` holds in the end.
  void forget_lost(const std::vector<Knowledge>& stores);
  // Numbers that a store had given or called void and has forgotten: where others have heard of them and
  // nobody holds them, they stay missing, since nobody may call them void any more.
  [[nodiscard]] IntervalSet forgotten(const StreamId& stream) const;

  // Promises about single writes, once the run is over.
  void check_writes();

 private:
  static constexpr Ticks kFirstTime = 1'700'000'000'000;
  struct Write {
    std::vector<Ticks> times;
    std::string value;  // Of a put.
  };

  void store(const StoredBlock& block);
  void check_wins(DatasetId dataset, const MapEntry& entry);
  void keep(DatasetId dataset, const MapEntry& entry);
  [[nodiscard]] bool is_held(Ticks time) const;
  [[nodiscard]] bool holds_all(const Write& write) const;
  [[nodiscard]] bool holds_some(const Write& write) const;

  World& world_;
  Ticks last_untimed_ = 0;
  std::uint64_t last_event_ = 0;
  std::uint64_t last_value_ = 0;
  std::size_t acknowledged_ = 0;
  std::map<Ticks, NamedEvent> written_;
  std::map<WriteName, Write> open_;
  std::map<std::string, MapEntry> seen_;  // By the value that was put on it.
  std::vector<Write> refused_;
  EventSet events_;
  RuleBook book_;
  std::set<Ticks> durable_times_;
  std::set<std::string> durable_values_;
  // Every write to a key, the greatest first.
  std::map<DatasetId, std::map<std::string, std::vector<MapEntry>>> writes_;
  Knowledge knowledge_;
  std::map<NodeId, Knowledge> once_stored_;
  Knowledge at_risk_, forgotten_;
};

}  // namespace deltamesh::sim
