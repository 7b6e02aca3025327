// tools/reading_file.cc - the readers of each format.
#include "tools/reading_file.h"

#include <algorithm>
#include <istream>
#include <utility>

#include "crdt/utf8.h"
#include "ingest/json_leaves.h"
#include "ingest/number.h"

namespace deltamesh {
namespace {

constexpr std::size_t kRecordBytesMax = 1u << 20;

Error at(const char* what, std::uint64_t number, const std::string& text) {
  return {ErrorCode::kInvalid, std::string(what) + " " + std::to_string(number) + ": " + text};
}

bool is_blank(int c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

// Reads a line without its end; false at the end of the file.
bool read_line(std::istream& in, std::string& line) {
  if (!std::getline(in, line)) return false;
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return true;
}

class NdjsonReader : public RecordReader {
 public:
  explicit NdjsonReader(std::istream& in) : in_(in) {}

  Result<std::optional<Record>> next() override {
    Record record;
    while (read_line(in_, record.payload)) {
      if (!record.payload.empty()) return std::optional(std::move(record));
    }
    return std::optional<Record>();
  }

 private:
  std::istream& in_;
};

// Cuts an array into its elements without parsing them: only strings and brackets matter.
class JsonArrayReader : public RecordReader {
 public:
  explicit JsonArrayReader(std::istream& in) : in_(*in.rdbuf()) {}

  Result<std::optional<Record>> next() override {
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

 private:
  static constexpr int kEnd = std::char_traits<char>::eof();

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
      if (text.size() > kRecordBytesMax) return at("element", element_, "is longer than a mebibyte");
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

// Cells of one line; quotes may stand around a cell, and a doubled quote within is one.
std::vector<std::string> split_cells(std::string_view line) {
  std::vector<std::string> cells(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '"' && quoted && i + 1 < line.size() && line[i + 1] == '"') {
      cells.back() += line[++i];
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      cells.emplace_back();
    } else {
      cells.back() += c;
    }
  }
  return cells;
}

void append_json_string(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') out += '\\';
    if (byte < 0x20) {
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

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
  CsvReader(std::istream& in, std::vector<std::string> left_out) : in_(in), left_out_(std::move(left_out)) {}

  Result<std::optional<Record>> next() override {
    std::string line;
    while (read_line(in_, line)) {
      ++line_;
      if (line.empty()) continue;
      if (!valid_utf8(line)) return at("line", line_, "is not UTF-8");
      auto cells = split_cells(line);
      if (columns_.empty()) {
        columns_ = std::move(cells);
        continue;
      }
      if (cells.size() != columns_.size()) {
        return at(
            "line", line_,
            std::to_string(cells.size()) + " cells under " + std::to_string(columns_.size()) + " columns");
      }
      return std::optional(to_record(std::move(cells)));
    }
    return std::optional<Record>();
  }

 private:
  Record to_record(std::vector<std::string> cells) const {
    Record record;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (cells[i].empty()) continue;
      if (std::count(left_out_.begin(), left_out_.end(), columns_[i]) == 0)
        add(record.payload, columns_[i], cells[i]);
      record.fields.emplace_back(columns_[i], std::move(cells[i]));
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

  std::istream& in_;
  std::vector<std::string> left_out_;
  std::vector<std::string> columns_;
  std::uint64_t line_ = 0;
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
