// tools/init.cc - the sections of a settings file, and who gets which.
#include "tools/init.h"

#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace deltamesh {
namespace {

Error last_error(const std::string& what) {
  return {ErrorCode::kIo, what + ": " + std::generic_category().message(errno)};
}

// A basic string of TOML.
std::string quoted(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') out += '\\';
    if (byte < 0x20 || byte == 0x7f) {
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string quoted(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) out += (out.empty() ? "" : ", ") + quoted(text);
  return "[" + out + "]";
}

InitOptions defaults_of(Role role) {
  switch (role) {
    case Role::kGateway:
      return {role,
              {},
              "gateway.db",
              {"tcp://127.0.0.1:7401", "ws://127.0.0.1:7481/sync"},
              {"ws://127.0.0.1:7480/sync"},
              "127.0.0.1:8081",
              "mqtt://127.0.0.1:1883",
              {}};
    case Role::kDevice:
      return {role, {}, "device.db", {"tcp://127.0.0.1:7402"}, {"tcp://127.0.0.1:7401"}, "127.0.0.1:8082",
              {},   {}};
    case Role::kCloud:
      return {
          role, {}, "cloud.db", {"tcp://127.0.0.1:7400", "ws://127.0.0.1:7480/sync"}, {}, "127.0.0.1:8080",
          {},   {}};
  }
  return {};
}

InitOptions with_defaults(InitOptions options) {
  const InitOptions standard = defaults_of(options.role);
  if (options.store.empty()) options.store = standard.store;
  if (options.listen.empty()) options.listen = standard.listen;
  if (options.peers.empty()) options.peers = standard.peers;
  if (options.api.empty()) options.api = standard.api;
  if (options.broker.empty()) options.broker = standard.broker;
  return options;
}

const char* opening(Role role) {
  switch (role) {
    case Role::kGateway:
      return "# Settings of a gateway: takes readings from an MQTT broker, passes them on to the cloud.\n";
    case Role::kDevice:
      return "# Settings of a device node: holds what its gateway holds, and writes its own.\n";
    case Role::kCloud: return "# Settings of a cloud node: awaits gateways.\n";
  }
  return "";
}

std::string node_section(const InitOptions& options) {
  const char* const interval = options.role == Role::kCloud ? "5ms" : "20ms";
  return std::string(opening(options.role)) +
         "# Every setting is explained in docs/operations.md; check with: sync-node --config FILE "
         "--check-config\n"
         "\n[node]\n"
         "# The data: one SQLite file, with -wal, -shm, .fence and .lock beside it. Relative to this file.\n"
         "store = " +
         quoted(options.store) +
         "\n"
         "# Only nodes of one fleet sync. All nodes need the same 32 digits.\n"
         "fleet = " +
         quoted(hex(options.fleet.bytes)) +
         "\n"
         "# Local writes wait this long for company, then go to disk in one commit. On an SD card: 1s to "
         "5s.\n"
         "commit_interval = " +
         quoted(interval) + "\n";
}

constexpr const char* kDatasets =
    "\n# Names, kinds and resolutions must be the same on all nodes; scope is each node's own business.\n"
    "# Readings: a set that only grows.\n"
    "[[dataset]]\n"
    "name = \"telemetry\"\n"
    "kind = \"telemetry\"\n"
    "resolution = \"ms\"\n"
    "\n# Settings and states: a map in which the latest write of a key wins.\n"
    "[[dataset]]\n"
    "name = \"settings\"\n"
    "kind = \"map\"\n";

std::string sync_section(const InitOptions& options) {
  return "\n[sync]\n"
         "# Where peers are awaited. Links are not encrypted yet: another address than loopback needs "
         "insecure = true.\n"
         "listen = " +
         quoted(options.listen) +
         "\n"
         "# Who is dialled, for ever: tcp://host:port or ws://host:port/sync. One side of a pair is enough.\n"
         "peers = " +
         quoted(options.peers) +
         "\n"
         "insecure = false\n"
         "# A link that is silent for three of these is given up and dialled again.\n"
         "keepalive = \"10s\"\n";
}

std::string api_section(const InitOptions& options) {
  return "\n# HTTP for people and programs on this machine: /healthz, maps, samples (docs/api.md). Loopback "
         "only.\n"
         "[api]\n"
         "listen = " +
         quoted(options.api) + "\n";
}

std::string mqtt_section(const InitOptions& options) {
  return "\n# mosquitto drops messages beyond 1,000 a client unless its max_queued_messages is 0.\n"
         "[[mqtt]]\n"
         "broker = " +
         quoted(options.broker) +
         "\n"
         "# One a node and broker: under it the broker keeps what arrives while this node is away.\n"
         "client_id = " +
         quoted(options.client_id) +
         "\n"
         "\n# Each message is a JSON object, each of its numbers and booleans a series: "
         "greenhouse-3/temperature.\n"
         "[[mqtt.rule]]\n"
         "topic = \"plant/{device}/SENSOR\"\n"
         "qos = 1\n"
         "dataset = \"telemetry\"\n"
         "payload = \"json\"\n"
         "series = \"{device}/{path}\"\n"
         "# The field with the time of the reading. Without this setting: the time of arrival.\n"
         "# timestamp = \"ts\"\n"
         "# timestamp_unit = \"ms\"\n"
         "# units = { temperature = \"Cel\" }\n"
         "# scale = { temperature = 0.1 }\n";
}

constexpr const char* kLog = "\n[log]\nlevel = \"info\"\n";

Status write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(descriptor, text.data(), text.size());
    if (written < 0) return last_error("write");
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return Done{};
}

}  // namespace

std::string settings_text(const InitOptions& given) {
  const InitOptions options = with_defaults(given);
  return node_section(options) + kDatasets + sync_section(options) + api_section(options) +
         (options.role == Role::kGateway ? mqtt_section(options) : "") + kLog;
}

Result<FleetId> random_fleet() {
  FleetId fleet;
  const auto got = ::getrandom(fleet.bytes.data(), fleet.bytes.size(), 0);
  if (got != static_cast<ssize_t>(fleet.bytes.size())) return last_error("no random bytes");
  return fleet;
}

Result<std::string> random_client_id() {
  const auto random = random_fleet();
  if (!random) return random.error();
  return "deltamesh-gateway-" + hex(random->bytes).substr(0, 12);
}

Status write_new_file(const std::string& path, std::string_view text) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor < 0 && errno == EEXIST)
    return Error{ErrorCode::kInvalid, path + " is there already; it is not overwritten"};
  if (descriptor < 0) return last_error(path);
  Status written = write_all(descriptor, text);
  if (::close(descriptor) != 0 && written.ok()) written = last_error("close");
  if (!written) return Error{ErrorCode::kIo, path + ": " + written.error().text};
  return Done{};
}

}  // namespace deltamesh
