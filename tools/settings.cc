// tools/settings.cc - what each key means, and the rules that keys keep together.
#include "tools/settings.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "engine/sqlite/sqlite_options.h"
#include "engine/validate.h"
#include "ingest/broker_uri.h"
#include "tools/settings_mqtt.h"
#include "tools/settings_section.h"
#include "tools/units.h"
#include "transport/machine_clock.h"

namespace deltamesh {
namespace {

constexpr std::pair<const char*, DatasetKind> kKinds[] = {{"telemetry", DatasetKind::kTelemetry},
                                                          {"map", DatasetKind::kMap}};
constexpr std::pair<const char*, Resolution> kResolutions[] = {
    {"ms", Resolution::kMilliseconds}, {"us", Resolution::kMicroseconds}, {"ns", Resolution::kNanoseconds}};
constexpr std::pair<const char*, StreamClass> kClasses[] = {
    {"metric", StreamClass::kMetric}, {"alarm", StreamClass::kAlarm}, {"log", StreamClass::kLog}};
constexpr std::pair<const char*, Scope> kScopes[] = {
    {"both", Scope::kBoth}, {"push", Scope::kPush}, {"pull", Scope::kPull}, {"neither", Scope::kNeither}};
constexpr std::pair<const char*, Log::Level> kLevels[] = {
    {"info", Log::Level::kInfo}, {"warning", Log::Level::kWarning}, {"error", Log::Level::kError}};

constexpr std::pair<const char*, ClockTrust> kClocks[] = {
    {"auto", ClockTrust::kAuto}, {"trusted", ClockTrust::kTrusted}, {"untrusted", ClockTrust::kUntrusted}};

template <class Enum, std::size_t kSize>
const char* word_for(Enum value, const std::pair<const char*, Enum> (&words)[kSize]) {
  for (const auto& [word, each] : words) {
    if (each == value) return word;
  }
  return "?";
}

void read_fleet(SettingsSection& section, FleetId& fleet) {
  std::string text;
  if (!section.get("fleet", text)) return section.note_missing("fleet");
  const auto bytes = parse_hex128(text);
  if (!bytes) return section.note("fleet", "\"" + text.substr(0, 64) + "\" is not 32 hexadecimal digits");
  fleet.bytes = *bytes;
}

void read_store(SettingsSection& section, const std::string& folder, std::string& store) {
  if (!section.get_text("store", store)) return section.note_missing("store");
  store = (std::filesystem::path(folder) / store).string();
}

void read_cache(SettingsSection& section, std::uint64_t& bytes) {
  if (!section.get_bytes("cache", bytes)) return;
  constexpr std::uint64_t kLeast = 64u << 10, kMost = 1u << 30;
  if (bytes < kLeast || bytes > kMost) section.note("cache", "must be 64KiB to 1GiB");
}

// What comes in at a time is bounded with it, so that it has room.
void read_size(SettingsSection& section, Settings& settings) {
  if (!section.get_bytes("max_size", settings.size_max)) return;
  if (settings.size_max < kStoreSizeMin) return section.note("max_size", "must be at least 16MiB");
  SqliteOptions options;
  settings.node.store_bytes_max = bound_size(options, settings.size_max);
  const std::uint64_t share = settings.size_max / 32;
  settings.node.receive_bytes_max = std::min<std::uint64_t>(settings.node.receive_bytes_max, share);
  settings.node.pending_write_bytes_max =
      std::min<std::uint64_t>(settings.node.pending_write_bytes_max, share);
  settings.node.credit_bytes =
      static_cast<std::uint32_t>(std::min<std::uint64_t>(settings.node.credit_bytes, share));
}

void read_commit_interval(SettingsSection& section, std::chrono::microseconds& interval) {
  if (section.get("commit_interval", interval) && interval > limits::kCommitIntervalMax)
    section.note("commit_interval", "must be at most " + to_text(limits::kCommitIntervalMax));
}

void read_node(SettingsSection& file, const std::string& folder, Settings& settings) {
  auto section = file.table("node");
  if (!section) return file.note_missing("node", "the section [node] is missing");
  read_store(*section, folder, settings.store);
  read_cache(*section, settings.cache_bytes);
  read_size(*section, settings);
  read_fleet(*section, settings.node.fleet);
  read_commit_interval(*section, settings.node.commit_interval);
  section->get("clock", settings.node.clock, kClocks);
  settings.node.clock_floor = built_at();
  settings.node.boot = machine_boot();
  section->finish();
}

TierConfig read_tier(SettingsSection& section) {
  TierConfig tier;
  if (!section.get_text("name", tier.name)) section.note_missing("name");
  std::vector<std::string> nodes;
  if (!section.get("nodes", nodes)) section.note_missing("nodes");
  for (const std::string& text : nodes) {
    const auto bytes = parse_hex128(text);
    if (!bytes) section.note("nodes", "\"" + text.substr(0, 64) + "\" is not 32 hexadecimal digits");
    if (bytes) tier.nodes.push_back(NodeId{*bytes});
  }
  int copies = 1;
  if (section.get("copies", copies) && (copies < 1 || static_cast<std::size_t>(copies) > nodes.size()))
    section.note("copies", "must be 1 to the number of nodes");
  tier.copies = static_cast<std::uint32_t>(std::max(copies, 1));
  section.finish();
  return tier;
}

void read_tiers(SettingsSection& file, NodeConfig& node) {
  for (SettingsSection& section : file.tables("tier")) node.tiers.push_back(read_tier(section));
}

void read_retention(SettingsSection& section, const std::vector<TierConfig>& tiers, DatasetConfig& dataset) {
  std::chrono::microseconds keep_for{0};
  const bool has_age = section.get("keep_for", keep_for);
  const bool has_bytes = section.get_bytes("keep_bytes", dataset.keep_bytes);
  const bool has_tier = section.get_text("keep_until", dataset.keep_until);
  dataset.keep_for = std::chrono::duration_cast<std::chrono::seconds>(keep_for);
  if ((has_age || has_bytes || has_tier) && dataset.kind == DatasetKind::kMap)
    return section.note("name", "a map is kept whole: keep_for, keep_bytes and keep_until are for telemetry");
  const auto is_named = [&](const TierConfig& tier) { return tier.name == dataset.keep_until; };
  if (!dataset.keep_until.empty() && std::none_of(tiers.begin(), tiers.end(), is_named))
    section.note("keep_until", "no [[tier]] is called " + dataset.keep_until);
  if (keep_for.count() != 0 && keep_for < limits::kKeepForMin)
    section.note("keep_for", "must be at least " + to_text(limits::kKeepForMin));
  if (dataset.keep_bytes != 0 && dataset.keep_bytes < limits::kKeepBytesMin)
    section.note("keep_bytes", "must be at least 64KiB");
}

void read_tombstones(SettingsSection& section, DatasetConfig& dataset) {
  std::chrono::microseconds horizon{0};
  if (!section.get("tombstones", horizon)) return;
  dataset.tombstones = std::chrono::duration_cast<std::chrono::milliseconds>(horizon);
  if (const Status good = check_tombstones(dataset); !good) section.note("tombstones", good.error().text);
}

DatasetConfig read_dataset(SettingsSection& section, const std::vector<TierConfig>& tiers) {
  DatasetConfig dataset;
  if (!section.get_text("name", dataset.name)) section.note_missing("name");
  if (!section.get("kind", dataset.kind, kKinds))
    section.note_missing("kind", "is missing (telemetry or map)");
  const bool resolution = section.get("resolution", dataset.resolution, kResolutions);
  if (resolution && dataset.kind == DatasetKind::kMap) section.note("resolution", "a map has none");
  section.get("class", dataset.cls, kClasses);
  section.get("scope", dataset.scope, kScopes);
  read_retention(section, tiers, dataset);
  read_tombstones(section, dataset);
  section.finish();
  return dataset;
}

// A dataset is checked together with those before it, so that an error has the line of the later one.
void read_datasets(SettingsSection& file, NodeConfig& node) {
  std::vector<DatasetConfig>& datasets = node.datasets;
  auto sections = file.tables("dataset");
  if (sections.empty()) file.note_missing("dataset", "at least one [[dataset]] is needed");
  for (SettingsSection& section : sections) {
    datasets.push_back(read_dataset(section, node.tiers));
    if (datasets.back().name.empty()) continue;
    if (const auto good = check_datasets(datasets); !good)
      section.note("name", good.error().text), datasets.pop_back();
  }
}

template <class Parse>
void read_endpoints(SettingsSection& section, const std::string& key, Parse parse,
                    std::vector<Endpoint>& target) {
  std::vector<std::string> texts;
  section.get(key, texts);
  for (const std::string& text : texts) {
    if (auto endpoint = parse(text)) {
      target.push_back(*std::move(endpoint));
    } else {
      section.note(key, endpoint.error().text);
    }
  }
}

// Of each peer, a piece of one stream: a few hundred bytes and some tens of milliseconds a minute.
constexpr std::chrono::minutes kScrubInterval{1};

void read_sync(SettingsSection& file, Settings& settings) {
  settings.node.scrub_interval = kScrubInterval;
  auto section = file.table("sync");
  if (!section) return;
  section->get("insecure", settings.insecure);
  read_endpoints(*section, "listen", parse_listen, settings.listen);
  read_endpoints(*section, "peers", parse_peer, settings.peers);
  for (const Endpoint& listen : settings.listen) {
    if (const auto good = check_exposure(listen, settings.insecure); !good)
      section->note("listen", good.error().text);
  }
  if (section->get("keepalive", settings.node.keepalive) && settings.node.keepalive < limits::kKeepaliveMin)
    section->note("keepalive", "must be at least " + to_text(limits::kKeepaliveMin));
  if (section->get("scrub", settings.node.scrub_interval) && settings.node.scrub_interval.count() != 0 &&
      settings.node.scrub_interval < limits::kScrubIntervalMin)
    section->note("scrub", "must be 0s or at least " + to_text(limits::kScrubIntervalMin));
  std::uint64_t& bandwidth = settings.node.link_bytes_per_second;
  if (section->get_bytes("bandwidth", bandwidth) && bandwidth != 0 &&
      bandwidth < limits::kLinkBytesPerSecondMin)
    section->note("bandwidth", "must be 0B or at least " + std::to_string(limits::kLinkBytesPerSecondMin) +
                                   "B, for a second");
  section->finish();
}

void read_api(SettingsSection& file, std::optional<ApiSettings>& api) {
  auto section = file.table("api");
  if (!section) return;
  std::string text;
  if (!section->get_text("listen", text)) section->note_missing("listen");
  section->finish();
  if (text.empty()) return;
  const auto endpoint = parse_listen("tcp://" + text);
  if (!endpoint) {
    section->note("listen",
                  "\"" + text.substr(0, 64) + "\" is not an IP address and a port (example: 127.0.0.1:8080)");
  } else if (!is_loopback(endpoint->host)) {
    section->note("listen",
                  "\"" + text + "\" is not loopback: the API has neither encryption nor accounts yet");
  } else {
    api = ApiSettings{endpoint->host, endpoint->port};
  }
}

void read_log(SettingsSection& file, Log::Level& level) {
  auto section = file.table("log");
  if (!section) return;
  section->get("level", level, kLevels);
  section->finish();
}

// A broker ends a connection when another one comes under its name, so that two would take turns for ever.
void note_shared_client(SettingsSection& section, const std::vector<BrokerSettings>& brokers) {
  const MqttSettings& last = brokers.back().mqtt;
  const auto address = broker_address(last.uri);
  if (!address || last.client_id.empty()) return;
  const auto same = [&](const BrokerSettings& other) {
    const auto its = broker_address(other.mqtt.uri);
    return other.mqtt.client_id == last.client_id && its && *its == *address;
  };
  if (std::any_of(brokers.begin(), brokers.end() - 1, same))
    section.note("client_id", "\"" + last.client_id + "\" is another connection to this broker already");
}

Settings read(SettingsSection& file, const std::string& folder) {
  Settings settings;
  read_node(file, folder, settings);
  read_tiers(file, settings.node);
  read_datasets(file, settings.node);
  read_sync(file, settings);
  read_api(file, settings.api);
  for (SettingsSection& section : file.tables("mqtt")) {
    settings.brokers.push_back(read_broker(section, settings.node.datasets));
    note_shared_client(section, settings.brokers);
  }
  read_log(file, settings.log_level);
  file.finish();
  return settings;
}

std::string describe(const DatasetConfig& dataset) {
  std::string text = "dataset " + dataset.name + ": " + word_for(dataset.kind, kKinds);
  if (dataset.kind == DatasetKind::kTelemetry)
    text += std::string(", ") + word_for(dataset.resolution, kResolutions);
  text += std::string(", class ") + word_for(dataset.cls, kClasses) + ", scope " +
          word_for(dataset.scope, kScopes);
  if (dataset.keep_for.count() > 0) text += ", kept for " + to_text(dataset.keep_for);
  if (dataset.keep_bytes > 0) text += ", at most " + std::to_string(dataset.keep_bytes) + " bytes";
  if (!dataset.keep_until.empty()) text += ", kept until " + dataset.keep_until + " has it";
  if (dataset.tombstones.count() > 0) text += ", tombstones for " + to_text(dataset.tombstones);
  return text + "\n";
}

}  // namespace

LoadedSettings parse_settings(std::string_view text, const std::string& file, const std::string& folder) {
  SettingsErrors errors(file);
  auto parsed = parse_toml(text);
  if (const auto* wrong = std::get_if<SettingsSyntaxError>(&parsed)) {
    errors.add(wrong->line, {}, wrong->text);
    return {{}, errors.take()};
  }
  SettingsSection all(std::get<SettingsTable>(parsed), {}, 1, errors);
  Settings settings = read(all, folder);
  auto told = errors.take();
  if (!told.empty()) return {{}, std::move(told)};
  // What the node itself asks of its settings; each is checked above, where its line is known.
  if (const auto good = check(settings.node); !good) told.push_back(file + ": node: " + good.error().text);
  return {std::move(settings), std::move(told)};
}

LoadedSettings load_settings(const std::string& path) {
  std::error_code error;
  std::ifstream in;
  if (!std::filesystem::is_directory(path, error)) in.open(path, std::ios::binary);
  if (!in.is_open()) return {{}, {path + ": cannot be read"}};
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  return parse_settings(text, path, std::filesystem::path(path).parent_path().string());
}

std::vector<std::string> warnings(const Settings& settings) {
  std::vector<std::string> all;
  for (const Endpoint& listen : settings.listen) {
    if (is_loopback(listen.host)) continue;
    all.push_back("listening at " + to_string(listen) +
                  " (insecure = true): whoever reaches it can read and write all datasets, unencrypted");
  }
  return all;
}

std::string summary(const Settings& settings) {
  std::string text = "store " + settings.store;
  if (settings.size_max > 0) text += ", at most " + std::to_string(settings.size_max) + " bytes";
  text += "\nfleet " + hex(settings.node.fleet.bytes) + "\n";
  for (const DatasetConfig& dataset : settings.node.datasets) text += describe(dataset);
  for (const Endpoint& listen : settings.listen) text += "listens at " + to_string(listen) + "\n";
  for (const Endpoint& peer : settings.peers) text += "dials " + to_string(peer) + "\n";
  if (settings.api) text += "api at http://" + host_and_port(settings.api->host, settings.api->port) + "\n";
  for (const BrokerSettings& broker : settings.brokers)
    text += "mqtt from " + broker.mqtt.uri + ", " + std::to_string(broker.rules.size()) + " rules\n";
  return text;
}

}  // namespace deltamesh
