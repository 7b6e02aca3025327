// tools/record_fields.cc - numbers, ids, bytes and lists of dots out of JSON, exactly.
#include "tools/record_fields.h"

#include <algorithm>
#include <charconv>

#include "api/base64.h"
#include "engine/limits.h"
#include "tools/dump_format.h"

namespace deltamesh {
namespace {

using Kind = JsonValue::Kind;

// Digits of a number, or of a text: integers are exact in both. No plus, no leading zeros, no fraction.
template <class Integer>
std::optional<Integer> integer_in(const JsonValue& value) {
  if (value.kind != Kind::kNumber && value.kind != Kind::kString) return std::nullopt;
  const std::string& text = value.text;
  Integer number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || std::to_string(number) != text)
    return std::nullopt;
  return number;
}

std::optional<std::uint64_t> hex64_in(const JsonValue& value) {
  if (value.kind != Kind::kString || value.text.size() != 16) return std::nullopt;
  std::uint64_t bits = 0;
  for (const char c : value.text) {
    const std::size_t digit = std::string_view("0123456789abcdef").find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    bits = bits << 4 | digit;
  }
  return bits;
}

// What encode() writes is ascending, and so is this: each set has one list.
std::optional<Interval> run_in(const JsonValue& value, Seq last) {
  if (value.kind != Kind::kArray || value.items.size() != 2) return std::nullopt;
  const auto first = integer_in<Seq>(value.items[0]), end = integer_in<Seq>(value.items[1]);
  const Seq first_min = last == 0 ? 1 : last + 2;
  if (!first || !end || first_min < last || *first < first_min || *end < *first) return std::nullopt;
  return Interval{*first, *end};
}

// One of the words that `to_string` has for the values up to `last`.
template <class Enum>
std::optional<Enum> word_in(const JsonValue& value, Enum last) {
  for (unsigned i = 0; i <= static_cast<unsigned>(last); ++i) {
    if (value.kind == Kind::kString && value.text == to_string(static_cast<Enum>(i)))
      return static_cast<Enum>(i);
  }
  return std::nullopt;
}

}  // namespace

RecordFields::RecordFields(const JsonValue& object) : object_(object) {
  if (object.kind != Kind::kObject) refuse("it is no object");
}

void RecordFields::refuse(std::string why) {
  if (!refused_) refused_ = std::move(why);
}

Status RecordFields::finish() const {
  if (refused_) return Error{ErrorCode::kInvalid, *refused_};
  if (taken_ == object_.keys.size()) return Done{};
  return Error{ErrorCode::kInvalid, "it has a field that is not known here, among: " + [this] {
                 std::string names;
                 for (const std::string& key : object_.keys) names += (names.empty() ? "" : ", ") + key;
                 return names.substr(0, 200);
               }()};
}

// Each field is asked for once, so that counting them is enough.
const JsonValue* RecordFields::take(std::string_view name) {
  if (refused_) return nullptr;
  const JsonValue* const value = object_.find(name);
  if (value == nullptr) refuse("\"" + std::string(name) + "\" is missing");
  taken_ += value != nullptr ? 1 : 0;
  return value;
}

const JsonValue* RecordFields::take(std::string_view name, Kind kind, const char* what) {
  const JsonValue* const value = take(name);
  if (value == nullptr || value->kind == kind) return value;
  refuse("\"" + std::string(name) + "\" is no " + what);
  return nullptr;
}

std::uint64_t RecordFields::number(std::string_view name, std::uint64_t max) {
  const JsonValue* const value = take(name);
  if (value == nullptr) return 0;
  const auto number = integer_in<std::uint64_t>(*value);
  if (number && *number <= max) return *number;
  refuse("\"" + std::string(name) + "\" is no number from 0 to " + std::to_string(max));
  return 0;
}

std::int64_t RecordFields::integer(std::string_view name) {
  const JsonValue* const value = take(name);
  if (value == nullptr) return 0;
  const auto number = integer_in<std::int64_t>(*value);
  if (!number) refuse("\"" + std::string(name) + "\" is no integer of 64 bits");
  return number.value_or(0);
}

std::optional<std::int64_t> RecordFields::integer_or_null(std::string_view name) {
  const JsonValue* const value = object_.find(name);
  if (value == nullptr || value->kind != Kind::kNull) return integer(name);
  take(name);
  return std::nullopt;
}

bool RecordFields::boolean(std::string_view name) {
  const JsonValue* const value = take(name, Kind::kBool, "true or false");
  return value != nullptr && value->text == "true";
}

std::optional<std::string> RecordFields::text_in(const JsonValue& value) {
  if (value.kind == Kind::kString) return value.text;
  const bool coded = value.kind == Kind::kObject && value.keys == std::vector<std::string>{"base64"};
  if (!coded || value.items[0].kind != Kind::kString) return std::nullopt;
  return decode_base64(value.items[0].text);
}

std::string RecordFields::text(std::string_view name) {
  const JsonValue* const value = take(name);
  if (value == nullptr) return {};
  auto text = text_in(*value);
  if (!text) refuse("\"" + std::string(name) + "\" is neither text nor {\"base64\": ...}");
  return std::move(text).value_or("");
}

