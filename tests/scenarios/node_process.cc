// tests/scenarios/node_process.cc - settings files, processes, HTTP questions and crdt-dump.
#include "tests/scenarios/node_process.h"

#include <signal.h>

#include <boost/json/parse.hpp>
#include <fstream>
#include <iostream>
#include <stdexcept>

#include "tests/api/http_client.h"
#include "tests/support/free_port.h"
#include "tests/support/wait.h"

namespace deltamesh::testing {
namespace {

namespace json = boost::json;

std::string quoted(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) out += (out.empty() ? "\"" : ", \"") + text + "\"";
  return "[" + out + "]";
}

json::value parsed(const std::string& text) {
  json::error_code error;
  json::value value = json::parse(text, error);
  return error ? json::value() : value;
}

// Nothing of a node that does not answer is found.
const json::array* sessions_of(const json::value& health) {
  return health.is_object() ? health.as_object().at("sessions").if_array() : nullptr;
}

}  // namespace

std::string program(const std::string& name) {
  return std::string(DELTAMESH_BIN_DIR "/") + name;
}

NodeProcess::NodeProcess(const std::filesystem::path& folder, std::string name, const NodeOptions& options)
    : name_(std::move(name)),
      settings_(folder / (name_ + ".toml")),
      store_((options.folder.empty() ? folder : options.folder) / (name_ + ".db")),
      log_(folder / (name_ + ".log")),
      tcp_(free_port()),
      ws_(free_port()),
      api_(free_port()) {
  configure(options);
}

std::string NodeProcess::tcp() const {
  return "tcp://127.0.0.1:" + std::to_string(tcp_);
}

std::string NodeProcess::ws() const {
  return "ws://127.0.0.1:" + std::to_string(ws_) + "/sync";
}

void NodeProcess::configure(const NodeOptions& options) const {
  std::ofstream(settings_) << "[node]\nstore = \"" << store_.string()
                           << "\"\nfleet = \"000102030405060708090a0b0c0d0e0f\"\ncommit_interval = \""
                           << options.commit_interval << "\"\n"
                           << options.node_more
                           << "[[dataset]]\nname = \"env\"\nkind = \"telemetry\"\nresolution = \"ms\"\n"
                           << options.env_more << "[[dataset]]\nname = \"settings\"\nkind = \"map\"\n"
                           << "[sync]\nlisten = " << quoted({tcp(), ws()})
                           << "\npeers = " << quoted(options.peers) << "\nkeepalive = \"" << options.keepalive
                           << "\"\n"
                           << options.sync_more << "[api]\nlisten = \"127.0.0.1:" << api_ << "\"\n"
                           << options.more;
}

void NodeProcess::forget_memory() const {
  for (const auto& entry : std::filesystem::directory_iterator(memory_.path()))
    std::filesystem::remove(entry.path());
}

void NodeProcess::start() {
  process_ = std::make_unique<ChildProcess>(
      std::vector<std::string>{"/usr/bin/env", "RUNTIME_DIRECTORY=" + memory_.path().string(),
                               program("sync-node"), "--config", settings_.string()},
      log_);
  const bool answers =
      wait_until([this] { return !process_->running() || ask("GET", "/healthz").status != 0; });
  if (!answers || !process_->running()) throw std::runtime_error(name_ + " does not start:\n" + log());
}

void NodeProcess::kill() {
  process_->signal(SIGKILL);
  process_->wait();
}

std::optional<int> NodeProcess::stop() {
  process_->signal(SIGTERM);
  return process_->wait();
}

Output NodeProcess::run_to_end() {
  return run({program("sync-node"), "--config", settings_.string()});
}

NodeProcess::Answer NodeProcess::ask(const std::string& method, const std::string& target,
                                     const std::string& body) const {
  try {
    const HttpReply reply = testing::ask(api_, method, target, body);
    return {reply.status, reply.body};
  } catch (const std::runtime_error&) {
    return {};  // Nobody listens.
  }
}

