// tools/settings_tree.cc - the one file that sees the TOML library.
#include "tools/settings_tree.h"

#include <toml++/toml.h>

namespace deltamesh {
namespace {

int line_of(const toml::source_region& region) {
  return static_cast<int>(region.begin.line);
}

SettingsValue convert(const toml::node& node);

SettingsTable convert(const toml::table& table) {
  SettingsTable out;
  for (const auto& [key, node] : table) out.emplace(std::string(key.str()), convert(node));
  return out;
}

SettingsList convert(const toml::array& array) {
  SettingsList out;
  for (const auto& node : array) out.push_back(convert(node));
  return out;
}

SettingsValue convert(const toml::node& node) {
  SettingsValue out{line_of(node.source()), {}};
  if (const auto* flag = node.as_boolean()) out.value = flag->get();
  if (const auto* integer = node.as_integer()) out.value = integer->get();
  if (const auto* real = node.as_floating_point()) out.value = real->get();
  if (const auto* text = node.as_string()) out.value = text->get();
  if (const auto* array = node.as_array()) out.value = convert(*array);
  if (const auto* table = node.as_table()) out.value = convert(*table);
  return out;
}

}  // namespace

const char* kind_of(const SettingsValue& value) {
  constexpr const char* kKinds[] = {"a date or time", "true or false", "an integer", "a number",
                                    "a string",       "a list",        "a table"};
  return kKinds[value.value.index()];
}

std::variant<SettingsTable, SettingsSyntaxError> parse_toml(std::string_view text) {
  try {
    return convert(toml::parse(text));
  } catch (const toml::parse_error& error) {
    return SettingsSyntaxError{line_of(error.source()), std::string(error.description())};
  }
}

}  // namespace deltamesh
