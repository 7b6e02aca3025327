// engine/forget.h - rules for wrong data: what they are, how they are written down, and what they hide.
//
// A rule names a series of a dataset and a range of times; the values in it are hidden from answers at once
// and removed wherever they are stored. Rules are keys of the map `$rules`, which every node has: the key
// holds the whole rule and the value who wrote it and why, so they travel as any entry of a map. A rule is
// there once its key has been written at all, tombstone or not: nothing un-forgets.
// docs/formats/rule.md, docs/decisions/0012-rules-for-wrong-data.md.
#pragma once

#include <chrono>
#include <compare>
#include <cstddef>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "crdt/dot.h"
#include "crdt/fingerprint.h"
#include "crdt/result.h"
#include "crdt/sample.h"

namespace deltamesh {

// The map of rules. No setting names it and no put or remove reaches it; it flows both ways, for ever.
inline constexpr std::string_view kRulesMap = "$rules";
[[nodiscard]] inline DatasetId rules_map() {
  return dataset_id(kRulesMap);
}

// From here on, and up to here: all times.
inline constexpr Ticks kTimeOpenFrom = std::numeric_limits<Ticks>::min();
inline constexpr Ticks kTimeOpenTo = std::numeric_limits<Ticks>::max();

struct ForgetRule {
  std::string dataset;         // Its name; of telemetry.
  std::string series;          // As events have it, exactly.
  Ticks from = kTimeOpenFrom;  // UTC, in the dataset's resolution; both ends belong to it.
  Ticks to = kTimeOpenTo;
  friend auto operator<=>(const ForgetRule&, const ForgetRule&) = default;
};
// Names that may be, and a range that is not empty. Whether there is such a dataset, a node knows.
Status check_rule(const ForgetRule& rule);

// "SERIES DATASET FROM TO" with `*` for an open end. Canonical: what decodes encodes to the same bytes.
std::string rule_key(const ForgetRule& rule);
// None if the bytes are no key of a rule.
std::optional<ForgetRule> parse_rule_key(std::string_view key);
// All keys of rules about `series`, and some others, begin with this.
std::string rule_prefix(std::string_view series);

// What stands beside a rule, for people.
struct RuleNote {
  NodeId author;                         // The node at which it was written.
  std::chrono::milliseconds written{0};  // Since 1970; 0: the node did not know the time.
  std::string reason;                    // At most limits::kRuleReasonBytesMax bytes, no control characters.
  friend bool operator==(const RuleNote&, const RuleNote&) = default;
};
std::string encode(const RuleNote& note);
// None if the bytes are no such value, as that of a tombstone; the rule is there all the same.
std::optional<RuleNote> parse_rule_note(std::string_view value);

// Ranges of time: ascending, disjoint.
class TimeRanges {
 public:
  // Both ends belong to it; from <= to.
  void add(Ticks from, Ticks to);
  [[nodiscard]] bool contains(Ticks time) const;
  [[nodiscard]] bool intersects(Ticks from, Ticks to) const;
  [[nodiscard]] bool empty() const { return ranges_.empty(); }
  // The first and the last time; not of an empty one.
  [[nodiscard]] Ticks first() const { return ranges_.begin()->first; }
  [[nodiscard]] Ticks last() const { return ranges_.rbegin()->second; }

 private:
  std::map<Ticks, Ticks> ranges_;  // First to last.
};

// What the rules say of one series.
struct SeriesRules {
  TimeRanges times;
  bool whole = false;  // One of them is open at both ends.

  // Whether a sample is hidden from answers: one with a place in UTC (boot 0) by its time as known now; one
  // that has none by a rule that is open at both ends.
  [[nodiscard]] bool hides(std::uint32_t boot, Ticks time) const {
    return boot == 0 ? times.contains(time) : whole;
  }
  // Whether a value of an event is removed where it is stored, and stands in no sum. Of events counted from a
  // boot the place may change as more becomes known, and nodes would differ: no range removes these.
  [[nodiscard]] bool removes(const Event& event) const { return hides(event.boot, event.time); }
};

// A set of rules: grows only, and is a function of the keys that were added, whatever their order.
class ForgetRules {
 public:
  // False if it was there.
  bool add(const ForgetRule& rule);
  void join(const ForgetRules& other);

  // Null if no rule is about it. Stays valid while the set lives; later rules change what it points to.
  [[nodiscard]] const SeriesRules* find(DatasetId dataset, std::string_view series) const;

  [[nodiscard]] bool empty() const { return keys_.empty(); }
  [[nodiscard]] std::size_t size() const { return keys_.size(); }
  // Equal for equal sets: 16 bytes, or none of the empty one.
  [[nodiscard]] Bytes digest() const;
  friend bool operator==(const ForgetRules& a, const ForgetRules& b) { return a.keys_ == b.keys_; }

 private:
  struct BySeries {
    using is_transparent = void;
    template <class A, class B>
    bool operator()(const A& a, const B& b) const {
      if (a.first != b.first) return a.first < b.first;
      return std::string_view(a.second) < std::string_view(b.second);
    }
  };
  std::set<std::string, std::less<>> keys_;
  std::map<std::pair<DatasetId, std::string>, SeriesRules, BySeries> series_;
  Fingerprint sum_;
};

}  // namespace deltamesh
