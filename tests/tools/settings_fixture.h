// tests/tools/settings_fixture.h - a good file of settings, to which tests add.
#pragma once

#include <string>
#include <vector>

#include "tools/settings.h"

namespace deltamesh {

using Errors = std::vector<std::string>;

// Seven lines; what tests add begins on line 8.
inline const std::string kGood =
    "[node]\n"
    "store = \"node.db\"\n"
    "fleet = \"00112233445566778899aabbccddeeff\"\n"
    "[[dataset]]\n"
    "name = \"telemetry\"\n"
    "kind = \"telemetry\"\n"
    "\n";

inline LoadedSettings parse(const std::string& text) {
  return parse_settings(text, "node.toml", {});
}

}  // namespace deltamesh
