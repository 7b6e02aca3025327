// engine/forget_block.cc - values out of events, events to marks.
#include "engine/forget_block.h"

#include <algorithm>

#include "engine/boots.h"
#include "engine/limits.h"

namespace deltamesh {
namespace {

bool by_number(const std::pair<SeriesNo, const SeriesRules*>& one, SeriesNo number) {
  return one.first < number;
}

bool is_empty(const Value& value) {
  switch (type_of(value)) {
    case ValueType::kBool: return !std::get<bool>(value);
    case ValueType::kInt: return std::get<std::int64_t>(value) == 0;
    case ValueType::kDouble: return same_value(value, 0.0);
    case ValueType::kString: return std::get<std::string>(value).empty();
    case ValueType::kBytes: return std::get<Bytes>(value).empty();
  }
  return false;
}

// In a block a series has one type; a stranger may have given this one any.
Value empty_value(const std::vector<Event>& events) {
  for (const Event& event : events) {
    if (event.readings.empty() || event.readings.front().series != kBootSeries) continue;
    switch (type_of(event.readings.front().value)) {
      case ValueType::kBool: return false;
      case ValueType::kInt: return std::int64_t{0};
      case ValueType::kDouble: return 0.0;
      case ValueType::kString: return std::string();
      case ValueType::kBytes: return Bytes();
    }
  }
  return Bytes();
}

// A mark says nothing of when: it has the time of an event beside it, so that many take little room.
void make_marks(std::vector<Event>& events) {
  const Value empty = empty_value(events);
  const auto stays = [](const Event& event) { return event.boot == 0 && !event.readings.empty(); };
  const auto first = std::find_if(events.begin(), events.end(), stays);
  Ticks time = first == events.end() ? 0 : first->time;
  for (Event& event : events) {
    if (stays(event)) time = event.time;
    if (event.readings.empty()) event = Event{time, 0, Quality::kGood, std::nullopt, {{kBootSeries, empty}}};
  }
}

}  // namespace

bool StreamRules::add(SeriesNo number, const SeriesRules& rules) {
  const auto at = std::lower_bound(rules_.begin(), rules_.end(), number, by_number);
  if (at != rules_.end() && at->first == number) return false;
  rules_.insert(at, {number, &rules});
  return true;
}

bool StreamRules::removes(SeriesNo number, const Event& event) const {
  const SeriesRules* const rules = find(number);
  return rules != nullptr && rules->removes(event);
}

const SeriesRules* StreamRules::find(SeriesNo number) const {
  const auto at = std::lower_bound(rules_.begin(), rules_.end(), number, by_number);
  return at != rules_.end() && at->first == number ? at->second : nullptr;
}

bool StreamRules::may_touch(const StoredBlock& block, const std::vector<SeriesNo>& series) const {
  return std::any_of(series.begin(), series.end(), [&](SeriesNo number) {
    const SeriesRules* const rules = find(number);
    if (rules == nullptr) return false;
    const bool utc = block.has_utc && rules->times.intersects(block.time_min, block.time_max);
    return utc || (block.boots && rules->whole);
  });
}

std::pair<Ticks, Ticks> StreamRules::span() const {
  std::pair<Ticks, Ticks> span{kTimeOpenTo, kTimeOpenFrom};
  for (const auto& [number, rules] : rules_) {
    span.first = std::min(span.first, rules->times.first());
    span.second = std::max(span.second, rules->times.last());
  }
  return span;
}

bool is_mark(const Event& event) {
  return event.readings.size() == 1 && event.readings.front().series == kBootSeries &&
         is_empty(event.readings.front().value);
}

std::optional<ForgottenBlock> without_forgotten(const StoredBlock& block, const StreamRules& rules) {
  if (rules.empty() || block.codec != kBlockCodec) return std::nullopt;
  const auto found = peek_block(*block.bytes, limits::kBlock);
  if (!found.ok() || !rules.may_touch(block, found->series)) return std::nullopt;
  auto events = decode_block(*block.bytes, limits::kBlock);
  if (!events.ok()) return std::nullopt;
  std::uint64_t values = 0;
  for (Event& event : *events) {
    values += std::erase_if(event.readings,
                            [&](const Reading& reading) { return rules.removes(reading.series, event); });
  }
  if (values == 0) return std::nullopt;
  make_marks(*events);
  auto bytes = encode_block(*events, limits::kBlock);
  if (!bytes.ok()) return std::nullopt;
  const auto summary = peek_block(*bytes, limits::kBlock);
  if (!summary.ok()) return std::nullopt;
  return ForgottenBlock{stored_block(block.stream, block.first, *summary, *std::move(bytes)), values};
}

}  // namespace deltamesh
