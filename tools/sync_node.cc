// tools/sync_node.cc - main() of sync-node: runs a node, writes its first settings, imports recorded
// readings, gives a node another's name, tells that one is gone for good, or that readings are wrong.
#include <signal.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <iostream>
#include <optional>

#include "api/http_client.h"
#include "engine/sqlite/fence.h"
#include "tools/forget.h"
#include "tools/import.h"
#include "tools/init.h"
#include "tools/node_runtime.h"
#include "tools/progress.h"
#include "tools/stop_signals.h"
#include "tools/time_units.h"

namespace {

using namespace deltamesh;

// Exit statuses.
constexpr int kGood = 0;
constexpr int kPartly = 1;  // Some rows of an import were refused.
constexpr int kFailed = 2;

int fail(const std::string& text) {
  std::cerr << "sync-node: " << text << '\n';
  return kFailed;
}

// ---- the node ----

// The settings, or nothing once their errors are told.
std::optional<Settings> settings_at(const std::string& path) {
  auto [settings, errors] = load_settings(path);
  for (const std::string& error : errors) std::cerr << error << '\n';
  return errors.empty() ? std::optional(std::move(settings)) : std::nullopt;
}

int check_config(const Settings& settings) {
  for (const std::string& warning : warnings(settings)) std::cerr << "warning: " << warning << '\n';
  std::cout << "ok\n" << summary(settings);
  return kGood;
}

using Clock = std::chrono::steady_clock;

// Between two openings of a store that fails, or that a peer calls an old copy. Longer: a healed disk stays
// unused. Shorter: a dead one, or a peer that lies, keeps the node from its work.
constexpr std::chrono::seconds kReopenWait{10};

// One life of the node, not ending by itself before `not_before`: until a signal, or until its store must be
// opened anew, which leaves that in doubt. Nothing: it did not start.
std::optional<std::string> live(const Settings& settings, Log& log, Sources& sources, StopSignals& signals,
                                Clock::time_point not_before, bool& in_doubt) {
  const auto failed = [&log](const Error& error) {
    log.error("store", error.text);
    StopSignals::request();
  };
  const auto node = NodeRuntime::start(settings, log, sources, failed, in_doubt);
  if (!node) return log.error("node", node.error().text), std::nullopt;
  log.info("node", "running");
  std::string why = signals.wait();
  in_doubt = in_doubt || why == StopSignals::kRequest;
  while (why == StopSignals::kRequest && Clock::now() < not_before)
    why = signals.wait_until(not_before).value_or(why);
  log.info("node", why + ": stopping");
  why == StopSignals::kRequest ? (*node)->close() : (*node)->stop();
  log.info("node", "stopped");
  return why;
}

// A store that failed is opened again within the process: if the fault is gone, nobody need come.
int run_node(const Settings& settings) {
  Log log(settings.log_level);
  StopSignals signals;
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);  // A limit of file size is an error of the disk like others.
  Sources sources(log);
  bool in_doubt = false;
  auto ended = live(settings, log, sources, signals, Clock::now(), in_doubt);
  if (!ended) return kFailed;
  while (!ended || *ended == StopSignals::kRequest) {
    signals.forget_requests();
    const auto not_before = Clock::now() + kReopenWait;
    log.warning("node", "opening the store again");
    ended = live(settings, log, sources, signals, not_before, in_doubt);
    if (!ended) ended = signals.wait_until(not_before);
  }
  return kGood;
}

// ---- init ----

struct InitArguments {
  InitOptions options;
  std::string fleet;
  std::string out;
};

const std::map<std::string, Role> kRoles{
    {"gateway", Role::kGateway}, {"device", Role::kDevice}, {"cloud", Role::kCloud}};

void declare_init(CLI::App& init, InitArguments& arguments) {
  InitOptions& options = arguments.options;
  init.add_option("--role", options.role, "gateway, device or cloud")
      ->required()
      ->transform(CLI::CheckedTransformer(kRoles));
  init.add_option("--fleet", arguments.fleet, "32 hexadecimal digits; a new fleet without");
  init.add_option("--store", options.store, "The store's path, relative to the settings file");
  init.add_option("--listen", options.listen, "tcp://ip:port or ws://ip:port/sync; may be repeated");
  init.add_option("--peer", options.peers, "tcp://host:port or ws://host:port/sync; may be repeated");
  init.add_option("--api", options.api, "ip:port of the HTTP API, on loopback");
  init.add_option("--broker", options.broker, "Of a gateway, such as mqtt://127.0.0.1:1883");
  init.add_option("--out", arguments.out, "A file that is not there yet; the standard output without");
}

