// tools/cells.h - the cells of a CSV line, and what stands in them: times and numbers.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/timestamp.h"

namespace deltamesh {

// Takes a line apart by RFC 4180: cells may be quoted, and "" within quotes is one quote. A quoted cell ends
// on the line on which it begins.
class Cells {
 public:
  // False if a quote is not closed, or something but a comma follows it.
  bool split(std::string_view line);

  [[nodiscard]] std::size_t size() const { return cells_.size(); }
  // Valid until the next split() and as long as the line.
  [[nodiscard]] std::string_view operator[](std::size_t i) const { return cells_[i]; }

 private:
  bool split_quoted(std::string_view line);
  bool take_quoted(std::string_view& rest);

  std::vector<std::string_view> cells_;
  std::string unquoted_;  // What the cells with quotes mean.
};

// The nearest double; blanks around it and a plus sign are fine, NaN and infinities are not.
std::optional<double> parse_number(std::string_view cell);

// As parse_timestamp(), faster for a file whose times are of one form and mostly of one day.
class TimeReader {
 public:
  TimeReader(TimeUnit unit, Resolution resolution) : unit_(unit), resolution_(resolution) {}
  Judged<Ticks> read(std::string_view cell);

 private:
  [[nodiscard]] std::optional<Ticks> within_day(std::string_view cell) const;
  void remember_day(std::string_view cell);

  TimeUnit unit_;
  Resolution resolution_;
  std::string day_;  // "2018-07-07", the day that begins at midnight_.
  Ticks midnight_ = 0;
};

}  // namespace deltamesh
