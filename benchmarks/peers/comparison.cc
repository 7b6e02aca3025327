// benchmarks/peers/comparison.cc - which figures, and what they are divided by.
#include "benchmarks/peers/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>

#include "benchmarks/recording.h"

namespace deltamesh::bench {
namespace {

struct Metric {
  const char* name;
  const char* title;
  const char* unit;
  bool more_is_better;
  std::optional<double> (*of)(const CatchUp& run, double readings);
};

const std::array kMetrics{
    Metric{
        "durable_readings_per_second", "readings/s", "readings/s", true,
        [](const CatchUp& run, double readings) -> std::optional<double> { return readings / run.seconds; }},
    Metric{"wire_bytes_per_reading", "wire", "B", false,
           [](const CatchUp& run, double readings) -> std::optional<double> {
             if (!run.wire_bytes) return std::nullopt;
             return *run.wire_bytes / readings;
           }},
    Metric{"disk_bytes_per_reading", "disk", "B", false,
           [](const CatchUp& run, double readings) -> std::optional<double> {
             return run.disk_bytes / readings;
           }},
    Metric{"written_bytes_per_reading", "written", "B", false,
           [](const CatchUp& run, double readings) -> std::optional<double> {
             return run.written_bytes / readings;
           }},
    Metric{"cpu_us_per_reading", "CPU", "us", false,
           [](const CatchUp& run, double readings) -> std::optional<double> {
             return run.cpu_seconds / readings * 1e6;
           }},
    Metric{
        "memory_peak", "memory", "MiB", false,
        [](const CatchUp& run, double) -> std::optional<double> { return run.memory_peak_bytes / 1048576; }},
};

// By round; empty if the contender has no such figure.
std::vector<double> values(const Metric& metric, const Contender& contender,
                           const std::vector<CatchUp>& runs) {
  std::vector<double> values;
  for (const CatchUp& run : runs) {
    if (const auto value = metric.of(run, static_cast<double>(contender.readings))) values.push_back(*value);
  }
  return values;
}

// By round. What is too small to be measured is no part of a ratio.
std::vector<double> paired_ratios(const Metric& metric, const std::vector<double>& ours,
                                  const std::vector<double>& theirs) {
  std::vector<double> ratios;
  for (std::size_t round = 0; round < std::min(ours.size(), theirs.size()); ++round) {
    if (ours[round] <= 0 || theirs[round] <= 0) continue;
    ratios.push_back(metric.more_is_better ? ours[round] / theirs[round] : theirs[round] / ours[round]);
  }
  return ratios;
}

}  // namespace

Rounds run_rounds(const std::vector<Contender>& contenders, unsigned rounds) {
  Rounds runs(contenders.size());
  std::vector<std::size_t> order(contenders.size());
  std::iota(order.begin(), order.end(), 0);
  for (unsigned round = 0; round < rounds; ++round) {
    for (const std::size_t i : order) runs[i].push_back(contenders[i].system->catch_up());
    std::reverse(order.begin(), order.end());
  }
  return runs;
}

std::vector<Ratio> ratios(const std::vector<Contender>& contenders, const Rounds& rounds, std::size_t other) {
  std::vector<Ratio> found;
  for (const Metric& metric : kMetrics) {
    const auto paired = paired_ratios(metric, values(metric, contenders.front(), rounds.front()),
                                      values(metric, contenders[other], rounds[other]));
    if (!paired.empty()) found.push_back({metric.name, median(paired)});
  }
  return found;
}

void add_comparison(Report& report, const std::vector<Contender>& contenders, const Rounds& rounds) {
  for (std::size_t i = 1; i < contenders.size(); ++i) {
    const Contender& other = contenders[i];
    report.param("case", other.name);
    report.param("peer_version", other.version);
    report.param("peer_readings", static_cast<double>(other.readings));
    for (const Metric& metric : kMetrics) {
      const auto theirs = values(metric, other, rounds[i]);
      if (theirs.empty()) continue;
      const auto ours = values(metric, contenders.front(), rounds.front());
      report.add({metric.name, median(ours), metric.unit, Peer{other.name, median(theirs)}});
    }
    for (const Ratio& ratio : ratios(contenders, rounds, i))
      report.add({ratio.metric + "_ratio", ratio.times, "", {}});
  }
}

std::string ratio_table(const std::vector<Contender>& contenders, const Rounds& rounds) {
  std::string out = fmt::format("times better than   ");
  for (const Metric& metric : kMetrics) out += fmt::format("{:>11}", metric.title);
  for (std::size_t i = 1; i < contenders.size(); ++i) {
    out += fmt::format("\n{:<20}", contenders[i].name);
    const auto found = ratios(contenders, rounds, i);
    for (const Metric& metric : kMetrics) {
      const auto ratio =
          std::find_if(found.begin(), found.end(), [&](const Ratio& r) { return r.metric == metric.name; });
      out += ratio == found.end() ? fmt::format("{:>11}", "-") : fmt::format("{:>11.3g}", ratio->times);
    }
  }
  return out + "\n";
}

}  // namespace deltamesh::bench
