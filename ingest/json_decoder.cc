// ingest/json_decoder.cc - leaves of a payload to device, time and readings.
#include "ingest/json_decoder.h"

#include <algorithm>
#include <optional>

#include "ingest/json_leaves.h"
#include "ingest/limits.h"

namespace deltamesh {
namespace {

// The one leaf at `path`; null if there is none, a refusal if there are several.
Judged<const JsonLeaf*> find_leaf(const std::vector<JsonLeaf>& leaves, const std::string& path) {
  const JsonLeaf* found = nullptr;
  for (const JsonLeaf& leaf : leaves) {
    if (leaf.path != path) continue;
    if (found) return Refused{Refusal::kDuplicate, "\"" + path + "\" stands twice"};
    found = &leaf;
  }
  return found;
}

// Adds {device}, replacing the topic's.
std::optional<Refused> take_device(const std::string& path, const std::vector<JsonLeaf>& leaves,
                                   TopicParts& parts) {
  auto judged = find_leaf(leaves, path);
  if (auto* refused = std::get_if<Refused>(&judged)) return *std::move(refused);
  const JsonLeaf* leaf = std::get<const JsonLeaf*>(judged);
  if (!leaf || leaf->text.empty()) return Refused{Refusal::kNoDevice, "no device at \"" + path + "\""};
  std::erase_if(parts, [](const auto& part) { return part.first == "device"; });
  parts.emplace_back("device", leaf->text);
  return std::nullopt;
}

Judged<Ticks> find_time(const CompiledRule& rule, const std::vector<JsonLeaf>& leaves) {
  auto judged = find_leaf(leaves, rule.timestamp());
  if (auto* refused = std::get_if<Refused>(&judged)) return *std::move(refused);
  const JsonLeaf* leaf = std::get<const JsonLeaf*>(judged);
  if (!leaf || leaf->kind == JsonLeaf::Kind::kBool) {
    return Refused{Refusal::kNoTimestamp, "no time stamp at \"" + rule.timestamp() + "\""};
  }
  return parse_timestamp(leaf->text, rule.rule().timestamp_unit, rule.rule().resolution);
}

Judged<Value> to_value(const JsonLeaf& leaf, const LeafRule& rule) {
  if (leaf.kind == JsonLeaf::Kind::kBool) return Value(leaf.text == "true");
  if (leaf.kind == JsonLeaf::Kind::kString) {
    if (leaf.text.size() <= limits::kStringBytesMax) return Value(leaf.text);
    return Refused{Refusal::kTooLarge, "the string at \"" + leaf.path + "\" is too long"};
  }
  const Refused bad{Refusal::kBadNumber,
                    "\"" + leaf.path + "\": " + leaf.text.substr(0, 64) + " does not fit"};
  if (rule.integer) {
    const auto number = rule.scale.to_integer(leaf.text);
    return number ? Judged<Value>(Value(*number)) : bad;
  }
  const auto number = rule.scale.to_double(leaf.text);
  return number ? Judged<Value>(Value(*number)) : bad;
}

// The leaf as a reading; nullopt if the rule does not want it.
Judged<std::optional<NamedReading>> to_reading(const CompiledRule& rule, const JsonLeaf& leaf,
                                               TopicParts& parts) {
  const bool unwanted = leaf.kind == JsonLeaf::Kind::kString && !rule.rule().strings;
  const auto path = rule.selected(leaf.path);
  if (unwanted || !path || leaf.path == rule.device() || leaf.path == rule.timestamp()) return std::nullopt;
  parts.back().second = *path;
  const LeafRule& settings = rule.leaf(leaf.path);
  NamedReading reading{rule.series().fill(parts), settings.unit, {}};
  if (!valid_series_name(reading.series)) {
    return Refused{Refusal::kNameInvalid, "\"" + leaf.path.substr(0, 64) + "\" makes no valid series name"};
  }
  auto value = to_value(leaf, settings);
  if (auto* refused = std::get_if<Refused>(&value)) return *std::move(refused);
  reading.value = std::move(std::get<Value>(value));
  return std::optional(std::move(reading));
}

std::optional<Refused> find_duplicate(const std::vector<NamedReading>& readings) {
  std::vector<std::string_view> names;
  names.reserve(readings.size());
  for (const NamedReading& reading : readings) names.push_back(reading.series);
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice == names.end()) return std::nullopt;
  return Refused{Refusal::kDuplicate, "two values for series \"" + std::string(*twice) + "\""};
}

Judged<std::vector<NamedReading>> to_readings(const CompiledRule& rule, const std::vector<JsonLeaf>& leaves,
                                              TopicParts parts) {
  parts.emplace_back("path", "");  // to_reading() fills in the last part.
  std::vector<NamedReading> readings;
  for (const JsonLeaf& leaf : leaves) {
    auto judged = to_reading(rule, leaf, parts);
    if (auto* refused = std::get_if<Refused>(&judged)) return *std::move(refused);
    auto& reading = std::get<std::optional<NamedReading>>(judged);
    if (reading) readings.push_back(*std::move(reading));
  }
  if (readings.empty()) return Refused{Refusal::kNoValues, "nothing in the payload is selected"};
  if (auto duplicate = find_duplicate(readings)) return *std::move(duplicate);
  return readings;
}

}  // namespace

Judged<NamedEvent> decode_json(const CompiledRule& rule, TopicParts parts, const Message& message) {
  auto parsed = json_leaves(message.payload);
  if (auto* refused = std::get_if<Refused>(&parsed)) return *std::move(refused);
  const auto& leaves = std::get<std::vector<JsonLeaf>>(parsed);
  if (!rule.device().empty()) {
    if (auto refused = take_device(rule.device(), leaves, parts)) return *std::move(refused);
  }
  NamedEvent event;
  if (rule.timestamp().empty()) {
    event.taken = message.arrival;
  } else {
    auto time = find_time(rule, leaves);
    if (auto* refused = std::get_if<Refused>(&time)) return *std::move(refused);
    event.time = std::get<Ticks>(time);
  }
  auto readings = to_readings(rule, leaves, std::move(parts));
  if (auto* refused = std::get_if<Refused>(&readings)) return *std::move(refused);
  event.readings = std::move(std::get<std::vector<NamedReading>>(readings));
  return event;
}

}  // namespace deltamesh
