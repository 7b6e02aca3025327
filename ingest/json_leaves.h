// ingest/json_leaves.h - a JSON object as a flat list of its leaves, with each number's own text.
//
// The only file that sees Boost.JSON, and only its tokenizer: its conversion of doubles is inexact. Keys are
// joined with '/', array elements go by their index: {"a":{"b":[1,2]}} has the leaves a/b/0 and a/b/1. Nulls
// are skipped. A key with a '/' in it looks like two; whether that makes a duplicate is the reader's
// question.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ingest/refusal.h"

namespace deltamesh {

struct JsonLeaf {
  enum class Kind : unsigned char { kNumber, kString, kBool } kind = Kind::kNumber;
  std::string path;
  std::string text;  // The number as it was written, the string unescaped, or "true" or "false".
};

// Any bytes give leaves or a refusal; size, depth and number are bounded by ingest/limits.h.
Judged<std::vector<JsonLeaf>> json_leaves(std::string_view payload);

}  // namespace deltamesh
