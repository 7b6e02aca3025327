// tools/reading_file.h - recorded messages, one at a time, from JSON lines, a JSON array or CSV.
//
// JSON is handed on byte by byte as it was recorded. A row of a CSV file becomes a JSON object of its cells,
// numbers as they stand and everything else as strings; empty cells are left out.
#pragma once

#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crdt/result.h"
#include "ingest/topic.h"

namespace deltamesh {

enum class RecordFormat : unsigned char { kNdjson, kJsonArray, kCsv };

struct Record {
  std::string payload;
  TopicParts fields;  // Of CSV: column and cell. Of JSON: empty; see record_field().
};

class RecordReader {
 public:
  virtual ~RecordReader() = default;
  // nullopt at the end. The error names the line or element.
  virtual Result<std::optional<Record>> next() = 0;
};

// `in` outlives the reader. Columns in `left_out` do not go into the payload.
Result<std::unique_ptr<RecordReader>> read_records(std::istream& in, RecordFormat format,
                                                   std::vector<std::string> left_out = {});

// The text of a column or of the JSON leaf at `path` (`data.temp`); nullopt if there is none.
std::optional<std::string> record_field(const Record& record, std::string_view path);

}  // namespace deltamesh
