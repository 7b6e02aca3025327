// tools/import.h - `sync-node import`: recorded readings from files into the store of a node that is not
// running.
//
// Exactly once, however often it is started and killed: each event carries as its source a number of the file
// and the line, and an import begins after the last line that is durable. Several files are merged by time.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "crdt/result.h"
#include "tools/row_reader.h"
#include "tools/settings.h"

namespace deltamesh {

struct ImportSettings {
  std::vector<std::string> files;
  std::string dataset = "telemetry";
  std::optional<std::string> prefix;  // Else "<file's name without folder and ending>/".
  RowSettings rows;                   // Format, unit of times, template.
};

struct ImportReport {
  RowCounts rows;
  std::uint64_t events = 0;    // Durable.
  std::uint64_t readings = 0;  // In these.
  double seconds = 0;
  std::vector<std::string> unended;  // "a.csv: line 3": last lines that were left, because they have no end.
};

struct ImportProgress {
  std::uint64_t bytes = 0;
  std::uint64_t bytes_total = 0;
  std::uint64_t readings = 0;
};

// The error is what stopped it; whatever is durable by then stays and is not read again.
Result<ImportReport> run_import(const Settings& settings, const ImportSettings& import,
                                const std::function<void(const ImportProgress&)>& progress,
                                const std::function<void(std::string)>& log);

// What happened, for people: rows, readings, seconds, and what was refused.
std::string to_text(const ImportReport& report);

}  // namespace deltamesh
