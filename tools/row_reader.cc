// tools/row_reader.cc - the choice of a reader, what all of them count, and which lines are rows.
#include "tools/row_reader.h"

#include <utility>

#include "tools/row_readers.h"

namespace deltamesh {
namespace {

constexpr std::size_t kFirstLinesMax = 5;

}  // namespace

void RowCounts::refuse(std::string_view reason, std::uint64_t line, std::string text) {
  auto at = refused.find(reason);
  if (at == refused.end()) at = refused.emplace(std::string(reason), RowRefusals()).first;
  RowRefusals& refusals = at->second;
  if (refusals.count++ == 0) refusals.first_text = std::move(text);
  if (refusals.first_lines.size() < kFirstLinesMax) refusals.first_lines.push_back(line);
}

void RowCounts::add(const RowCounts& other, const std::string& file) {
  rows += other.rows;
  skipped += other.skipped;
  without_values += other.without_values;
  for (const auto& [reason, refusals] : other.refused) {
    RowRefusals& sum = refused[reason];
    if (sum.count == 0) sum = {0, refusals.first_lines, file + ": " + refusals.first_text};
    sum.count += refusals.count;
  }
}

std::uint64_t RowCounts::refused_total() const {
  std::uint64_t total = 0;
  for (const auto& [reason, refusals] : refused) total += refusals.count;
  return total;
}

Result<std::string> RowLines::header() {
  std::string_view line;
  while (lines_.next(line)) {
    if (lines_.too_long() || !lines_.ended()) break;
    if (!line.empty()) return std::string(line);
  }
  return Error{ErrorCode::kNotFound, "there is no header"};
}

bool RowLines::next(std::string_view& row) {
  while (lines_.next(row)) {
    if (row.empty()) continue;
    if (!lines_.ended() && !lines_.too_long()) return counts_.unended_line = lines_.number(), false;
    if (lines_.number() <= after_) {
      ++counts_.skipped;
      continue;
    }
    ++counts_.rows;
    if (!lines_.too_long()) return true;
    refuse("too_large", "the line is longer than " + std::to_string(LineReader::kLineBytesMax) + " bytes");
  }
  return false;
}

void RowLines::refuse(std::string_view reason, std::string text) {
  counts_.refuse(reason, lines_.number(), std::move(text));
}

Result<std::unique_ptr<RowReader>> read_rows(std::istream& in, RowSettings settings) {
  switch (settings.format) {
    case RowFormat::kCsvWide: return read_csv_wide(in, std::move(settings));
    case RowFormat::kCsvLong: return read_csv_long(in, std::move(settings));
    case RowFormat::kNdjson: return read_ndjson(in, std::move(settings));
  }
  return Error{ErrorCode::kUnsupported, "unknown format"};
}

}  // namespace deltamesh
