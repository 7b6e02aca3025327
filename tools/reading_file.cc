// tools/reading_file.cc - the readers of each format.
#include "tools/reading_file.h"

#include <algorithm>
#include <istream>
#include <utility>

#include "crdt/utf8.h"
#include "ingest/json_leaves.h"
#include "ingest/number.h"
#include "tools/cells.h"
#include "tools/json_string.h"
#include "tools/line_reader.h"

namespace deltamesh {
namespace {

Error at(const char* what, std::uint64_t number, const std::string& text) {
  return {ErrorCode::kInvalid, std::string(what) + " " + std::to_string(number) + ": " + text};
}

Error too_long(const char* what, std::uint64_t number) {
  return at(what, number, "is longer than " + std::to_string(LineReader::kLineBytesMax) + " bytes");
}

bool is_blank(int c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

Error broken() {
  return {ErrorCode::kIo, "cannot be read any further"};
}

// The lines with something on them, as long as the stream holds.
class Lines {
 public:
  explicit Lines(std::istream& in) : lines_(in) {}

  // nullopt at the end. The line is valid until the next call.
  Result<std::optional<std::string_view>> next() {
    std::string_view line;
    while (lines_.next(line)) {
      if (lines_.too_long()) return too_long("line", number());
      if (!line.empty()) return std::optional(line);
    }
    if (lines_.failed()) return broken();
    return std::optional<std::string_view>();
  }
  [[nodiscard]] std::uint64_t number() const { return lines_.number(); }

 private:
  LineReader lines_;
};

class NdjsonReader : public RecordReader {
 public:
  explicit NdjsonReader(std::istream& in) : lines_(in) {}

  Result<std::optional<Record>> next() override {
    const auto line = lines_.next();
    if (!line) return line.error();
    if (!*line) return std::optional<Record>();
    return std::optional(Record{std::string(**line), {}});
  }

 private:
  Lines lines_;
};

// Cuts an array into its elements without parsing them: only strings and brackets matter.
class JsonArrayReader : public RecordReader {
 public:
  explicit JsonArrayReader(std::istream& in) : in_(*in.rdbuf()) {}

  // A stream buffer throws where a disk fails.
  Result<std::optional<Record>> next() override {
    try {
      return next_element();
    } catch (const std::ios_base::failure&) {
      return broken();
    }
  }

 private:
  static constexpr int kEnd = std::char_traits<char>::eof();

  Result<std::optional<Record>> next_element() {
    if (ended_) return std::optional<Record>();
    ++element_;
    if (element_ == 1) {
      if (skip_blanks() != '[') return at("element", element_, "the file is not a JSON array");
      in_.sbumpc();
      if (skip_blanks() == ']') return finish();
    }
    auto text = read_element();
    if (!text) return text.error();
    return std::optional(Record{*std::move(text), {}});
  }

  int skip_blanks() {
    while (is_blank(in_.sgetc())) in_.sbumpc();
    return in_.sgetc();
  }

  Result<std::optional<Record>> finish() {
    in_.sbumpc();
    ended_ = true;
    if (skip_blanks() != kEnd) return at("element", element_, "something stands after the array");
    return std::optional<Record>();
  }

  // Takes the element and the ',' or ']' behind it.
  Result<std::string> read_element() {
    std::string text;
    int depth = 0;
    bool in_string = false, escaped = false;
    skip_blanks();
    for (int c = in_.sbumpc(); c != kEnd; c = in_.sbumpc()) {
      if (!in_string && depth == 0 && (c == ',' || c == ']')) return complete(std::move(text), c == ']');
      text += std::char_traits<char>::to_char_type(c);
      if (text.size() > LineReader::kLineBytesMax) return too_long("element", element_);
      if (in_string) {
        in_string = escaped || c != '"';
        escaped = !escaped && c == '\\';
      } else {
        in_string = c == '"';
        depth += (c == '{' || c == '[') - (c == '}' || c == ']');
      }
    }
    return at("element", element_, "the array does not end");
  }

  Result<std::string> complete(std::string text, bool last) {
    while (!text.empty() && is_blank(static_cast<unsigned char>(text.back()))) text.pop_back();
    if (text.empty()) return at("element", element_, "is empty");
    ended_ = last;
    if (last && skip_blanks() != kEnd) return at("element", element_, "something stands after the array");
    return text;
  }

  std::streambuf& in_;
  std::uint64_t element_ = 0;
  bool ended_ = false;
};

// Whether JSON takes the text for a number as it stands: it is stricter than what devices print.
bool is_json_number(std::string_view text) {
  if (!parse_decimal(text) || text.front() == '+') return false;
  const auto digits = text.substr(text.front() == '-' ? 1 : 0);
  const auto point = digits.find('.');
  const bool leading_zero = digits.size() > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9';
  const bool bare_point =
      point == 0 || (point != std::string_view::npos &&
                     (point + 1 == digits.size() || digits[point + 1] < '0' || digits[point + 1] > '9'));
  return !leading_zero && !bare_point;
}

class CsvReader : public RecordReader {
 public:
  CsvReader(std::istream& in, std::vector<std::string> left_out)
      : lines_(in), left_out_(std::move(left_out)) {}

  Result<std::optional<Record>> next() override {
    if (columns_.empty()) {
      const auto header = next_cells();
      if (!header) return header.error();
      if (!*header) return std::optional<Record>();
      for (std::size_t i = 0; i < cells_.size(); ++i) columns_.emplace_back(cells_[i]);
    }
    const auto row = next_cells();
    if (!row) return row.error();
    if (!*row) return std::optional<Record>();
    if (cells_.size() != columns_.size()) {
      return at(
          "line", lines_.number(),
          std::to_string(cells_.size()) + " cells under " + std::to_string(columns_.size()) + " columns");
    }
    return std::optional(record());
  }

 private:
  // False at the end.
  Result<bool> next_cells() {
    const auto line = lines_.next();
    if (!line) return line.error();
    if (!*line) return false;
    if (!valid_utf8(**line)) return at("line", lines_.number(), "is not UTF-8");
    if (!cells_.split(**line))
      return at("line", lines_.number(), "a quote is not closed where its cell ends");
    return true;
  }

  [[nodiscard]] Record record() const {
    Record record;
    for (std::size_t i = 0; i < cells_.size(); ++i) {
      if (cells_[i].empty()) continue;
      if (std::count(left_out_.begin(), left_out_.end(), columns_[i]) == 0)
        add(record.payload, columns_[i], cells_[i]);
      record.fields.emplace_back(columns_[i], cells_[i]);
    }
    record.payload += record.payload.empty() ? "{}" : "}";
    return record;
  }

  static void add(std::string& object, std::string_view column, std::string_view cell) {
    object += object.empty() ? '{' : ',';
    append_json_string(object, column);
    object += ':';
    if (is_json_number(cell)) {
      object += cell;
    } else {
      append_json_string(object, cell);
    }
  }

  Lines lines_;
  Cells cells_;
  std::vector<std::string> left_out_;
  std::vector<std::string> columns_;
};

}  // namespace

Result<std::unique_ptr<RecordReader>> read_records(std::istream& in, RecordFormat format,
                                                   std::vector<std::string> left_out) {
  if (!in) return Error{ErrorCode::kIo, "cannot be read"};
  switch (format) {
    case RecordFormat::kNdjson: return std::unique_ptr<RecordReader>(std::make_unique<NdjsonReader>(in));
    case RecordFormat::kJsonArray:
      return std::unique_ptr<RecordReader>(std::make_unique<JsonArrayReader>(in));
    case RecordFormat::kCsv:
      return std::unique_ptr<RecordReader>(std::make_unique<CsvReader>(in, std::move(left_out)));
  }
  return Error{ErrorCode::kUnsupported, "unknown format"};
}

std::optional<std::string> record_field(const Record& record, std::string_view path) {
  for (const auto& [column, cell] : record.fields) {
    if (column == path) return cell;
  }
  if (!record.fields.empty()) return std::nullopt;
  std::string wanted(path);
  if (wanted.find('/') == std::string::npos) std::replace(wanted.begin(), wanted.end(), '.', '/');
  auto judged = json_leaves(record.payload);
  const auto* leaves = std::get_if<std::vector<JsonLeaf>>(&judged);
  if (!leaves) return std::nullopt;
  const auto found =
      std::find_if(leaves->begin(), leaves->end(), [&](const auto& leaf) { return leaf.path == wanted; });
  return found == leaves->end() ? std::nullopt : std::optional(found->text);
}

}  // namespace deltamesh
