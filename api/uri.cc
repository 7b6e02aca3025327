// api/uri.cc - percent-decoding and query parameters.
#include "api/uri.h"

#include <algorithm>
#include <charconv>

#include "crdt/utf8.h"

namespace deltamesh {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The byte that "%2F" stands for.
std::optional<char> escaped_byte(std::string_view escape) {
  if (escape.size() < 3) return std::nullopt;
  const int high = hex_digit(escape[1]), low = hex_digit(escape[2]);
  if (high < 0 || low < 0) return std::nullopt;
  return static_cast<char>(static_cast<unsigned char>(high * 16 + low));
}

Error invalid(std::string text) {
  return {ErrorCode::kInvalid, std::move(text)};
}

Result<std::string> decoded_parameter(std::string_view text) {
  std::string blanks(text);
  std::replace(blanks.begin(), blanks.end(), '+', ' ');
  return percent_decoded(blanks);
}

// Up to `separator`, which is consumed too.
std::string_view take_until(std::string_view& text, char separator) {
  const auto end = std::min(text.find(separator), text.size());
  const auto part = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return part;
}

}  // namespace

Result<std::string> percent_decoded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    if (text.front() != '%') {
      out += text.front();
      text.remove_prefix(1);
      continue;
    }
    const auto byte = escaped_byte(text);
    if (!byte) return invalid("a '%' in the URL is not followed by two hex digits");
    out += *byte;
    text.remove_prefix(3);
  }
  if (!valid_utf8(out)) return invalid("the URL is not UTF-8 once its escapes are decoded");
  return out;
}

Result<QueryParameters> QueryParameters::parse(std::string_view text) {
  QueryParameters query;
  while (!text.empty()) {
    std::string_view value = take_until(text, '&');
    if (value.empty()) continue;
    auto name = decoded_parameter(take_until(value, '='));
    if (!name) return name.error();
    auto decoded = decoded_parameter(value);
    if (!decoded) return decoded.error();
    query.parameters_.emplace_back(*std::move(name), *std::move(decoded));
  }
  return query;
}

Status QueryParameters::check(std::initializer_list<std::string_view> single,
                              std::string_view repeated) const {
  std::vector<std::string_view> seen;
  for (const auto& [name, value] : parameters_) {
    if (!repeated.empty() && name == repeated) continue;
    if (std::find(single.begin(), single.end(), name) == single.end()) {
      return invalid("no parameter \"" + name + "\" is known here");
    }
    if (std::find(seen.begin(), seen.end(), name) != seen.end()) {
      return invalid("parameter \"" + name + "\" stands twice");
    }
    seen.push_back(name);
  }
  return Done{};
}

std::optional<std::string_view> QueryParameters::find(std::string_view name) const {
  for (const auto& [each, value] : parameters_) {
    if (each == name) return value;
  }
  return std::nullopt;
}

std::vector<std::string> QueryParameters::all(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto& [each, value] : parameters_) {
    if (each == name) values.push_back(value);
  }
  return values;
}

Result<std::size_t> QueryParameters::count(std::string_view name, std::size_t otherwise,
                                           std::size_t max) const {
  const auto text = find(name);
  if (!text) return otherwise;
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error == std::errc{} && end == text->data() + text->size() && value >= 1 && value <= max) return value;
  return invalid("\"" + std::string(name) + "\" is a whole number from 1 to " + std::to_string(max) +
                 ", not \"" + std::string(*text) + "\"");
}

}  // namespace deltamesh
