// tests/scenarios/node_process.h - a sync-node in a process of its own, with its settings, store and
// questions.
//
// Ports are found free once and kept, so that a node that was killed comes back at the same addresses.
#pragma once

#include <boost/json/value.hpp>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/child_process.h"
#include "tests/support/memory_folder.h"
#include "tests/support/temp_dir.h"

namespace deltamesh::testing {

struct NodeOptions {
  std::vector<std::string> peers;
  std::string keepalive = "10s";
  std::string more;              // Further sections of the settings file, such as [[mqtt]].
  std::filesystem::path folder;  // Of the store; empty: beside the settings file.
  std::string commit_interval = "5ms";
  std::string node_more = {}, env_more = {}, sync_more = {};  // Further lines of [node], the dataset, [sync].
};

class NodeProcess {
 public:
  // Writes <folder>/<name>.toml; start() starts it.
  NodeProcess(const std::filesystem::path& folder, std::string name, const NodeOptions& options = {});
  // Writes it anew, for the next start.
  void configure(const NodeOptions& options) const;

  // While it does not run: what the machine would forget if it were started anew.
  void forget_memory() const;

  void start();               // Returns once it answers /healthz; throws if it ends or never does.
  void kill();                // SIGKILL; returns when it is gone.
  std::optional<int> stop();  // SIGTERM; its exit status.
  // Starts a node that is expected to end by itself: its exit status, and what it said.
  Output run_to_end();

  [[nodiscard]] pid_t pid() const { return process_->pid(); }  // Of a node that was started.
  [[nodiscard]] std::uint16_t tcp_port() const { return tcp_; }
  [[nodiscard]] std::uint16_t ws_port() const { return ws_; }
  [[nodiscard]] std::uint16_t api_port() const { return api_; }
  [[nodiscard]] std::string tcp() const;
  [[nodiscard]] std::string ws() const;
  [[nodiscard]] std::string store() const { return store_.string(); }
  [[nodiscard]] std::filesystem::path memory() const { return memory_.path(); }
  [[nodiscard]] std::string settings_file() const { return settings_.string(); }
  [[nodiscard]] std::string log() const { return read_text(log_); }

  struct Answer {
    int status = 0;  // 0: it did not answer.
    std::string body;
  };
  [[nodiscard]] Answer ask(const std::string& method, const std::string& target,
                           const std::string& body = {}) const;
  // /healthz, also when that is 503; null if there is no answer.
  [[nodiscard]] boost::json::value health() const;
  [[nodiscard]] std::string status() const;  // Its word for itself.
  [[nodiscard]] std::uint64_t counter(const std::string& name) const;
  [[nodiscard]] std::size_t live_sessions() const;
  [[nodiscard]] std::string node_id() const;  // 32 hexadecimal digits, of a node that answers.
  // Sent and not acknowledged, in sessions with the node of that id; over all sessions without one.
  [[nodiscard]] std::uint64_t events_unacknowledged(const std::string& by = {}) const;

  // One event with one reading; the answer's status.
  int append(std::int64_t time, const std::string& series, double value) const;

 private:
  std::string name_;
  TempDir memory_{memory_folder()};
  std::filesystem::path settings_, store_, log_;
  std::uint16_t tcp_, ws_, api_;
  std::unique_ptr<ChildProcess> process_;
};

// So many events of about a kilobyte each, of text that does not compress to nothing; those of another round
// are others.
bool append_texts(const NodeProcess& node, std::uint64_t round, std::uint64_t count);

std::string program(const std::string& name);

// Of crdt-dump: its answer to `arguments`, or null if it fails.
boost::json::value dump(std::vector<std::string> arguments);
// Whether the two stores hold the same contents; says what differs on the standard output.
bool same_contents(const NodeProcess& a, const NodeProcess& b);
// Whether exactly `streams` streams are in the store, each known as one interval from 1, `events` in all.
bool holds_all(const NodeProcess& node, std::size_t streams, std::uint64_t events);
// The number called `name`, of the telemetry dataset, on the store's first page.
std::uint64_t counted(const NodeProcess& node, const std::string& name);

}  // namespace deltamesh::testing
