// tools/settings_section.h - one table of a settings file, read key by key; every mistake is noted, none
// stops it.
//
// A getter leaves its target alone where the key is missing or wrong, so that reading goes on and all
// mistakes are told at once. What no getter asked for is an unknown key, which finish() notes.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "crdt/result.h"
#include "tools/settings_tree.h"

namespace deltamesh {

// "node.toml:12: sync.keepalive: ..."
class SettingsErrors {
 public:
  explicit SettingsErrors(std::string file) : file_(std::move(file)) {}
  void add(int line, const std::string& key, const std::string& text);
  // Ordered by line.
  [[nodiscard]] std::vector<std::string> take();

 private:
  std::string file_;
  std::multimap<int, std::string> errors_;
};

class SettingsSection {
 public:
  // `name` is what stands before the dot in errors; empty for the file itself.
  SettingsSection(const SettingsTable& table, std::string name, int line, SettingsErrors& errors)
      : table_(table), name_(std::move(name)), line_(line), errors_(errors) {}

  // False if the key is missing (or of another kind, which is noted).
  bool get(const std::string& key, bool& target);
  bool get(const std::string& key, int& target);
  bool get(const std::string& key, std::string& target);
  bool get_text(const std::string& key, std::string& target);  // Not empty, which is noted.
  bool get(const std::string& key, std::vector<std::string>& target);
  bool get(const std::string& key, std::map<std::string, std::string>& target);
  bool get(const std::string& key, std::map<std::string, double>& target);
  bool get(const std::string& key, std::chrono::microseconds& target);
  bool get_bytes(const std::string& key, std::uint64_t& target);

  // A word, one of `choices`.
  template <class Enum, std::size_t kSize>
  bool get(const std::string& key, Enum& target, const std::pair<const char*, Enum> (&choices)[kSize]) {
    std::string word, words;
    if (!get(key, word)) return false;
    for (const auto& [name, value] : choices) {
      if (word == name) return target = value, true;
      words += (words.empty() ? "" : ", ") + std::string(name);
    }
    return note(key, "\"" + word + "\" is none of: " + words), false;
  }

  // Tables within this one; their keys are named "section.key".
  std::optional<SettingsSection> table(const std::string& key);
  std::vector<SettingsSection> tables(const std::string& key);

  // Notes that `key` (or the section, if it is missing) is wrong.
  void note(const std::string& key, const std::string& text);
  void note_missing(const std::string& key, const std::string& text = "is missing");
  void finish();

  [[nodiscard]] int line() const { return line_; }

 private:
  const SettingsValue* find(const std::string& key);
  [[nodiscard]] std::string path(const std::string& key) const {
    return name_.empty() ? key : name_ + "." + key;
  }
  void note_kind(const std::string& key, const SettingsValue& value, const char* wanted);
  template <class T>
  bool get_as(const std::string& key, T& target, const char* wanted);
  template <class T>
  bool get_map(const std::string& key, std::map<std::string, T>& target, const char* wanted);

  const SettingsTable& table_;
  std::string name_;
  int line_;
  SettingsErrors& errors_;
  std::set<std::string> asked_;
};

}  // namespace deltamesh