Result<FleetId> fleet_of(const InitArguments& arguments) {
  if (arguments.fleet.empty()) return random_fleet();
  const auto bytes = parse_hex128(arguments.fleet);
  if (!bytes)
    return Error{ErrorCode::kInvalid, "--fleet: \"" + arguments.fleet + "\" is not 32 hexadecimal digits"};
  return FleetId{*bytes};
}

// What was given on the command line must make a file that the node takes.
int run_init(InitArguments& arguments) {
  const auto fleet = fleet_of(arguments);
  if (!fleet) return fail(fleet.error().text);
  arguments.options.fleet = *fleet;
  auto client_id = random_client_id();
  if (!client_id) return fail(client_id.error().text);
  arguments.options.client_id = *std::move(client_id);
  const std::string text = settings_text(arguments.options);
  const auto parsed = parse_settings(text, arguments.out.empty() ? "init" : arguments.out, {});
  for (const std::string& error : parsed.errors) std::cerr << error << '\n';
  if (!parsed.errors.empty()) return kFailed;
  if (arguments.out.empty()) return std::cout << text, kGood;
  const auto written = write_new_file(arguments.out, text);
  return written ? kGood : fail(written.error().text);
}

// ---- import ----

struct ImportArguments {
  ImportSettings import;
  std::string config;
  std::string zone = "UTC";
};

const std::map<std::string, RowFormat> kFormats{
    {"csv-wide", RowFormat::kCsvWide}, {"csv-long", RowFormat::kCsvLong}, {"ndjson", RowFormat::kNdjson}};
const std::map<std::string, TimeUnit> kTimes(std::begin(kTimeUnits), std::end(kTimeUnits));

void declare_import(CLI::App& app, ImportArguments& arguments) {
  ImportSettings& import = arguments.import;
  app.add_option("files", import.files, "Recorded readings; several are merged by time")->required();
  app.add_option("--config", arguments.config, "The node's settings file")->required();
  app.add_option("--format", import.rows.format, "csv-wide, csv-long or ndjson")
      ->required()
      ->transform(CLI::CheckedTransformer(kFormats));
  app.add_option("--zone", arguments.zone, "Of times that name none; UTC is the only one so far");
  app.add_option("--time-unit", import.rows.time_unit, "iso8601, or since 1970: s, ms, us, ns")
      ->transform(CLI::CheckedTransformer(kTimes));
  app.add_option("--dataset", import.dataset, "Of kind telemetry");
  app.add_option("--series-prefix", import.prefix, "Of csv-wide and ndjson; \"<file's name>/\" without");
  app.add_option("--series", import.rows.series, "Of csv-long: a template of columns");
}

int run_import_command(const ImportArguments& arguments) {
  if (arguments.zone != "UTC")
    return fail("--zone " + arguments.zone +
                ": only UTC so far; write times with their offset, such as +02:00");
  const auto settings = settings_at(arguments.config);
  if (!settings) return kFailed;
  Log log(settings->log_level);
  ProgressBar bar;
  const auto report = run_import(
      *settings, arguments.import,
      [&](const ImportProgress& now) { bar.show(now.bytes, now.bytes_total, now.readings); },
      [&](const std::string& text) { log.warning("store", text); });
  bar.finish();
  if (!report) return fail("import: " + report.error().text);
  std::cerr << to_text(*report);
  return report->rows.refused_total() == 0 ? kGood : kPartly;
}

// ---- adopt and retire ----

struct NodeArguments {
  std::string node;
  std::string config;
};

void declare_node(CLI::App& app, NodeArguments& arguments) {
  app.add_option("node", arguments.node, "Its 32 hexadecimal digits, as /healthz and crdt-dump show them")
      ->required();
  app.add_option("--config", arguments.config, "The settings file of the node that is here")->required();
}

// Calls `act` with the settings and the node that are meant.
template <class Act>
int with_node(const NodeArguments& arguments, Act act) {
  const auto node = parse_hex128(arguments.node);
  if (!node) return fail("\"" + arguments.node + "\" is not 32 hexadecimal digits");
  const auto settings = settings_at(arguments.config);
  if (!settings) return kFailed;
  const Status done = act(*settings, NodeId{*node});
  return done ? kGood : fail(done.error().text);
}

