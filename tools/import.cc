// tools/import.cc - files to events to the node, in large writes.
#include "tools/import.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>

#include "tools/import_files.h"
#include "tools/local_writer.h"

namespace deltamesh {
namespace {

using Clock = std::chrono::steady_clock;

// Events of one write: whole cells, so that blocks are not cut short. Larger: memory. Smaller: more calls.
constexpr std::size_t kWriteEvents = 4 * limits::kCellEvents;
// Readings of one write are bounded too; wide rows come in smaller writes.
constexpr std::size_t kWriteReadings = 16 * kWriteEvents;

Result<const DatasetConfig*> find_dataset(const Settings& settings, const std::string& name) {
  for (const DatasetConfig& dataset : settings.node.datasets) {
    if (dataset.name != name) continue;
    if (dataset.kind == DatasetKind::kTelemetry) return &dataset;
    return Error{ErrorCode::kInvalid, "dataset \"" + name + "\" is a map; readings need telemetry"};
  }
  return Error{ErrorCode::kNotFound, "the settings name no dataset \"" + name + "\""};
}

class Import {
 public:
  Import(const ImportSettings& import, const DatasetConfig& dataset, std::vector<ImportFile> files,
         LocalWriter& writer)
      : import_(import),
        dataset_(dataset_id(dataset.name)),
        resolution_(dataset.resolution),
        files_(std::move(files)),
        writer_(writer) {}

  Status start() {
    const auto lines = durable_lines(writer_.reader(), writer_.node().identity().node, dataset_, files_);
    if (!lines) return lines.error();
    for (ImportFile& file : files_) {
      const auto last = lines->find(file.session);
      auto rows = read_rows(file.in, row_settings(file, last == lines->end() ? 0 : last->second));
      if (!rows) return Error{rows.error().code, file.path + ": " + rows.error().text};
      file.rows = *std::move(rows);
    }
    return Done{};
  }

  Status run(const std::function<void(const ImportProgress&)>& progress) {
    MergedRows rows(files_);
    std::vector<NamedEvent> events(kWriteEvents);
    std::size_t room = kWriteEvents - events_in_open_cell();
    while (const std::size_t count = gather(rows, std::span(events).first(room))) {
      write(std::span<const NamedEvent>(events).first(count));
      if (writer_.broken()) break;
      progress(how_far());
      room = kWriteEvents;
    }
    Status finished = writer_.finish();
    return finished.ok() ? check_streams() : finished;
  }

  [[nodiscard]] ImportReport report() const {
    ImportReport all = report_;
    for (const ImportFile& file : files_) {
      const RowCounts& counts = file.rows->counts();
      all.rows.add(counts, file.path);
      if (counts.unended_line > 0)
        all.unended.push_back(file.path + ": line " + std::to_string(counts.unended_line));
    }
    return all;
  }

 private:
  RowSettings row_settings(const ImportFile& file, std::uint64_t after_line) const {
    RowSettings rows = import_.rows;
    rows.resolution = resolution_;
    rows.prefix = import_.prefix.value_or(std::filesystem::path(file.path).stem().string() + "/");
    rows.session = file.session;
    rows.after_line = after_line;
    return rows;
  }

  // How much of the cell in which the next event falls is used already.
  [[nodiscard]] std::size_t events_in_open_cell() const {
    const Identity& own = writer_.node().identity();
    Seq head = 0;
    for (const auto& entry : writer_.node().knowledge().entries()) {
      const StreamId& stream = entry.stream;
      if (stream.dataset == dataset_ && stream.node == own.node && stream.incarnation == own.incarnation)
        head = std::max(head, entry.known.head());
    }
    return static_cast<std::size_t>(head % limits::kCellEvents);
  }

  static std::size_t gather(MergedRows& rows, std::span<NamedEvent> events) {
    std::size_t count = 0;
    for (std::size_t readings = 0; count < events.size() && readings < kWriteReadings; ++count) {
      if (!rows.next(events[count])) break;
      readings += events[count].readings.size();
    }
    return count;
  }

