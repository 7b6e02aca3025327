// api/json_writer.cc - numbers by fmt, texts escaped, bytes as base64.
#include "api/json_writer.h"

#include <fmt/format.h>

#include <cmath>
#include <iterator>

#include "api/base64.h"
#include "crdt/utf8.h"

namespace deltamesh {
namespace {

std::string_view view(const Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// The bytes of the first code point of `text`; 0 if it does not start with one.
std::size_t code_point_bytes(std::string_view text) {
  std::string_view rest = text;
  std::uint32_t point = 0;
  return take_code_point(rest, point) ? text.size() - rest.size() : 0;
}

void escape(std::string& out, char c) {
  switch (c) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default: break;
  }
  const auto code = static_cast<unsigned char>(c);
  if (code >= 0x20) {
    out += c;
  } else {
    fmt::format_to(std::back_inserter(out), "\\u{:04x}", code);
  }
}

}  // namespace

JsonWriter& JsonWriter::open(char bracket) {
  before_value();
  out_ += bracket;
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::close(char bracket) {
  out_ += bracket;
  comma_ = true;
  return *this;
}

void JsonWriter::before_value() {
  if (comma_) out_ += ',';
  comma_ = true;
}

void JsonWriter::quote(std::string_view text) {
  out_ += '"';
  while (!text.empty()) {
    const std::size_t bytes = code_point_bytes(text);
    if (bytes == 1) escape(out_, text.front());
    if (bytes > 1) out_ += text.substr(0, bytes);
    if (bytes == 0) out_ += "\xef\xbf\xbd";
    text.remove_prefix(bytes == 0 ? 1 : bytes);
  }
  out_ += '"';
}

JsonWriter& JsonWriter::key(std::string_view name) {
  before_value();
  quote(name);
  out_ += ':';
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::text(std::string_view text) {
  before_value();
  quote(text);
  return *this;
}

JsonWriter& JsonWriter::bytes(std::string_view bytes) {
  return raw('"' + base64(bytes) + '"');
}

JsonWriter& JsonWriter::integer(std::int64_t value) {
  before_value();
  fmt::format_to(std::back_inserter(out_), "{}", value);
  return *this;
}

JsonWriter& JsonWriter::count(std::uint64_t value) {
  before_value();
  fmt::format_to(std::back_inserter(out_), "{}", value);
  return *this;
}

JsonWriter& JsonWriter::real(double value) {
  if (std::isinf(value)) return text(value < 0 ? "-Infinity" : "Infinity");
  before_value();
  fmt::format_to(std::back_inserter(out_), "{}", value);
  return *this;
}

JsonWriter& JsonWriter::boolean(bool value) {
  return raw(value ? "true" : "false");
}

JsonWriter& JsonWriter::value(const Value& value) {
  switch (type_of(value)) {
    case ValueType::kBool: return boolean(std::get<bool>(value));
    case ValueType::kInt: return integer(std::get<std::int64_t>(value));
    case ValueType::kDouble: return real(std::get<double>(value));
    case ValueType::kString: return text(std::get<std::string>(value));
    case ValueType::kBytes: return bytes(view(std::get<Bytes>(value)));
  }
  return raw("null");
}

JsonWriter& JsonWriter::raw(std::string_view json) {
  before_value();
  out_ += json;
  return *this;
}

}  // namespace deltamesh
