// ingest/plain_decoder.cc - recognises the one value of a plain payload.
#include "ingest/plain_decoder.h"

#include <algorithm>
#include <optional>

#include "crdt/utf8.h"
#include "ingest/limits.h"

namespace deltamesh {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  text.remove_prefix(std::min(text.find_first_not_of(kBlank), text.size()));
  return text.substr(0, text.find_last_not_of(kBlank) + 1);
}

bool equal_ignoring_case(std::string_view text, std::string_view lower) {
  const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; };
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(), same);
}

std::optional<bool> to_bool(std::string_view text, bool on_off) {
  if (equal_ignoring_case(text, "true")) return true;
  if (equal_ignoring_case(text, "false")) return false;
  if (on_off && equal_ignoring_case(text, "on")) return true;
  if (on_off && equal_ignoring_case(text, "off")) return false;
  return std::nullopt;
}

Refused bad_number(std::string_view text) {
  return {Refusal::kBadNumber, std::string(text.substr(0, 64)) + " does not fit"};
}

Judged<Value> to_number(std::string_view text, const LeafRule& rule) {
  if (rule.integer) {
    const auto number = rule.scale.to_integer(text);
    return number ? Judged<Value>(Value(*number)) : bad_number(text);
  }
  const auto number = rule.scale.to_double(text);
  return number ? Judged<Value>(Value(*number)) : bad_number(text);
}

Judged<Value> to_value(const CompiledRule& rule, std::string_view text) {
  const LeafRule& settings = rule.leaf("*");
  if (parse_decimal(text)) return to_number(text, settings);
  if (const auto truth = to_bool(text, rule.rule().on_off)) return Value(*truth);
  if (!rule.rule().strings || text.empty() || !valid_utf8(text)) {
    return Refused{Refusal::kBadValue, "the payload is not a number"};
  }
  return Value(std::string(text));
}

}  // namespace

Judged<NamedEvent> decode_plain(const CompiledRule& rule, const TopicParts& parts, const Message& message) {
  const auto text = trimmed(message.payload);
  if (text.size() > limits::kStringBytesMax) {
    return Refused{Refusal::kTooLarge, std::to_string(text.size()) + " bytes in a plain payload"};
  }
  auto value = to_value(rule, text);
  if (auto* refused = std::get_if<Refused>(&value)) return *std::move(refused);
  NamedEvent event;
  event.taken = message.arrival;
  event.readings.push_back(
      {rule.series().fill(parts), rule.leaf("*").unit, std::move(std::get<Value>(value))});
  if (!valid_series_name(event.readings.front().series)) {
    return Refused{Refusal::kNameInvalid, "the topic makes no valid series name"};
  }
  return event;
}

}  // namespace deltamesh
