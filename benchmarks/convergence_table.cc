// benchmarks/convergence_table.cc - columns, each a figure with its own number of decimals.
#include "benchmarks/convergence_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace deltamesh::bench {
namespace {

constexpr int kNameWidth = 24;

struct Column {
  const char *above, *head, *metric;
  int width, decimals;
};
constexpr std::array kColumns{
    Column{"", "p50 s", "delay_p50", 9, 3},
    Column{"delay", "p99 s", "delay_p99", 9, 3},
    Column{"", "max s", "delay_max", 9, 3},
    Column{"first", "p99 s", "first_events_delay_p99", 8, 3},
    Column{"equal", "after s", "convergence_time", 9, 3},
    Column{"payload", "/minimum", "payload_per_minimum", 10, 3},
    Column{"copies", "/deliv.", "redundant_copies_per_delivery", 8, 3},
    Column{"metadata", "B/delta", "metadata_bytes_per_delta", 10, 1},
    Column{"in %", "payload", "metadata_per_payload", 9, 0},
    Column{"frames", "/deliv.", "frames_per_delivery", 8, 2},
    Column{"CPU us", "/deliv.", "cpu_us_per_delivery", 8, 1},
    Column{"memory", "KiB/node", "memory_peak_per_node", 10, 0},
    Column{"idle B", "/link", "idle_bytes_per_link_and_keepalive", 7, 0},
};

std::string cell(const Column& column, const std::vector<Figure>& figures) {
  const auto found = std::find_if(figures.begin(), figures.end(),
                                  [&](const Figure& figure) { return figure.metric == column.metric; });
  if (found == figures.end() || !std::isfinite(found->value)) return fmt::format("{:>{}}", "-", column.width);
  return fmt::format("{:>{}.{}f}", found->value, column.width, column.decimals);
}

}  // namespace

std::string convergence_head() {
  std::string above(kNameWidth, ' ');
  std::string head = fmt::format("{:<{}}", "case", kNameWidth);
  for (const Column& column : kColumns) {
    above += fmt::format("{:>{}}", column.above, column.width);
    head += fmt::format("{:>{}}", column.head, column.width);
  }
  return above + "\n" + head + "\n";
}

std::string convergence_row(const std::string& name, const Measured& measured) {
  std::string line = fmt::format("{:<{}}", name, kNameWidth);
  if (!measured.failure.empty()) return line + "  FAILED " + measured.failure + "\n";
  for (const Column& column : kColumns) line += cell(column, measured.figures);
  return line + "\n";
}

}  // namespace deltamesh::bench
