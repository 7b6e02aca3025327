// tools/settings.h - what a settings file (node.toml) says, checked as a whole.
//
// All mistakes are collected, each as one line for people: "node.toml:12: sync.keepalive: "10 parsecs" is not
// a duration (examples: 500ms, 10s, 2min)". The reference of all settings is docs/operations.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/config.h"
#include "ingest/mqtt_source.h"
#include "ingest/rule.h"
#include "tools/log.h"
#include "transport/endpoint.h"

namespace deltamesh {

struct ApiSettings {
  std::string host;
  std::uint16_t port = 0;
};

struct BrokerSettings {
  MqttSettings mqtt;
  std::vector<CompiledRule> rules;
};

struct Settings {
  std::string store;  // Relative to the working directory.
  std::uint64_t cache_bytes = 8u << 20;
  std::uint64_t size_max = 0;  // Of database and log together; 0: any.
  NodeConfig node;
  std::vector<Endpoint> listen;
  std::vector<Endpoint> peers;
  bool insecure = false;
  std::optional<ApiSettings> api;
  std::vector<BrokerSettings> brokers;
  Log::Level log_level = Log::Level::kInfo;
};

struct LoadedSettings {
  Settings settings;                // Of use only without errors.
  std::vector<std::string> errors;  // In the order of their lines.
};

// Pure. `file` names the text in errors; `folder` is what a relative store path is relative to.
LoadedSettings parse_settings(std::string_view text, const std::string& file, const std::string& folder);
// Reads the file at `path`; one that cannot be read is one error.
LoadedSettings load_settings(const std::string& path);

// What is risky but allowed, to be told at every start.
std::vector<std::string> warnings(const Settings& settings);
// For --check-config: what the node would be and do, a line each.
std::string summary(const Settings& settings);

}  // namespace deltamesh
