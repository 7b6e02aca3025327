// api/json_value.h - a JSON text as a tree, with each number's own text.
//
// The only file that sees Boost.JSON, and only its tokenizer: its conversion of doubles is inexact. Whatever
// the text says, depth and number of values stay within api/limits.h, and no object has a key twice: which of
// them was meant is anybody's guess.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "crdt/result.h"

namespace deltamesh {

struct JsonValue {
  enum class Kind : std::uint8_t { kNull, kBool, kNumber, kString, kArray, kObject } kind = Kind::kNull;
  std::string text;               // The number as it was written, the string unescaped, or "true" or "false".
  std::vector<JsonValue> items;   // Of an array, or the values of an object...
  std::vector<std::string> keys;  // ...which has a key for each.

  // The member of an object; null if there is none.
  [[nodiscard]] const JsonValue* find(std::string_view key) const;
};

// `what`: the text, in errors.
Result<JsonValue> parse_json(std::string_view text, std::string_view what = "the body");

}  // namespace deltamesh
