// tools/row_csv_wide.cc - the time in the first column, a series in each further one.
#include <algorithm>

#include "engine/limits.h"
#include "tools/cells.h"
#include "tools/row_readers.h"

namespace deltamesh {
namespace {

Error invalid(const std::string& text) {
  return {ErrorCode::kInvalid, text};
}

std::string shown(std::string_view cell) {
  return "\"" + std::string(cell.substr(0, 64)) + "\"";
}

class CsvWideReader final : public RowReader {
 public:
  CsvWideReader(std::istream& in, const RowSettings& settings)
      : lines_(in, settings), times_(settings.time_unit, settings.resolution) {}

  Status read_header(const std::string& prefix) {
    const auto header = lines_.header();
    if (!header) return header.error();
    if (!cells_.split(*header)) return invalid("the header: a quote is not closed");
    if (cells_.size() < 2) return invalid("the header names no column but the time");
    if (cells_.size() - 1 > limits::kEventReadingsMax)
      return invalid("more than " + std::to_string(limits::kEventReadingsMax) + " columns");
    for (std::size_t i = 1; i < cells_.size(); ++i) series_.push_back(prefix + std::string(cells_[i]));
    return check_series();
  }

  bool next(NamedEvent& event) override {
    std::string_view row;
    while (lines_.next(row)) {
      if (!take(row, event)) continue;
      event.source = lines_.source();
      return true;
    }
    return false;
  }

  [[nodiscard]] const RowCounts& counts() const override { return lines_.counts(); }
  [[nodiscard]] std::uint64_t bytes_read() const override { return lines_.bytes(); }
  [[nodiscard]] bool failed() const override { return lines_.failed(); }

 private:
  Status check_series() const {
    for (const std::string& series : series_) {
      if (!valid_series_name(series))
        return invalid("column " + shown(series) + " makes no valid series name");
      if (std::count(series_.begin(), series_.end(), series) > 1)
        return invalid("column " + shown(series) + " stands twice");
    }
    return Done{};
  }

  bool refuse(std::string_view reason, std::string text) {
    lines_.refuse(reason, std::move(text));
    return false;
  }

  bool take(std::string_view row, NamedEvent& event) {
    if (!cells_.split(row)) return refuse("open_quote", "a quote is not closed where its cell ends");
    if (cells_.size() != series_.size() + 1) {
      return refuse("cell_count", std::to_string(cells_.size()) + " cells under " +
                                      std::to_string(series_.size() + 1) + " columns");
    }
    const auto time = times_.read(cells_[0]);
    if (const auto* refused = std::get_if<Refused>(&time))
      return refuse(to_string(refused->reason), refused->text);
    event.time = std::get<Ticks>(time);
    return take_values(event);
  }

  // Whatever `event` holds is overwritten in place: rows are many, and so would be the allocations.
  bool take_values(NamedEvent& event) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < series_.size(); ++i) {
      const std::string_view cell = cells_[i + 1];
      if (cell.empty()) continue;
      const auto number = parse_number(cell);
      if (!number) return refuse("bad_number", shown(cell) + " is not a finite number");
      if (count == event.readings.size()) event.readings.emplace_back();
      NamedReading& reading = event.readings[count++];
      reading.series = series_[i];
      reading.unit.clear();
      reading.value = *number;
    }
    event.readings.resize(count);
    if (count == 0) lines_.skip_without_values();
    return count > 0;
  }

  RowLines lines_;
  TimeReader times_;
  Cells cells_;
  std::vector<std::string> series_;  // Of each column but the first.
};

}  // namespace

Result<std::unique_ptr<RowReader>> read_csv_wide(std::istream& in, RowSettings settings) {
  auto reader = std::make_unique<CsvWideReader>(in, settings);
  if (const auto header = reader->read_header(settings.prefix); !header) return header.error();
  return std::unique_ptr<RowReader>(std::move(reader));
}

}  // namespace deltamesh
