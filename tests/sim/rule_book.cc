// tests/sim/rule_book.cc - values out of events, by names.
#include "tests/sim/rule_book.h"

#include <algorithm>

#include "engine/boots.h"
#include "engine/forget_block.h"

namespace deltamesh::sim {

void RuleBook::written(std::string_view key) {
  const auto rule = parse_rule_key(key);
  if (!rule || !rules_.add(*rule)) return;
  by_name_[rule->series].add(rule->from, rule->to);
}

Event RuleBook::left_of(const StreamId& stream, Event event, const ForgetRules& rules) const {
  if (is_mark(event)) return {};
  std::erase_if(event.readings, [&](const Reading& reading) {
    if (reading.series == kBootSeries) return false;
    const SeriesRules* const found = rules.find(stream.dataset, name_of(stream, reading.series));
    return found != nullptr && found->removes(event);
  });
  return event.readings.empty() ? Event() : event;
}

bool RuleBook::may_be_gone(const NamedEvent& event) const {
  return std::all_of(event.readings.begin(), event.readings.end(), [&](const NamedReading& reading) {
    const auto found = by_name_.find(reading.series);
    return found != by_name_.end() && (event.taken || found->second.contains(event.time));
  });
}

std::string_view RuleBook::name_of(const StreamId& stream, SeriesNo number) const {
  const auto names = names_.find(stream);
  if (names == names_.end()) return {};
  const auto name = names->second.find(number);
  return name == names->second.end() ? std::string_view() : std::string_view(name->second);
}

}  // namespace deltamesh::sim