Status adopt(const Settings& settings, const NodeId& node) {
  if (const Status adopted = sqlite::adopt_node(settings.store, node); !adopted) return adopted;
  std::cout << settings.store << " will be node " << hex(node.bytes)
            << "; start it, and its peers bring what they have\n";
  return Done{};
}

Status retire(const Settings& settings, const NodeId& node) {
  if (!settings.api) return Error{ErrorCode::kInvalid, "the node has no [api], which this needs"};
  const HttpAddress address{settings.api->host, settings.api->port};
  const auto answer = ask_json(address, "POST", "/v0/nodes/" + hex(node.bytes) + "?action=retire");
  if (!answer) return answer.error();
  std::cout << "node " << hex(node.bytes) << " is retired: what nobody has of it is waited for no more\n";
  return Done{};
}

// ---- forget ----

struct ForgetArguments {
  ForgetRequest request;
  std::string config, node;
};

void declare_forget(CLI::App& app, ForgetArguments& arguments) {
  ForgetRequest& request = arguments.request;
  app.add_option("series", request.series, "Its name, as /series of the API shows it")->required();
  app.add_option("--dataset", request.dataset, "Of kind telemetry")->required();
  app.add_option("--reason", request.reason, "For people who look for what is missing")->required();
  auto* const from = app.add_option("--from", request.from,
                                    "First time, in the dataset's unit or such as 2020-07-13T00:00:24Z; from "
                                    "the beginning without");
  auto* const to = app.add_option("--to", request.to, "Last time; now without");
  app.add_flag("--all-times", request.all_times,
               "All that there is of it or ever will be, also what has no time in UTC")
      ->excludes(from)
      ->excludes(to);
  auto* const config = app.add_option("--config", arguments.config, "The settings file of a node that runs");
  app.add_option("--node", arguments.node, "Instead: where it answers, such as http://127.0.0.1:8081")
      ->excludes(config);
}

Result<HttpAddress> address_of(const ForgetArguments& arguments) {
  if (!arguments.node.empty()) return parse_http_address(arguments.node);
  if (arguments.config.empty()) return Error{ErrorCode::kInvalid, "say which node: --config or --node"};
  const auto settings = settings_at(arguments.config);
  if (!settings) return Error{ErrorCode::kInvalid, "the settings are wrong"};
  if (!settings->api) return Error{ErrorCode::kInvalid, "the node has no [api], which this needs"};
  return HttpAddress{settings->api->host, settings->api->port};
}

int run_forget(const ForgetArguments& arguments) {
  const auto address = address_of(arguments);
  if (!address) return fail(address.error().text);
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::system_clock::now().time_since_epoch());
  const auto done = ask_to_forget(*address, arguments.request, now, built_at());
  if (!done) return fail(done.error().text);
  std::cout << *done << '\n';
  return kGood;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("A node that keeps telemetry and settings in step with its peers.");
  app.require_subcommand(0, 1);
  std::string config;
  bool check = false;
  app.add_option("--config", config, "The node's settings file, such as sync-node init writes");
  app.add_flag("--check-config", check, "Only says whether the settings are right, and what they mean");
  InitArguments init;
  CLI::App* const init_command = app.add_subcommand("init", "Writes a first settings file");
  declare_init(*init_command, init);
  ImportArguments import;
  CLI::App* const import_command =
      app.add_subcommand("import", "Reads recorded readings into the node's store");
  declare_import(*import_command, import);
  NodeArguments adopted, retired;
  CLI::App* const adopt_command =
      app.add_subcommand("adopt", "Gives a node that is not there yet the name of one that it replaces");
  declare_node(*adopt_command, adopted);
  CLI::App* const retire_command =
      app.add_subcommand("retire", "Tells the running node, and all others, that one is gone for good");
  declare_node(*retire_command, retired);
  ForgetArguments forgotten;
  CLI::App* const forget_command = app.add_subcommand(
      "forget", "Hides wrong readings of a series and removes them, on all nodes and for good");
  declare_forget(*forget_command, forgotten);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kGood : kFailed;
  }
  if (*init_command) return run_init(init);
  if (*import_command) return run_import_command(import);
  if (*adopt_command) return with_node(adopted, adopt);
  if (*retire_command) return with_node(retired, retire);
  if (*forget_command) return run_forget(forgotten);
  if (config.empty()) return fail("--config is missing; see sync-node --help");
  auto settings = settings_at(config);
  if (!settings) return kFailed;
  return check ? check_config(*settings) : run_node(*settings);
}
