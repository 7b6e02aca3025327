// tools/settings_tree.h - a settings file as plain values, each with the line that it stands on.
//
// The rest of the settings code knows these and not the TOML library.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace deltamesh {

struct SettingsValue;
using SettingsTable = std::map<std::string, SettingsValue>;
using SettingsList = std::vector<SettingsValue>;

struct SettingsValue {
  int line = 0;
  // monostate: a kind that no setting has (dates and times).
  std::variant<std::monostate, bool, std::int64_t, double, std::string, SettingsList, SettingsTable> value;
};

// "a string", "a table", ... for errors.
const char* kind_of(const SettingsValue& value);

struct SettingsSyntaxError {
  int line = 0;
  std::string text;
};

// TOML 1.0.
std::variant<SettingsTable, SettingsSyntaxError> parse_toml(std::string_view text);

}  // namespace deltamesh
