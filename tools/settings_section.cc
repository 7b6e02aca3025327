// tools/settings_section.cc - kinds, unknown keys, and what is said about them.
#include "tools/settings_section.h"

#include <limits>

#include "tools/units.h"

namespace deltamesh {
namespace {

template <class T>
bool take(const SettingsValue& value, T& target) {
  const T* const found = std::get_if<T>(&value.value);
  if (found != nullptr) target = *found;
  return found != nullptr;
}

// 2 is a number as well as 2.0.
bool take(const SettingsValue& value, double& target) {
  if (const auto* const integer = std::get_if<std::int64_t>(&value.value))
    return target = static_cast<double>(*integer), true;
  return take<double>(value, target);
}

bool take(const SettingsValue& value, int& target) {
  const auto* const integer = std::get_if<std::int64_t>(&value.value);
  if (integer == nullptr || *integer < std::numeric_limits<int>::min() ||
      *integer > std::numeric_limits<int>::max())
    return false;
  return target = static_cast<int>(*integer), true;
}

}  // namespace

void SettingsErrors::add(int line, const std::string& key, const std::string& text) {
  errors_.emplace(line, file_ + ":" + std::to_string(line) + ": " + (key.empty() ? "" : key + ": ") + text);
}

std::vector<std::string> SettingsErrors::take() {
  std::vector<std::string> all;
  for (auto& [line, text] : errors_) all.push_back(std::move(text));
  errors_.clear();
  return all;
}

const SettingsValue* SettingsSection::find(const std::string& key) {
  asked_.insert(key);
  const auto at = table_.find(key);
  return at == table_.end() ? nullptr : &at->second;
}

void SettingsSection::note(const std::string& key, const std::string& text) {
  const auto at = table_.find(key);
  errors_.add(at == table_.end() ? line_ : at->second.line, path(key), text);
}

void SettingsSection::note_missing(const std::string& key, const std::string& text) {
  if (!table_.contains(key)) errors_.add(line_, path(key), text);
}

void SettingsSection::note_kind(const std::string& key, const SettingsValue& value, const char* wanted) {
  errors_.add(value.line, path(key), std::string("must be ") + wanted + ", not " + kind_of(value));
}

template <class T>
bool SettingsSection::get_as(const std::string& key, T& target, const char* wanted) {
  const SettingsValue* const value = find(key);
  if (value == nullptr) return false;
  if (take(*value, target)) return true;
  return note_kind(key, *value, wanted), false;
}

bool SettingsSection::get(const std::string& key, bool& target) {
  return get_as(key, target, "true or false");
}

bool SettingsSection::get(const std::string& key, int& target) {
  return get_as(key, target, "a 32-bit integer");
}

bool SettingsSection::get(const std::string& key, std::string& target) {
  return get_as(key, target, "a string");
}

bool SettingsSection::get_text(const std::string& key, std::string& target) {
  std::string text;
  if (!get(key, text)) return false;
  if (text.empty()) return note(key, "must not be empty"), false;
  return target = std::move(text), true;
}

bool SettingsSection::get(const std::string& key, std::vector<std::string>& target) {
  SettingsList list;
  if (!get_as(key, list, "a list of strings")) return false;
  std::vector<std::string> texts(list.size());
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (!take(list[i], texts[i])) return note_kind(key, list[i], "a list of strings"), false;
  }
  return target = std::move(texts), true;
}

template <class T>
bool SettingsSection::get_map(const std::string& key, std::map<std::string, T>& target, const char* wanted) {
  SettingsTable table;
  if (!get_as(key, table, "a table")) return false;
  for (const auto& [name, value] : table) {
    if (!take(value, target[name])) return note_kind(key + "." + name, value, wanted), false;
  }
  return true;
}

bool SettingsSection::get(const std::string& key, std::map<std::string, std::string>& target) {
  return get_map(key, target, "a string");
}

bool SettingsSection::get(const std::string& key, std::map<std::string, double>& target) {
  return get_map(key, target, "a number");
}

bool SettingsSection::get(const std::string& key, std::chrono::microseconds& target) {
  std::string text;
  if (!get_as(key, text, "a duration in quotes (examples: \"500ms\", \"10s\")")) return false;
  const auto duration = parse_duration(text);
  if (!duration) return note(key, duration.error().text), false;
  return target = *duration, true;
}

bool SettingsSection::get_bytes(const std::string& key, std::uint64_t& target) {
  std::string text;
  if (!get_as(key, text, "a size in quotes (example: \"64MB\")")) return false;
  const auto bytes = parse_bytes(text);
  if (!bytes) return note(key, bytes.error().text), false;
  return target = *bytes, true;
}

std::optional<SettingsSection> SettingsSection::table(const std::string& key) {
  const SettingsValue* const value = find(key);
  if (value == nullptr) return std::nullopt;
  const auto* const table = std::get_if<SettingsTable>(&value->value);
  if (table == nullptr) return note_kind(key, *value, "a table"), std::nullopt;
  return SettingsSection(*table, path(key), value->line, errors_);
}

std::vector<SettingsSection> SettingsSection::tables(const std::string& key) {
  const SettingsValue* const value = find(key);
  if (value == nullptr) return {};
  const std::string wanted = "a list of tables, [[" + path(key) + "]]";
  const auto* const list = std::get_if<SettingsList>(&value->value);
  if (list == nullptr) return note_kind(key, *value, wanted.c_str()), std::vector<SettingsSection>();
  std::vector<SettingsSection> sections;
  for (const SettingsValue& item : *list) {
    const auto* const table = std::get_if<SettingsTable>(&item.value);
    if (table != nullptr) sections.emplace_back(*table, path(key), item.line, errors_);
    if (table == nullptr) note_kind(key, item, wanted.c_str());
  }
  return sections;
}

void SettingsSection::finish() {
  for (const auto& [key, value] : table_) {
    if (!asked_.contains(key)) errors_.add(value.line, path(key), "unknown key");
  }
}

}  // namespace deltamesh
