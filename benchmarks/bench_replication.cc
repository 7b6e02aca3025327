// benchmarks/bench_replication.cc - how fast, and at how many bytes, does a full node bring an empty one up
// to date?
//
// Two real nodes with stores on disk (synchronous=FULL) and a TCP link between them. Time runs from the start
// of the empty node's process until the full one has its acknowledgement of the last event, which follows the
// sync.
#include <chrono>
#include <exception>
#include <iostream>

#include "benchmarks/node_catch_up.h"
#include "benchmarks/options.h"
#include "benchmarks/recording.h"
#include "benchmarks/report.h"
#include "tests/scenarios/node_process.h"
#include "tests/support/recorded_data.h"
#include "tests/support/temp_dir.h"

namespace {

using namespace deltamesh;
using bench::NodeCatchUp;
using bench::NodeTotals;
using testing::NodeProcess;
using Clock = std::chrono::steady_clock;

struct Recording {
  const char* archive;
  const char* format;
};
constexpr Recording kWhole{"aberdeen-by-sensor.tar.zst", "csv-wide"};
constexpr Recording kWeek{"aberdeen-sample-7d.csv.zst", "csv-long"};

template <class Pick>
double median_of(const std::vector<NodeCatchUp>& runs, Pick pick) {
  std::vector<double> values;
  for (const NodeCatchUp& run : runs) values.push_back(pick(run));
  return bench::median(std::move(values));
}

void add_figures(bench::Report& report, const std::vector<NodeCatchUp>& runs, const NodeTotals& totals) {
  const double readings = totals.readings;
  const auto add = [&](const char* metric, const char* unit, auto pick) {
    report.add({metric, median_of(runs, pick), unit, {}});
  };
  add("readings_per_second", "readings/s", [&](const NodeCatchUp& run) { return readings / run.seconds; });
  add("seconds", "s", [](const NodeCatchUp& run) { return run.seconds; });
  add("wire_bytes_per_reading", "B", [&](const NodeCatchUp& run) { return run.wire_bytes / readings; });
  add("payload_bytes_per_reading", "B", [&](const NodeCatchUp& run) { return run.payload_bytes / readings; });
  add("redundant_events", "", [](const NodeCatchUp& run) { return run.redundant_events; });
  add("cpu_us_per_reading", "us", [&](const NodeCatchUp& run) {
    return (run.full.cpu_seconds + run.empty.cpu_seconds) / readings * 1e6;
  });
  add("sender_memory_peak", "MiB",
      [](const NodeCatchUp& run) { return static_cast<double>(run.full.memory_peak_bytes) / 1048576; });
  add("receiver_memory_peak", "MiB",
      [](const NodeCatchUp& run) { return static_cast<double>(run.empty.memory_peak_bytes) / 1048576; });
  add("receiver_written_bytes_per_reading", "B",
      [&](const NodeCatchUp& run) { return static_cast<double>(run.empty.disk_bytes) / readings; });
}

int measure(const bench::Options& options) {
  const Recording& recording = options.quick ? kWeek : kWhole;
  const auto archive = testing::recorded_data(recording.archive);
  if (!archive) return 0;
  const testing::TempDir dir;
  NodeProcess full(dir.path(), "full");
  const auto begun = Clock::now();
  const NodeTotals totals =
      bench::import_files(full, recording.format, bench::csv_files(*archive, dir.path() / "recording"));
  const double load_seconds = std::chrono::duration<double>(Clock::now() - begun).count();

  std::vector<NodeCatchUp> runs;
  std::uintmax_t received_bytes = 0;
  for (unsigned i = 0; i < options.runs; ++i) {
    NodeProcess empty(dir.path(), "empty-" + std::to_string(i), {{full.tcp()}, "10s", {}, {}});
    runs.push_back(bench::catch_up(full, empty, totals));
    if (!testing::same_contents(full, empty)) throw std::runtime_error("the two stores differ");
    received_bytes = std::filesystem::file_size(empty.store());
    std::filesystem::remove(empty.store());
  }

  bench::Report report("replication");
  report.param("recording", std::string(recording.archive));
  report.param("events", totals.events);
  report.param("readings", totals.readings);
  report.param("runs", static_cast<double>(options.runs));
  report.param("link", std::string("tcp"));
  add_figures(report, runs, totals);
  report.add({"sender_disk_bytes_per_reading",
              static_cast<double>(std::filesystem::file_size(full.store())) / totals.readings,
              "B",
              {}});
  report.add(
      {"receiver_disk_bytes_per_reading", static_cast<double>(received_bytes) / totals.readings, "B", {}});
  report.add({"load_seconds", load_seconds, "s", {}});
  return report.finish(options.json_file) ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  int status = 0;
  const auto options = bench::parse_options(
      argc, argv, "How fast, and at how many bytes, does a full node bring an empty one up to date?", status);
  if (!options) return status;
  try {
    return measure(*options);
  } catch (const std::exception& error) {
    std::cerr << "bench_replication: " << error.what() << "\n";
    return 1;
  }
}