std::optional<std::string> RecordFields::text_or_null(std::string_view name) {
  const JsonValue* const value = object_.find(name);
  if (value == nullptr || value->kind != Kind::kNull) return text(name);
  take(name);
  return std::nullopt;
}

Bytes RecordFields::bytes(std::string_view name) {
  const JsonValue* const value = take(name, Kind::kString, "text");
  if (value == nullptr) return {};
  const auto bytes = decode_base64(value->text);
  if (!bytes) refuse("\"" + std::string(name) + "\" is not base64");
  const ByteView view = std::as_bytes(std::span(bytes ? std::string_view(*bytes) : std::string_view()));
  return {view.begin(), view.end()};
}

std::uint64_t RecordFields::hex64(std::string_view name) {
  const JsonValue* const value = take(name);
  if (value == nullptr) return 0;
  const auto bits = hex64_in(*value);
  if (!bits) refuse("\"" + std::string(name) + "\" is not 16 digits of lower-case hex");
  return bits.value_or(0);
}

std::array<std::uint8_t, 16> RecordFields::hex128(std::string_view name) {
  const JsonValue* const value = take(name, Kind::kString, "text");
  if (value == nullptr) return {};
  const auto bytes = parse_hex128(value->text);
  if (bytes && hex(*bytes) == value->text) return *bytes;
  refuse("\"" + std::string(name) + "\" is not 32 digits of lower-case hex");
  return {};
}

Bytes RecordFields::digest(std::string_view name) {
  const auto bytes = hex128(name);
  const ByteView view = std::as_bytes(std::span(bytes));
  return {view.begin(), view.end()};
}

StreamClass RecordFields::stream_class(std::string_view name) {
  const JsonValue* const value = take(name);
  const auto cls = value != nullptr ? word_in(*value, StreamClass::kLog) : std::nullopt;
  if (!cls) refuse("\"" + std::string(name) + "\" is no class of streams");
  return cls.value_or(StreamClass::kMetric);
}

ValueType RecordFields::value_type(std::string_view name) {
  const JsonValue* const value = take(name);
  const auto type = value != nullptr ? word_in(*value, ValueType::kBytes) : std::nullopt;
  if (!type) refuse("\"" + std::string(name) + "\" is no type of values");
  return type.value_or(ValueType::kBool);
}

Quality RecordFields::quality(std::string_view name) {
  const JsonValue* const value = take(name);
  const auto quality = value != nullptr ? word_in(*value, Quality::kBad) : std::nullopt;
  if (!quality) refuse("\"" + std::string(name) + "\" is no quality");
  return quality.value_or(Quality::kGood);
}

IntervalSet RecordFields::intervals(std::string_view name) {
  const JsonValue* const value = take(name, Kind::kArray, "list");
  if (value == nullptr) return {};
  if (value->items.size() > limits::kIntervalsMax)
    refuse("\"" + std::string(name) + "\" has more than " + std::to_string(limits::kIntervalsMax) + " runs");
  IntervalSet out;
  for (const JsonValue& item : value->items) {
    const auto run = refused_ ? std::nullopt : run_in(item, out.last());
    if (!run)
      refuse("\"" + std::string(name) + "\" is no list of ascending runs [first, last] with gaps between");
    if (!run) return {};
    out.add(*run);
  }
  return out;
}

SeenWrite RecordFields::seen_in(const JsonValue& value) {
  const bool pair = value.kind == Kind::kArray && value.items.size() == 2;
  const auto stream = pair ? hex64_in(value.items[0]) : std::nullopt;
  const auto seq = pair ? integer_in<Seq>(value.items[1]) : std::nullopt;
  if (!stream || !seq) refuse("a write in \"past\" is no [stream, number]");
  return {stream.value_or(0), seq.value_or(0)};
}

MapPast RecordFields::past(std::string_view name) {
  const JsonValue* const value = take(name, Kind::kObject, "object");
  if (value == nullptr) return {};
  RecordFields fields(*value);
  MapPast past;
  past.trusted.bits = fields.number("trusted");
  const JsonValue* const others = fields.take("others", Kind::kArray, "list");
  if (others != nullptr) {
    for (const JsonValue& item : others->items) past.others.push_back(fields.seen_in(item));
  }
  if (const Status whole = fields.finish(); !whole) refuse("in \"past\": " + whole.error().text);
  if (past.empty()) refuse("\"past\" says nothing");
  return past;
}

BootSpan RecordFields::boots(std::string_view name) {
  const JsonValue* const value = take(name, Kind::kObject, "object");
  if (value == nullptr) return {};
  constexpr std::uint64_t kBootMax = std::numeric_limits<std::uint32_t>::max();
  RecordFields fields(*value);
  BootSpan span;
  span.boot_min = static_cast<std::uint32_t>(fields.number("first", kBootMax));
  span.boot_max = static_cast<std::uint32_t>(fields.number("last", kBootMax));
  span.ticks_min = fields.integer("from");
  span.ticks_max = fields.integer("to");
  if (const Status whole = fields.finish(); !whole) refuse("in \"boots\": " + whole.error().text);
  return span;
}

}  // namespace deltamesh
