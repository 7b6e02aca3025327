// tools/row_readers.h - the reader of each format, and what they share. Only tools/row*.cc include this.
#pragma once

#include "tools/line_reader.h"
#include "tools/row_reader.h"

namespace deltamesh {

Result<std::unique_ptr<RowReader>> read_csv_wide(std::istream& in, RowSettings settings);
Result<std::unique_ptr<RowReader>> read_csv_long(std::istream& in, RowSettings settings);
Result<std::unique_ptr<RowReader>> read_ndjson(std::istream& in, RowSettings settings);

// The lines that are rows: not blank, not to be skipped, not too long; counted.
class RowLines {
 public:
  RowLines(std::istream& in, const RowSettings& settings)
      : lines_(in), session_(settings.session), after_(settings.after_line) {}

  // The first line with something on it, whole; not found if there is none.
  Result<std::string> header();
  bool next(std::string_view& row);
  // Refuses the row that next() gave.
  void refuse(std::string_view reason, std::string text);
  void skip_without_values() { ++counts_.without_values; }

  [[nodiscard]] Source source() const { return {session_, lines_.number()}; }
  [[nodiscard]] const RowCounts& counts() const { return counts_; }
  [[nodiscard]] std::uint64_t bytes() const { return lines_.bytes(); }
  [[nodiscard]] bool failed() const { return lines_.failed(); }

 private:
  LineReader lines_;
  std::uint64_t session_;
  std::uint64_t after_;
  RowCounts counts_;
};

}  // namespace deltamesh