json::value NodeProcess::health() const {
  return parsed(ask("GET", "/healthz").body);
}

std::string NodeProcess::status() const {
  const json::value now = health();
  return now.is_object() ? now.as_object().at("status").as_string().c_str() : "";
}

std::uint64_t NodeProcess::counter(const std::string& name) const {
  const json::value now = health();
  return now.is_object() ? now.as_object().at("counters").at(name).to_number<std::uint64_t>() : 0;
}

std::size_t NodeProcess::live_sessions() const {
  const json::value now = health();
  const json::array* sessions = sessions_of(now);
  std::size_t live = 0;
  for (std::size_t i = 0; sessions != nullptr && i < sessions->size(); ++i)
    live += (*sessions)[i].at("phase") == "live";
  return live;
}

std::string NodeProcess::node_id() const {
  const json::value now = health();
  return now.is_object() ? now.at("node").as_string().c_str() : "";
}

std::uint64_t NodeProcess::events_unacknowledged(const std::string& by) const {
  const json::value now = health();
  const json::array* sessions = sessions_of(now);
  std::uint64_t events = 0;
  for (std::size_t i = 0; sessions != nullptr && i < sessions->size(); ++i) {
    const json::value& session = (*sessions)[i];
    if (by.empty() || session.at("node").as_string() == by)
      events += session.at("events_unacknowledged").to_number<std::uint64_t>();
  }
  return events;
}

int NodeProcess::append(std::int64_t time, const std::string& series, double value) const {
  const std::string body = R"({"events":[{"time":)" + std::to_string(time) + R"(,"readings":{")" + series +
                           "\":" + std::to_string(value) + "}}]}";
  return ask("POST", "/v0/telemetry/env/events", body).status;
}

json::value dump(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), program("crdt-dump"));
  for (const char* word : {"--json", "--name", "env"}) arguments.emplace_back(word);
  const Output output = run(std::move(arguments));
  if (output.status != 0) std::cout << output.text;
  return output.status == 0 ? parsed(output.text) : json::value();
}

bool same_contents(const NodeProcess& a, const NodeProcess& b) {
  const Output output = run({program("crdt-dump"), "diff", a.store(), b.store()});
  if (output.status != 0) std::cout << output.text;
  return output.status == 0;
}

bool append_texts(const NodeProcess& node, std::uint64_t round, std::uint64_t count) {
  std::uint64_t state = round + 1;
  std::string events;
  for (std::uint64_t i = 0; i < count; ++i) {
    std::string text;
    while (text.size() < 1000)
      text += std::to_string(state = state * 6364136223846793005u + 1442695040888963407u);
    events += (events.empty() ? "" : ",") + std::string(R"({"time":)") + std::to_string(round * count + i) +
              R"(,"readings":{"text":")" + text + "\"}}";
  }
  return node.ask("POST", "/v0/telemetry/env/events", "{\"events\":[" + events + "]}").status == 200;
}

bool holds_all(const NodeProcess& node, std::size_t streams, std::uint64_t events) {
  const json::value knowledge = dump({"knowledge", node.store()});
  if (!knowledge.is_object()) return false;
  std::size_t found = 0;
  std::uint64_t held = 0;
  for (const json::value& stream : knowledge.at("knowledge").as_array()) {
    if (stream.at("dataset") != "env") continue;
    ++found;
    const json::array& intervals = stream.at("held").as_array();
    if (intervals.size() != 1 || intervals[0].at(0).to_number<std::uint64_t>() != 1) return false;
    held += intervals[0].at(1).to_number<std::uint64_t>();
  }
  return found == streams && held == events;
}

std::uint64_t counted(const NodeProcess& node, const std::string& name) {
  const json::value page = dump({node.store()});
  if (!page.is_object()) return 0;
  for (const json::value& dataset : page.at("datasets").as_array()) {
    if (dataset.at("dataset") == "env") return dataset.at(name).to_number<std::uint64_t>();
  }
  return 0;
}

}  // namespace deltamesh::testing
