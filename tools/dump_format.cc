// tools/dump_format.cc - words and digits.
#include "tools/dump_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "crdt/utf8.h"

namespace deltamesh {
namespace {

constexpr std::size_t kShortDigits = 8;
constexpr std::size_t kTextShown = 60;

bool readable(std::string_view text) {
  while (!text.empty()) {
    std::uint32_t point = 0;
    if (!take_code_point(text, point) || point < 0x20 || point == 0x7f) return false;
  }
  return true;
}

// Cut between code points.
std::string shortened(const std::string& text) {
  if (text.size() <= kTextShown) return text;
  std::size_t end = kTextShown;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0u) == 0x80u) --end;
  return fmt::format("{}... ({} bytes)", text.substr(0, end), text.size());
}

int digits_of(Resolution resolution) {
  switch (resolution) {
    case Resolution::kMilliseconds: return 3;
    case Resolution::kMicroseconds: return 6;
    case Resolution::kNanoseconds: return 9;
  }
  return 3;
}

bool starts_with_digits(const std::string& id, std::string_view digits) {
  return id.compare(0, digits.size(), digits) == 0;
}

}  // namespace

DatasetNames::DatasetNames(const std::vector<std::string>& given) : names_(given) {
  for (const char* common : {"telemetry", "settings", "desired", "reported", "alarms", "logs", "$rules"})
    names_.emplace_back(common);
}

std::string DatasetNames::operator()(DatasetId dataset) const {
  const auto found = std::find_if(names_.begin(), names_.end(),
                                  [dataset](const std::string& name) { return dataset_id(name) == dataset; });
  if (found != names_.end()) return *found;
  return fmt::format("{:016x}", static_cast<std::uint64_t>(dataset));
}

DatasetId DatasetNames::parse(std::string_view text) {
  std::uint64_t id = 0;
  for (const char c : text) {
    const std::size_t digit = std::string_view("0123456789abcdef").find(c);
    if (text.size() != 16 || digit == std::string_view::npos) return dataset_id(text);
    id = id << 4 | digit;
  }
  return DatasetId{id};
}

const char* to_string(StreamClass cls) {
  switch (cls) {
    case StreamClass::kMetric: return "metric";
    case StreamClass::kAlarm: return "alarm";
    case StreamClass::kLog: return "log";
  }
  return "unknown";
}

const char* to_string(Quality quality) {
  switch (quality) {
    case Quality::kGood: return "good";
    case Quality::kEstimated: return "estimated";
    case Quality::kUncertain: return "uncertain";
    case Quality::kBad: return "bad";
  }
  return "unknown";
}

std::string short_id(const StreamId& stream) {
  return hex(stream.node.bytes).substr(0, kShortDigits) + "." +
         hex(stream.incarnation.bytes).substr(0, kShortDigits);
}

bool matches(const StreamId& stream, std::string_view pattern) {
  const std::size_t dot = pattern.find('.');
  const auto incarnation = dot == std::string_view::npos ? std::string_view() : pattern.substr(dot + 1);
  return starts_with_digits(hex(stream.node.bytes), pattern.substr(0, dot)) &&
         starts_with_digits(hex(stream.incarnation.bytes), incarnation);
}

std::string hex_of(ByteView bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const std::byte byte : bytes) {
    for (const unsigned shift : {4u, 0u})
      out += "0123456789abcdef"[std::to_integer<unsigned>(byte) >> shift & 15u];
  }
  return out;
}

std::string printable(std::string_view text) {
  if (readable(text)) return std::string(text);
  return fmt::format("0x{}", hex_of(std::as_bytes(std::span(text.data(), text.size()))));
}

std::string value_text(const Value& value) {
  switch (type_of(value)) {
    case ValueType::kBool: return std::get<bool>(value) ? "true" : "false";
    case ValueType::kInt: return fmt::format("{}", std::get<std::int64_t>(value));
    case ValueType::kDouble: return fmt::format("{}", std::get<double>(value));
    case ValueType::kString: return fmt::format("\"{}\"", shortened(printable(std::get<std::string>(value))));
    case ValueType::kBytes: break;
  }
  return fmt::format("0x{}", shortened(hex_of(std::get<Bytes>(value))));
}

std::string value_text(const MapEntry& entry) {
  return entry.tombstone ? "(removed)" : fmt::format("\"{}\"", shortened(printable(entry.value)));
}

std::string version_text(const MapVersion& version) {
  return fmt::format("epoch {} at {}+{} by {} dot {}", version.epoch,
                     time_text(version.stamp.time().count(), Resolution::kMilliseconds),
                     version.stamp.bits & 0xffffu, short_id(version.dot.stream), version.dot.seq);
}

std::string time_text(Ticks time, Resolution resolution) {
  const int digits = digits_of(resolution);
  const Ticks second = digits == 3 ? 1'000 : digits == 6 ? 1'000'000 : 1'000'000'000;
  const Ticks fraction = (time % second + second) % second;
  const Ticks seconds = time / second - (time % second < 0 ? 1 : 0);
  constexpr Ticks kYear1 = -62'135'596'800, kYear10000 = 253'402'300'800;
  if (seconds < kYear1 || seconds >= kYear10000) return fmt::format("{}", time);
  const std::chrono::sys_seconds point{std::chrono::seconds(seconds)};
  const auto day = std::chrono::floor<std::chrono::days>(point);
  const std::chrono::year_month_day date(day);
  const auto rest = (point - day).count();
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:0{}}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), rest / 3600,
                     rest / 60 % 60, rest % 60, fraction, digits);
}

std::string interval_text(const Interval& dots) {
  return dots.first == dots.last ? fmt::format("{}", dots.first)
                                 : fmt::format("{}-{}", dots.first, dots.last);
}

std::string interval_text(const IntervalSet& set, std::size_t show_max) {
  if (set.empty()) return "-";
  std::string out;
  const auto& intervals = set.intervals();
  for (std::size_t i = 0; i < std::min(show_max, intervals.size()); ++i) {
    if (i > 0) out += ' ';
    out += interval_text(intervals[i]);
  }
  if (intervals.size() > show_max) out += fmt::format(" ... {} more", intervals.size() - show_max);
  return out;
}

std::string grouped(std::uint64_t number) {
  std::string digits = fmt::format("{}", number);
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, 1, ',');
  return digits;
}

}  // namespace deltamesh
