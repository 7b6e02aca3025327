// tools/settings_mqtt.cc - brokers and rules; what a rule means is judged by ingest/rule.h.
#include "tools/settings_mqtt.h"

#include <algorithm>
#include <limits>

#include "ingest/broker_uri.h"
#include "tools/time_units.h"

namespace deltamesh {
namespace {

constexpr std::pair<const char*, bool> kProtocols[] = {{"3.1.1", false}, {"5", true}};
constexpr std::pair<const char*, PayloadKind> kPayloads[] = {{"json", PayloadKind::kJson},
                                                             {"plain", PayloadKind::kPlain}};

// The dataset takes readings, and says how fine its times are.
void read_dataset(SettingsSection& section, const std::vector<DatasetConfig>& datasets, IngestRule& rule) {
  if (!section.get("dataset", rule.dataset)) return section.note_missing("dataset");
  const auto named = [&](const DatasetConfig& dataset) { return dataset.name == rule.dataset; };
  const auto found = std::find_if(datasets.begin(), datasets.end(), named);
  if (found == datasets.end())
    return section.note("dataset", "no [[dataset]] is named \"" + rule.dataset + "\"");
  if (found->kind != DatasetKind::kTelemetry)
    return section.note("dataset", "\"" + rule.dataset + "\" is a map; readings need kind = \"telemetry\"");
  rule.resolution = found->resolution;
}

std::optional<CompiledRule> read_rule(SettingsSection& section, const std::vector<DatasetConfig>& datasets) {
  IngestRule rule;
  section.note_missing("topic");
  section.get_text("topic", rule.topic);
  section.get("qos", rule.qos);
  read_dataset(section, datasets, rule);
  section.get("payload", rule.payload, kPayloads);
  section.get_text("series", rule.series);
  section.get("select", rule.select);
  section.get_text("device", rule.device);
  section.get_text("timestamp", rule.timestamp);
  section.get("timestamp_unit", rule.timestamp_unit, kTimeUnits);
  section.get("units", rule.unit);
  section.get("scale", rule.scale);
  section.get("integers", rule.integers);
  section.get("strings", rule.strings);
  section.get("on_off", rule.on_off);
  section.finish();
  if (rule.topic.empty() || rule.dataset.empty()) return std::nullopt;  // Noted above.
  std::string at_fault;
  auto compiled = CompiledRule::compile(std::move(rule), &at_fault);
  if (!compiled) return section.note(at_fault, compiled.error().text), std::nullopt;
  return *std::move(compiled);
}

void read_address(SettingsSection& section, MqttSettings& mqtt) {
  if (!section.get("broker", mqtt.uri)) return section.note_missing("broker");
  if (const auto address = broker_address(mqtt.uri); !address) section.note("broker", address.error().text);
}

void read_session(SettingsSection& section, MqttSettings& mqtt) {
  bool clean = !mqtt.persistent;
  section.get("clean_session", clean);
  mqtt.persistent = !clean;
  section.get("client_id", mqtt.client_id);
  if (mqtt.persistent && mqtt.client_id.empty())
    section.note("client_id", "is missing; without one, set clean_session = true");
}

void read_seconds(SettingsSection& section, const std::string& key, std::chrono::seconds least,
                  std::chrono::seconds most, std::chrono::seconds& target) {
  std::chrono::microseconds duration = target;
  if (!section.get(key, duration)) return;
  target = std::chrono::duration_cast<std::chrono::seconds>(duration);
  if (target == duration && target >= least && target <= most) return;
  section.note(
      key, "must be whole seconds, " + std::to_string(least.count()) + " to " + std::to_string(most.count()));
}

}  // namespace

BrokerSettings read_broker(SettingsSection& section, const std::vector<DatasetConfig>& datasets) {
  using std::chrono::seconds;
  BrokerSettings broker;
  read_address(section, broker.mqtt);
  read_session(section, broker.mqtt);
  section.get("username", broker.mqtt.username);
  section.get("password", broker.mqtt.password);
  section.get("protocol", broker.mqtt.mqtt5, kProtocols);
  section.get("strict", broker.mqtt.strict);
  read_seconds(section, "keepalive", seconds(1), seconds(65'535), broker.mqtt.keepalive);
  read_seconds(section, "session_expiry", seconds(0), seconds(std::numeric_limits<std::int32_t>::max()),
               broker.mqtt.session_expiry);
  auto rules = section.tables("rule");
  if (rules.empty()) section.note_missing("rule", "a broker needs at least one [[mqtt.rule]]");
  if (rules.size() > limits::kIngestRulesMax)
    section.note("rule", "more than " + std::to_string(limits::kIngestRulesMax) + " rules");
  for (SettingsSection& each : rules) {
    if (auto rule = read_rule(each, datasets)) broker.rules.push_back(*std::move(rule));
  }
  section.finish();
  return broker;
}

}  // namespace deltamesh
