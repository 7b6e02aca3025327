// tools/json_writer.h - writes one JSON document, piece by piece, without holding it.
//
// Integers beyond 2^53, which many readers of JSON round, are written as strings of digits; doubles as the
// shortest text that reads back to the same double, infinities as "Infinity" and "-Infinity". Bytes, and text
// that is not UTF-8, become {"hex": "..."}.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string_view>

#include "crdt/sample.h"

namespace deltamesh {

class JsonWriter {
 public:
  explicit JsonWriter(std::ostream& out) : out_(out) {}

  JsonWriter& open(char bracket);   // '{' or '['
  JsonWriter& close(char bracket);  // '}' or ']'
  JsonWriter& key(std::string_view name);

  JsonWriter& text(std::string_view text);
  JsonWriter& number(std::uint64_t value);
  JsonWriter& integer(std::int64_t value);
  JsonWriter& real(double value);
  JsonWriter& boolean(bool value);
  JsonWriter& null();
  JsonWriter& value(const Value& value);

  JsonWriter& text(std::string_view name, std::string_view value) { return key(name).text(value); }
  JsonWriter& number(std::string_view name, std::uint64_t value) { return key(name).number(value); }
  JsonWriter& boolean(std::string_view name, bool value) { return key(name).boolean(value); }

 private:
  void separate();
  JsonWriter& bytes(ByteView bytes);

  std::ostream& out_;
  bool first_ = true;  // Nothing stands before in this object or array, or a key does.
};

}  // namespace deltamesh
