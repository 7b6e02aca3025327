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

// Takes the settings of a rule one by one into a rule that is good without them, so that what ingest says of
// it has the key that brought it, and all mistakes are told.
class RuleReader {
 public:
  explicit RuleReader(SettingsSection& section) : section_(section) {
    good_.topic = good_.series = good_.dataset = "x";
  }

  template <class T, class... Choices>
  void take(const char* key, T IngestRule::*setting, const Choices&... choices) {
    IngestRule rule = good_;
    if (section_.get(key, rule.*setting, choices...)) try_out(key, std::move(rule));
  }
  // Whether it is there and good.
  bool take_text(const char* key, std::string IngestRule::*setting) {
    IngestRule rule = good_;
    return section_.get_text(key, rule.*setting) && try_out(key, std::move(rule));
  }
  // Uses what the other settings name; without one, ingest derives a template from the topic. So these must
  // be good.
  void take_series(bool others_good) {
    IngestRule rule = good_;
    rule.series.clear();
    section_.get_text("series", rule.series);
    if (others_good && all_good_) try_out("series", std::move(rule));
  }

  [[nodiscard]] const IngestRule& rule() const { return good_; }

 private:
  bool try_out(const char* key, IngestRule rule) {
    const auto compiled = CompiledRule::compile(rule);
    if (compiled) return good_ = std::move(rule), true;
    section_.note(key, compiled.error().text);
    return all_good_ = false;
  }

  SettingsSection& section_;
  IngestRule good_;
  bool all_good_ = true;
};

std::optional<CompiledRule> read_rule(SettingsSection& section, const std::vector<DatasetConfig>& datasets) {
  RuleReader reader(section);
  section.note_missing("topic");
  const bool topic = reader.take_text("topic", &IngestRule::topic);
  reader.take("qos", &IngestRule::qos);
  reader.take("payload", &IngestRule::payload, kPayloads);
  reader.take("select", &IngestRule::select);
  reader.take_text("device", &IngestRule::device);
  reader.take_text("timestamp", &IngestRule::timestamp);
  reader.take("timestamp_unit", &IngestRule::timestamp_unit, kTimeUnits);
  reader.take("units", &IngestRule::unit);
  reader.take("scale", &IngestRule::scale);
  reader.take("integers", &IngestRule::integers);
  reader.take("strings", &IngestRule::strings);
  reader.take("on_off", &IngestRule::on_off);
  reader.take_series(topic);
  IngestRule rule = reader.rule();
  read_dataset(section, datasets, rule);
  section.finish();
  auto compiled = CompiledRule::compile(std::move(rule));
  return compiled ? std::optional(*std::move(compiled)) : std::nullopt;
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