  // Where the node refuses, halves go separately until the event at fault stands alone.
  void write(std::span<const NamedEvent> events) {
    const Status written = writer_.write(dataset_, events);
    if (written.ok()) return count(events);
    if (events.size() == 1) {
      report_.rows.refuse("refused_by_node", events[0].source->counter, written.error().text);
      return;
    }
    write(events.first(events.size() / 2));
    write(events.subspan(events.size() / 2));
  }

  void count(std::span<const NamedEvent> events) {
    report_.events += events.size();
    for (const NamedEvent& event : events) report_.readings += event.readings.size();
  }

  [[nodiscard]] ImportProgress how_far() const {
    ImportProgress progress{0, 0, report_.readings};
    for (const ImportFile& file : files_) {
      progress.bytes += file.rows->bytes_read();
      progress.bytes_total += file.bytes;
    }
    return progress;
  }

  // A stream that broke looks like one that ended.
  [[nodiscard]] Status check_streams() const {
    for (const ImportFile& file : files_) {
      if (file.rows->failed() || file.rows->bytes_read() < file.bytes)
        return Error{ErrorCode::kIo, file.path + ": could not be read to its end"};
    }
    return Done{};
  }

  const ImportSettings& import_;
  DatasetId dataset_;
  Resolution resolution_;
  std::vector<ImportFile> files_;
  LocalWriter& writer_;
  ImportReport report_;
};

Error explain_open(const Error& error) {
  if (error.text.find("another process") == std::string::npos) return error;
  return {error.code, error.text + "; stop its sync-node first, or append through its HTTP API"};
}

std::string list(const std::vector<std::uint64_t>& lines) {
  std::string text;
  for (const std::uint64_t line : lines) text += (text.empty() ? "" : ", ") + std::to_string(line);
  return text;
}

std::string refusals_text(const std::string& reason, const RowRefusals& refusals) {
  const bool more = refusals.count > refusals.first_lines.size();
  return "refused: " + reason + ": " + std::to_string(refusals.count) + " rows (line " +
         list(refusals.first_lines) + (more ? ", ..." : "") + "), the first: " + refusals.first_text + "\n";
}

}  // namespace

Result<ImportReport> run_import(const Settings& settings, const ImportSettings& import,
                                const std::function<void(const ImportProgress&)>& progress,
                                const std::function<void(std::string)>& log) {
  const auto start = Clock::now();
  const auto dataset = find_dataset(settings, import.dataset);
  if (!dataset) return dataset.error();
  auto files = open_files(import.files, import.rows.format);
  if (!files) return files.error();
  const auto writer = LocalWriter::open(settings, log);
  if (!writer) return explain_open(writer.error());
  Import job(import, **dataset, *std::move(files), **writer);
  if (const auto ready = job.start(); !ready) return ready.error();
  if (const auto done = job.run(progress); !done) return done.error();
  ImportReport report = job.report();
  report.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return report;
}

std::string to_text(const ImportReport& report) {
  char figures[160];
  const double rate = report.seconds > 0 ? static_cast<double>(report.readings) / report.seconds : 0;
  std::snprintf(figures, sizeof figures, " readings in %.1f s, %.0f readings/s\n", report.seconds, rate);
  std::string text = std::to_string(report.rows.rows) + " rows, " + std::to_string(report.events) +
                     " events, " + std::to_string(report.readings) + figures;
  if (report.rows.skipped > 0)
    text += std::to_string(report.rows.skipped) + " rows were imported before and left out\n";
  if (report.rows.without_values > 0)
    text += std::to_string(report.rows.without_values) + " rows without a value\n";
  for (const std::string& line : report.unended)
    text += line + " has no end yet and is left for the next run\n";
  for (const auto& [reason, refusals] : report.rows.refused) text += refusals_text(reason, refusals);
  return text;
}

}  // namespace deltamesh
