// tools/dump_json.cc - commas, quotes and numbers.
#include "tools/dump_json.h"

#include <fmt/format.h>

#include <cmath>
#include <ostream>

#include "crdt/utf8.h"
#include "tools/dump_format.h"
#include "tools/json_string.h"

namespace deltamesh {
namespace {

constexpr std::uint64_t kExactMax = std::uint64_t{1} << 53;

void write_quoted(std::ostream& out, std::string_view text) {
  std::string quoted;
  append_json_string(quoted, text);
  out << quoted;
}

}  // namespace

void DumpJson::separate() {
  if (!first_) out_ << ',';
  first_ = false;
}

DumpJson& DumpJson::open(char bracket) {
  separate();
  out_ << bracket;
  first_ = true;
  return *this;
}

DumpJson& DumpJson::close(char bracket) {
  out_ << bracket;
  first_ = false;
  return *this;
}

DumpJson& DumpJson::key(std::string_view name) {
  separate();
  write_quoted(out_, name);
  out_ << ':';
  first_ = true;
  return *this;
}

DumpJson& DumpJson::bytes(ByteView bytes) {
  return open('{').text("hex", hex_of(bytes)).close('}');
}

DumpJson& DumpJson::text(std::string_view text) {
  if (!valid_utf8(text)) return bytes(std::as_bytes(std::span(text.data(), text.size())));
  separate();
  write_quoted(out_, text);
  return *this;
}

DumpJson& DumpJson::number(std::uint64_t value) {
  const std::string digits = fmt::format("{}", value);
  if (value > kExactMax) return text(digits);
  separate();
  out_ << digits;
  return *this;
}

DumpJson& DumpJson::integer(std::int64_t value) {
  const auto exact = static_cast<std::int64_t>(kExactMax);
  const std::string digits = fmt::format("{}", value);
  if (value > exact || value < -exact) return text(digits);
  separate();
  out_ << digits;
  return *this;
}

DumpJson& DumpJson::real(double value) {
  if (std::isinf(value)) return text(value < 0 ? "-Infinity" : "Infinity");
  separate();
  out_ << fmt::format("{}", value);
  return *this;
}

DumpJson& DumpJson::boolean(bool value) {
  separate();
  out_ << (value ? "true" : "false");
  return *this;
}

DumpJson& DumpJson::null() {
  separate();
  out_ << "null";
  return *this;
}

DumpJson& DumpJson::value(const Value& value) {
  switch (type_of(value)) {
    case ValueType::kBool: return boolean(std::get<bool>(value));
    case ValueType::kInt: return integer(std::get<std::int64_t>(value));
    case ValueType::kDouble: return real(std::get<double>(value));
    case ValueType::kString: return text(std::get<std::string>(value));
    case ValueType::kBytes: break;
  }
  return bytes(std::get<Bytes>(value));
}

}  // namespace deltamesh
