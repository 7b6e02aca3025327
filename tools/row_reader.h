// tools/row_reader.h - recorded readings from a file, one event at a time.
//
//   csv-wide  timestamp,temperature,humidity         a series a column: `<prefix>temperature`
//   csv-long  timestamp,sensor_id,metric,value,...   a reading a row, its series made of other columns
//   ndjson    {"time":"...","temperature":21.5}      a series a leaf: `<prefix>temperature`
//
// Pure: a stream in, events out. A row that cannot be an event is refused whole, counted by reason, and left
// out. A last line without its end may be half of one, and is left for the next time. Each event's source
// counter is the number of its (last) line, so that an import can be resumed after it.
#pragma once

#include <cstdint>
#include <istream>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "crdt/result.h"
#include "crdt/sample.h"
#include "ingest/timestamp.h"

namespace deltamesh {

enum class RowFormat : std::uint8_t { kCsvWide, kCsvLong, kNdjson };

struct RowSettings {
  RowFormat format = RowFormat::kCsvWide;
  Resolution resolution = Resolution::kMilliseconds;
  TimeUnit time_unit = TimeUnit::kIso8601;                    // Without a zone, times are UTC.
  std::string prefix;                                         // Of csv-wide and ndjson.
  std::string series = "{sensor_id}_{sensor_type}/{metric}";  // Of csv-long: names of columns.
  std::uint64_t session = 0;                                  // Of every event's source.
  std::uint64_t after_line = 0;                               // Lines up to this one are left out, unread.
};

struct RowRefusals {
  std::uint64_t count = 0;
  std::vector<std::uint64_t> first_lines;  // A few.
  std::string first_text;                  // What was wrong with the first.
};

struct RowCounts {
  std::uint64_t rows = 0;            // Read, refused ones included; blank lines are none.
  std::uint64_t skipped = 0;         // Left out because of after_line.
  std::uint64_t without_values = 0;  // All cells empty: nothing to store, nothing wrong.
  std::uint64_t unended_line = 0;    // The last, if it was left because it has no end.
  std::map<std::string, RowRefusals, std::less<>> refused;  // By reason: "bad_number", "cell_count", ...

  void refuse(std::string_view reason, std::uint64_t line, std::string text);
  // Of a file that errors shall name.
  void add(const RowCounts& other, const std::string& file);
  [[nodiscard]] std::uint64_t refused_total() const;
};

class RowReader {
 public:
  virtual ~RowReader() = default;
  // Makes `event` the next one, within the memory that it has; false at the end.
  virtual bool next(NamedEvent& event) = 0;
  [[nodiscard]] virtual const RowCounts& counts() const = 0;
  [[nodiscard]] virtual std::uint64_t bytes_read() const = 0;
  // The stream broke: what next() gave is not all.
  [[nodiscard]] virtual bool failed() const = 0;
};

// `in` outlives the reader. The error is about the settings or the file's header.
Result<std::unique_ptr<RowReader>> read_rows(std::istream& in, RowSettings settings);

}  // namespace deltamesh
