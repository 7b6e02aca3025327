// benchmarks/node_catch_up.cc - fills a node, starts the pair, and watches it.
#include "benchmarks/node_catch_up.h"

#include <chrono>
#include <stdexcept>

#include "benchmarks/recording.h"
#include "tests/support/wait.h"

namespace deltamesh::bench {
namespace {

using Clock = std::chrono::steady_clock;
using testing::NodeProcess;

bool up_to_date(const NodeProcess& full, const NodeProcess& empty, double events) {
  return static_cast<double>(empty.counter("events_received")) >= events && full.live_sessions() == 1 &&
         full.events_unacknowledged() == 0;
}

}  // namespace

NodeTotals import_files(const NodeProcess& node, const std::string& format,
                        const std::vector<std::string>& files) {
  std::vector<std::string> command{testing::program("sync-node"),
                                   "import",
                                   "--config",
                                   node.settings_file(),
                                   "--dataset",
                                   "env",
                                   "--format",
                                   format};
  command.insert(command.end(), files.begin(), files.end());
  run_or_throw(std::move(command));
  return {static_cast<double>(testing::counted(node, "events")),
          static_cast<double>(testing::counted(node, "samples"))};
}

NodeCatchUp catch_up(NodeProcess& full, NodeProcess& empty, const NodeTotals& totals) {
  full.start();
  const ProcessUse before = process_use(full.pid());
  const auto begun = Clock::now();
  empty.start();
  if (!testing::wait_until([&] { return up_to_date(full, empty, totals.events); }, std::chrono::minutes(30)))
    throw std::runtime_error("the empty node did not catch up:\n" + full.log() + empty.log());
  NodeCatchUp run;
  run.seconds = std::chrono::duration<double>(Clock::now() - begun).count();
  run.full = used_since(before, full.pid());
  run.empty = process_use(empty.pid());
  run.wire_bytes = static_cast<double>(full.counter("frame_bytes_sent") + empty.counter("frame_bytes_sent"));
  run.payload_bytes = static_cast<double>(full.counter("payload_bytes_sent"));
  run.redundant_events = static_cast<double>(empty.counter("redundant_events"));
  full.stop();
  empty.stop();
  return run;
}

}  // namespace deltamesh::bench
