// tools/json_string.h - text as a JSON string.
#pragma once

#include <string>
#include <string_view>

namespace deltamesh {

// Appends `text`, which is UTF-8, in quotes.
void append_json_string(std::string& out, std::string_view text);

}  // namespace deltamesh
