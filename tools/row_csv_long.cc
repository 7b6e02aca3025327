// tools/row_csv_long.cc - one reading a row; neighbours of one sensor and time make one event.
#include <algorithm>
#include <optional>
#include <unordered_map>

#include "engine/limits.h"
#include "ingest/topic.h"
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

struct LongRow {
  Ticks time = 0;
  std::string sensor;
  const std::string* series = nullptr;  // Owned by SeriesNames.
  double value = 0;
  Source source;
};

// Where each column stands.
class Columns {
 public:
  static Result<Columns> find(const Cells& header) {
    Columns columns;
    for (std::size_t i = 0; i < header.size(); ++i) columns.names_.emplace_back(header[i]);
    const std::pair<const char*, std::size_t*> needed[] = {
        {"timestamp", &columns.time}, {"sensor_id", &columns.sensor}, {"value", &columns.value}};
    for (const auto& [name, target] : needed) {
      const auto at = std::find(columns.names_.begin(), columns.names_.end(), name);
      if (at == columns.names_.end()) return invalid(std::string("the header has no column ") + name);
      *target = static_cast<std::size_t>(at - columns.names_.begin());
    }
    return columns;
  }
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }

  std::size_t time = 0, sensor = 0, value = 0;

 private:
  std::vector<std::string> names_;
};

// The series of a row by its template; each name is built and checked once.
class SeriesNames {
 public:
  static Result<SeriesNames> make(const std::string& text, const Columns& columns) {
    auto series = SeriesTemplate::parse(text, columns.names());
    if (!series) return invalid("series \"" + text + "\": " + series.error().text);
    SeriesNames names;
    names.template_ = *std::move(series);
    for (std::size_t i = 0; i < columns.names().size(); ++i) {
      if (names.template_.uses(columns.names()[i])) names.used_.emplace_back(i, columns.names()[i]);
    }
    return names;
  }

  // nullptr if the cells make no valid name.
  const std::string* of(const Cells& cells) {
    key_.clear();
    for (const auto& [column, name] : used_) key_.append(cells[column]) += '\n';  // No cell has a line end.
    auto at = known_.find(key_);
    if (at == known_.end()) {
      std::string name = build(cells);
      if (!valid_series_name(name)) return nullptr;
      if (known_.size() >= limits::kSeriesPerStreamMax) known_.clear();
      at = known_.emplace(key_, std::make_unique<std::string>(std::move(name))).first;
    }
    return at->second.get();
  }

 private:
  std::string build(const Cells& cells) const {
    TopicParts parts;
    for (const auto& [column, name] : used_) parts.emplace_back(name, cells[column]);
    return template_.fill(parts);
  }

  SeriesTemplate template_;
  std::vector<std::pair<std::size_t, std::string>> used_;
  std::unordered_map<std::string, std::unique_ptr<std::string>> known_;
  std::string key_;
};

class CsvLongReader final : public RowReader {
 public:
  CsvLongReader(std::istream& in, const RowSettings& settings)
      : lines_(in, settings), times_(settings.time_unit, settings.resolution) {}

  Status read_header(const std::string& series) {
    const auto header = lines_.header();
    if (!header) return header.error();
    if (!cells_.split(*header)) return invalid("the header: a quote is not closed");
    auto columns = Columns::find(cells_);
    if (!columns) return columns.error();
    columns_ = *std::move(columns);
    auto names = SeriesNames::make(series, columns_);
    if (!names) return names.error();
    names_ = *std::move(names);
    return Done{};
  }

  bool next(NamedEvent& event) override {
    if (!pending_ && !read(ahead_)) return false;
    pending_ = false;
    event.readings.clear();
    event.time = ahead_.time;
    sensor_ = ahead_.sensor;
    do {
      event.source = ahead_.source;
      event.readings.push_back({*ahead_.series, {}, ahead_.value});
      if (!read(ahead_)) return true;
    } while (belongs(ahead_, event));
    return pending_ = true;
  }

  [[nodiscard]] const RowCounts& counts() const override { return lines_.counts(); }
  [[nodiscard]] std::uint64_t bytes_read() const override { return lines_.bytes(); }
  [[nodiscard]] bool failed() const override { return lines_.failed(); }

 private:
  [[nodiscard]] bool belongs(const LongRow& row, const NamedEvent& event) const {
    if (row.time != event.time || row.sensor != sensor_ || event.readings.size() >= limits::kEventReadingsMax)
      return false;
    const auto same_series = [&](const NamedReading& reading) { return reading.series == *row.series; };
    return std::none_of(event.readings.begin(), event.readings.end(), same_series);
  }

  bool read(LongRow& row) {
    std::string_view line;
    while (lines_.next(line)) {
      if (take(line, row)) return true;
    }
    return false;
  }

  bool refuse(std::string_view reason, std::string text) {
    lines_.refuse(reason, std::move(text));
    return false;
  }

  bool take(std::string_view line, LongRow& row) {
    if (!cells_.split(line)) return refuse("open_quote", "a quote is not closed where its cell ends");
    if (cells_.size() != columns_.names().size()) {
      return refuse("cell_count", std::to_string(cells_.size()) + " cells under " +
                                      std::to_string(columns_.names().size()) + " columns");
    }
    const std::string_view value = cells_[columns_.value];
    if (value.empty()) return lines_.skip_without_values(), false;
    const auto time = times_.read(cells_[columns_.time]);
    if (const auto* refused = std::get_if<Refused>(&time))
      return refuse(to_string(refused->reason), refused->text);
    const auto number = parse_number(value);
    if (!number) return refuse("bad_number", shown(value) + " is not a finite number");
    row.series = names_.of(cells_);
    if (row.series == nullptr) return refuse("name_invalid", "the row makes no valid series name");
    row.time = std::get<Ticks>(time);
    row.sensor = cells_[columns_.sensor];
    row.value = *number;
    row.source = lines_.source();
    return true;
  }

  RowLines lines_;
  TimeReader times_;
  Cells cells_;
  Columns columns_;
  SeriesNames names_;
  LongRow ahead_;  // The row after the event, if pending_.
  bool pending_ = false;
  std::string sensor_;  // Of the event being made.
};

}  // namespace

Result<std::unique_ptr<RowReader>> read_csv_long(std::istream& in, RowSettings settings) {
  auto reader = std::make_unique<CsvLongReader>(in, settings);
  if (const auto header = reader->read_header(settings.series); !header) return header.error();
  return std::unique_ptr<RowReader>(std::move(reader));
}

}  // namespace deltamesh
