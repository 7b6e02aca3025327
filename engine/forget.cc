// engine/forget.cc - rules to text and back, and ranges of time.
#include "engine/forget.h"

#include <algorithm>
#include <charconv>

#include "crdt/varint.h"
#include "engine/limits.h"
#include "engine/validate.h"

namespace deltamesh {
namespace {

Error invalid(std::string text) {
  return {ErrorCode::kInvalid, std::move(text)};
}

std::string text_of(Ticks time, Ticks open) {
  return time == open ? "*" : std::to_string(time);
}

// A number as to_string() writes it, which is never that of the open end.
template <class Number>
std::optional<Number> number_in(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<Ticks> time_in(std::string_view text, Ticks open) {
  return text == "*" ? std::optional(open) : number_in<Ticks>(text);
}

// Takes the last word off `text`, and the space before it.
std::optional<std::string_view> take_last(std::string_view& text) {
  const std::size_t space = text.rfind(' ');
  if (space == std::string_view::npos) return std::nullopt;
  const std::string_view word = text.substr(space + 1);
  text = text.substr(0, space);
  return word;
}

// The same at the front.
std::optional<std::string_view> take_first(std::string_view& text) {
  const std::size_t space = text.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  const std::string_view word = text.substr(0, space);
  text.remove_prefix(space + 1);
  return word;
}

}  // namespace

Status check_rule(const ForgetRule& rule) {
  if (Status good = check_dataset_name(rule.dataset); !good.ok()) return good;
  if (!valid_series_name(rule.series))
    return invalid("a series name is 1 to 255 bytes of UTF-8 without control characters");
  if (rule.from <= rule.to) return Done{};
  return invalid("a range of times that ends before it begins");
}

std::string rule_key(const ForgetRule& rule) {
  return rule_prefix(rule.series) + rule.dataset + ' ' + text_of(rule.from, kTimeOpenFrom) + ' ' +
         text_of(rule.to, kTimeOpenTo);
}

// From the right: a name of a series may have spaces.
std::optional<ForgetRule> parse_rule_key(std::string_view key) {
  std::string_view rest = key;
  const auto to = take_last(rest), from = take_last(rest), dataset = take_last(rest);
  if (!to || !from || !dataset) return std::nullopt;
  const auto first = time_in(*from, kTimeOpenFrom), last = time_in(*to, kTimeOpenTo);
  if (!first || !last) return std::nullopt;
  ForgetRule rule{std::string(*dataset), std::string(rest), *first, *last};
  if (!check_rule(rule).ok() || rule_key(rule) != key) return std::nullopt;
  return rule;
}

std::string rule_prefix(std::string_view series) {
  return std::string(series) + ' ';
}

std::string encode(const RuleNote& note) {
  return hex(note.author.bytes) + ' ' + std::to_string(note.written.count()) + ' ' + note.reason;
}

std::optional<RuleNote> parse_rule_note(std::string_view value) {
  const auto author = take_first(value), written = take_first(value);
  if (!author || !written) return std::nullopt;
  const auto node = parse_hex128(*author);
  const auto time = number_in<std::int64_t>(*written);
  if (!node || !time || *time < 0) return std::nullopt;
  if (!check_text(value, limits::kRuleReasonBytesMax, "the reason").ok()) return std::nullopt;
  return RuleNote{{*node}, std::chrono::milliseconds(*time), std::string(value)};
}

// Neighbours become one.
void TimeRanges::add(Ticks from, Ticks to) {
  auto at = ranges_.upper_bound(from);
  if (at != ranges_.begin()) {
    const auto before = std::prev(at);
    if (before->second == kTimeOpenTo || before->second + 1 >= from) at = before;
  }
  while (at != ranges_.end() && (to == kTimeOpenTo || at->first <= to + 1)) {
    from = std::min(from, at->first);
    to = std::max(to, at->second);
    at = ranges_.erase(at);
  }
  ranges_.emplace(from, to);
}

bool TimeRanges::contains(Ticks time) const {
  return intersects(time, time);
}

bool TimeRanges::intersects(Ticks from, Ticks to) const {
  const auto after = ranges_.upper_bound(to);
  return after != ranges_.begin() && std::prev(after)->second >= from;
}

bool ForgetRules::add(const ForgetRule& rule) {
  const auto [key, is_new] = keys_.insert(rule_key(rule));
  if (!is_new) return false;
  sum_.add(std::as_bytes(std::span(*key)));
  SeriesRules& series = series_[{dataset_id(rule.dataset), rule.series}];
  series.times.add(rule.from, rule.to);
  series.whole = series.whole || (rule.from == kTimeOpenFrom && rule.to == kTimeOpenTo);
  return true;
}

void ForgetRules::join(const ForgetRules& other) {
  for (const std::string& key : other.keys_) add(*parse_rule_key(key));
}

const SeriesRules* ForgetRules::find(DatasetId dataset, std::string_view series) const {
  const auto at = series_.find(std::pair(dataset, series));
  return at == series_.end() ? nullptr : &at->second;
}

Bytes ForgetRules::digest() const {
  Bytes bytes;
  if (empty()) return bytes;
  put_fixed64(bytes, sum_.high());
  put_fixed64(bytes, sum_.low());
  return bytes;
}

}  // namespace deltamesh
