// engine/validate.cc - the rules of engine/validate.h.
#include "engine/validate.h"

#include <algorithm>
#include <map>

#include "crdt/utf8.h"
#include "engine/boots.h"

namespace deltamesh {
namespace {

Error invalid(std::string text) {
  return {ErrorCode::kInvalid, std::move(text)};
}

bool is_control(std::uint32_t point) {
  return point < 0x20 || (point >= 0x7f && point < 0xa0);
}

// Takes one code point that people can read from the front of `text`, or takes nothing.
bool take_readable(std::string_view& text) {
  std::string_view rest = text;
  std::uint32_t point = 0;
  if (!take_code_point(rest, point) || is_control(point)) return false;
  text = rest;
  return true;
}

// No locale: the same letters on every machine.
bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
         c == '.';
}

std::string quoted(std::string_view text) {
  return "'" + std::string(text) + "'";
}

}  // namespace

Status check_at_most(std::uint64_t value, std::uint64_t max, const char* what) {
  if (value <= max) return Done{};
  return Error{ErrorCode::kLimit, std::to_string(value) + " " + what + ", at most " + std::to_string(max)};
}

Status check_text(std::string_view text, std::size_t bytes_max, const char* what) {
  if (text.size() > bytes_max) {
    return Error{ErrorCode::kLimit, std::string(what) + " of " + std::to_string(text.size()) +
                                        " bytes, at most " + std::to_string(bytes_max)};
  }
  while (!text.empty()) {
    if (!take_readable(text)) return invalid(std::string(what) + " is not UTF-8 or has control characters");
  }
  return Done{};
}

Status check_dataset_name(std::string_view name) {
  if (name.empty()) return invalid("dataset name is empty");
  if (const Status status = check_text(name, limits::kDatasetNameBytesMax, "dataset name"); !status) {
    return status;
  }
  if (std::all_of(name.begin(), name.end(), is_name_character)) return Done{};
  return invalid("dataset name " + quoted(name) + " may have letters, digits, '_', '-' and '.' only");
}

Status check_stream_index(std::uint64_t index) {
  if (index < limits::kStreamsMax) return Done{};
  return Error{ErrorCode::kLimit, "stream index " + std::to_string(index) + ", at most " +
                                      std::to_string(limits::kStreamsMax - 1)};
}

Status check_seq(Seq seq) {
  return check_at_most(seq, limits::kSeqMax, "as the number of an event");
}

Status check_runs(const IntervalSet& dots) {
  return check_at_most(dots.intervals().size(), limits::kIntervalsMax, "runs of numbers in one stream");
}

Status check_settled(Seq settled, Seq head) {
  if (settled <= head || (head > 0 && head < limits::kSeqMax && settled == head + 1)) return Done{};
  return invalid("settled up to " + std::to_string(settled) + ", beyond the head " + std::to_string(head));
}

Status check_series(const SeriesDecl& decl) {
  if (decl.number == kBootSeries) return invalid("series 0 is for records of boots, and has no name");
  if (!valid_series_name(decl.name)) {
    return invalid("series " + std::to_string(decl.number) +
                   ": the name must be 1 to 255 bytes of UTF-8 without control characters");
  }
  return check_text(decl.unit, limits::kUnitBytesMax, "unit");
}

Status check_datasets(std::span<const DatasetConfig> datasets) {
  if (const Status status = check_at_most(datasets.size(), limits::kDatasetsMax, "datasets"); !status) {
    return status;
  }
  std::map<DatasetId, std::string_view> seen;
  for (const DatasetConfig& dataset : datasets) {
    if (const Status status = check_dataset_name(dataset.name); !status) return status;
    const auto [other, added] = seen.try_emplace(dataset_id(dataset.name), dataset.name);
    if (added) continue;
    if (other->second == dataset.name) return invalid("dataset " + quoted(dataset.name) + " is named twice");
    return invalid("datasets " + quoted(other->second) + " and " + quoted(dataset.name) +
                   " have one hash; rename one of them");
  }
  return Done{};
}

std::string presentable(std::string_view text, std::size_t bytes_max) {
  std::string out;
  while (!text.empty()) {
    std::string_view rest = text;
    const bool readable = take_readable(rest);
    if (!readable) rest.remove_prefix(1);
    const std::string_view taken = text.substr(0, text.size() - rest.size());
    if (out.size() + taken.size() > bytes_max) break;
    out += readable ? taken : "?";
    text = rest;
  }
  return out;
}

}  // namespace deltamesh
