// tools/record_fields.h - the fields of one JSON object, each of the form that its reader asks for.
//
// After the first refusal every further call yields an empty value, so that callers look at finish() alone. A
// field that nobody asked for is refused there: it would be lost.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "api/json_value.h"
#include "crdt/interval_set.h"
#include "crdt/map_entry.h"
#include "engine/store.h"

namespace deltamesh {

class RecordFields {
 public:
  // `object` outlives this.
  explicit RecordFields(const JsonValue& object);

  [[nodiscard]] bool has(std::string_view name) const { return object_.find(name) != nullptr; }

  std::uint64_t number(std::string_view name, std::uint64_t max = std::numeric_limits<std::uint64_t>::max());
  std::int64_t integer(std::string_view name);
  std::optional<std::int64_t> integer_or_null(std::string_view name);
  bool boolean(std::string_view name);
  // Text, or any bytes as {"base64": ...}.
  std::string text(std::string_view name);
  std::optional<std::string> text_or_null(std::string_view name);
  Bytes bytes(std::string_view name);  // As base64.
  // 16 bytes, as the digits of an id.
  Bytes digest(std::string_view name);
  std::uint64_t hex64(std::string_view name);
  template <class Tag>
  Id128<Tag> id(std::string_view name) {
    return {hex128(name)};
  }
  StreamClass stream_class(std::string_view name);
  ValueType value_type(std::string_view name);
  Quality quality(std::string_view name);
  IntervalSet intervals(std::string_view name);
  MapPast past(std::string_view name);
  BootSpan boots(std::string_view name);

  void refuse(std::string why);
  Status finish() const;

 private:
  const JsonValue* take(std::string_view name);
  const JsonValue* take(std::string_view name, JsonValue::Kind kind, const char* what);
  std::array<std::uint8_t, 16> hex128(std::string_view name);
  std::optional<std::string> text_in(const JsonValue& value);
  SeenWrite seen_in(const JsonValue& value);

  const JsonValue& object_;
  std::size_t taken_ = 0;
  std::optional<std::string> refused_;
};

}  // namespace deltamesh
