// tools/dump_json.h - writes the one JSON document of crdt-dump, piece by piece, without holding it.
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

class DumpJson {
 public:
  explicit DumpJson(std::ostream& out) : out_(out) {}

  DumpJson& open(char bracket);   // '{' or '['
  DumpJson& close(char bracket);  // '}' or ']'
  DumpJson& key(std::string_view name);

  DumpJson& text(std::string_view text);
  DumpJson& number(std::uint64_t value);
  DumpJson& integer(std::int64_t value);
  DumpJson& real(double value);
  DumpJson& boolean(bool value);
  DumpJson& null();
  DumpJson& value(const Value& value);

  DumpJson& text(std::string_view name, std::string_view value) { return key(name).text(value); }
  DumpJson& number(std::string_view name, std::uint64_t value) { return key(name).number(value); }
  DumpJson& boolean(std::string_view name, bool value) { return key(name).boolean(value); }

 private:
  void separate();
  DumpJson& bytes(ByteView bytes);

  std::ostream& out_;
  bool first_ = true;  // Nothing stands before in this object or array, or a key does.
};

}  // namespace deltamesh
