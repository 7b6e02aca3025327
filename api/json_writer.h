// api/json_writer.h - JSON text, written from front to back.
//
// Commas come by themselves. Doubles are printed with the fewest digits that read back as the same double;
// infinities, which JSON lacks, as the strings "Infinity" and "-Infinity". Bytes that are not UTF-8 are
// printed as U+FFFD in text; where the bytes matter, use bytes().
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "crdt/sample.h"

namespace deltamesh {

class JsonWriter {
 public:
  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }

  // The name of the next value.
  JsonWriter& key(std::string_view name);

  JsonWriter& text(std::string_view text);
  JsonWriter& bytes(std::string_view bytes);  // As base64.
  JsonWriter& integer(std::int64_t value);
  JsonWriter& count(std::uint64_t value);
  JsonWriter& real(double value);
  JsonWriter& boolean(bool value);
  JsonWriter& value(const Value& value);
  JsonWriter& raw(std::string_view json);  // One complete value.

  [[nodiscard]] std::size_t size() const { return out_.size(); }
  std::string take() { return std::move(out_); }

 private:
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);
  void before_value();
  void quote(std::string_view text);

  std::string out_;
  bool comma_ = false;  // A value stands before.
};

}  // namespace deltamesh
