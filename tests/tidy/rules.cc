// tests/tidy/rules.cc - the rules of the tree: what each complains about.
#include "tests/tidy/rules.h"

#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>

#include "tests/tidy/source_text.h"

namespace deltamesh::tidy {
namespace {

using Names = std::vector<std::string_view>;

std::string at(std::string_view path, int line, const std::string& what) {
  return std::string(path) + ":" + std::to_string(line) + ": " + what;
}

bool starts_with_any(std::string_view text, const Names& prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(), [&](auto prefix) { return text.starts_with(prefix); });
}

bool contains(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// '*' stands for any characters but '/'.
bool matches_any(std::string_view path, const Names& patterns) {
  const std::string text(path);
  return std::any_of(patterns.begin(), patterns.end(), [&](auto pattern) {
    return fnmatch(std::string(pattern).c_str(), text.c_str(), FNM_PATHNAME) == 0;
  });
}

// ---- layers ----

// The folder of a file decides what it may include; the first row whose folder fits counts.
struct Layer {
  std::string_view folder;
  Names own;      // Prefixes of own headers; empty: any.
  bool std_only;  // Of the rest: the standard library alone, and `extra`.
  Names extra;
};

const std::vector<Layer>& layers() {
  static const std::vector<Layer> table{
      {"crdt/", {"crdt/"}, true, {"xxhash.h"}},
      {"engine/sqlite/",
       {"crdt/", "engine/"},
       true,
       {"sqlite3.h", "xxhash.h", "fcntl.h", "unistd.h", "sys/"}},
      {"engine/codec", {"crdt/", "engine/"}, true, {"capnp/", "kj/"}},
      {"engine/", {"crdt/", "engine/"}, true, {}},
      {"transport/", {"crdt/", "engine/", "transport/"}, false, {}},
      {"ingest/", {"crdt/", "engine/", "ingest/"}, false, {}},
      {"api/", {"crdt/", "engine/", "api/"}, false, {}},
      {"tools/", {"crdt/", "engine/", "transport/", "ingest/", "api/", "tools/"}, false, {}},
      {"benchmarks/",
       {"crdt/", "engine/", "transport/", "ingest/", "api/", "benchmarks/", "tests/sim/", "tests/scenarios/",
        "tests/support/"},
       false,
       {}},
      {"tests/sim/", {"crdt/", "engine/", "tests/sim/"}, false, {}},
      {"tests/", {}, false, {}},
  };
  return table;
}

const Layer* layer_of(std::string_view path) {
  const auto& table = layers();
  const auto found = std::find_if(table.begin(), table.end(),
                                  [&](const Layer& layer) { return path.starts_with(layer.folder); });
  return found == table.end() ? nullptr : &*found;
}

bool is_standard_header(std::string_view name) {
  return name.find_first_of("./") == std::string_view::npos;
}

// engine/sqlite sits above the engine: beside it and the programs, nobody names it.
bool reaches_into_sqlite(std::string_view path, std::string_view include) {
  return include.starts_with("engine/sqlite/") &&
         !starts_with_any(path, {"engine/sqlite/", "tools/", "tests/", "benchmarks/"});
}

bool allowed(const Layer& layer, const Include& include) {
  if (!include.angled) return layer.own.empty() || starts_with_any(include.path, layer.own);
  return !layer.std_only || is_standard_header(include.path) || starts_with_any(include.path, layer.extra);
}

// ---- homes of libraries ----

struct Home {
  Names includes;  // Prefixes.
  Names files;     // Patterns.
};

const std::vector<Home>& homes() {
  static const std::vector<Home> table{
      {{"mqtt/", "MQTTAsync.h", "MQTTClient.h"}, {"ingest/mqtt_source.*", "tools/mqtt_publisher.*"}},
      {{"boost/beast"}, {"transport/boost_beast.cc", "transport/websocket*.cc", "api/http*.cc"}},
      {{"CLI/"}, {"tools/*.cc", "benchmarks/options.cc"}},
      {{"toml++/"}, {"tools/settings*.cc"}},
      {{"spdlog/"}, {"tools/log*.cc"}},
      {{"sqlite3.h"}, {"engine/sqlite/*", "tests/*", "tests/*/*"}},
      {{"capnp/", "kj/", "engine/protocol.capnp.h"}, {"engine/codec*", "tests/*/*"}},
      {{"catch2/", "rapidcheck"}, {"tests/*", "tests/*/*", "tests/*/*/*"}},
  };
  return table;
}

// ---- sans-IO ----

bool is_sans_io(std::string_view path) {
  return starts_with_any(path, {"crdt/", "engine/"}) && !path.starts_with("engine/sqlite/");
}

const Names kOutsideHeaders{"thread",     "mutex",      "shared_mutex", "condition_variable",
                            "future",     "semaphore",  "latch",        "barrier",
                            "stop_token", "fstream",    "iostream",     "ctime",
                            "filesystem", "syncstream", "unistd.h",     "fcntl.h",
                            "netdb.h",    "poll.h",     "time.h",       "pthread.h"};

const Names kOutsideWords{"system_clock", "steady_clock",  "high_resolution_clock",
                          "utc_clock",    "file_clock",    "gettimeofday",
                          "localtime",    "clock_gettime", "random_device",
                          "getenv",       "secure_getenv", "setenv",
                          "fopen",        "fread",         "fwrite",
                          "fprintf",      "printf",        "ifstream",
                          "ofstream",     "fstream",       "filesystem",
                          "cout",         "cerr",          "socket",
                          "asio",         "mutex",         "shared_mutex",
                          "jthread",      "this_thread",   "condition_variable",
                          "rand",         "srand",         "sleep_for",
                          "usleep"};

bool is_outside_word(const Word& word) {
  return contains(kOutsideWords, word.text) || (word.qualified && word.text == "thread") ||
         (word.qualified && word.text.ends_with("_distribution"));
}

// ---- links ----

bool is_remote(std::string_view link) {
  return link.empty() || link.front() == '#' || starts_with_any(link, {"http://", "https://", "mailto:"});
}

std::string resolve(std::string_view from, std::string_view link) {
  const auto target = link.substr(0, link.find('#'));
  return (std::filesystem::path(from).parent_path() / target).lexically_normal().generic_string();
}

// ---- words ----

bool is_path_char(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == '}';
}

// In two pieces each, so that this file passes its own rule.
const std::vector<std::string>& machine_words() {
  static const std::vector<std::string> words{
      std::string("/wo") + "rk/",       std::string("/ro") + "ot/",      std::string("/ho") + "me/",
      std::string("/fa") + "rm/",       std::string("deb.deb") + "ian.", std::string("security.deb") + "ian.",
      std::string("registry.n") + "pm", std::string("py") + "pi.org",    std::string("crates") + ".io",
      std::string("proxy.go") + "lang", std::string("hub.doc") + "ker"};
  return words;
}

const std::vector<std::string>& unfinished_words() {
  static const std::vector<std::string> words{std::string("to") + "do", std::string("fix") + "me",
                                              std::string("xx") + "x",  std::string("ha") + "ck",
                                              std::string("st") + "ub", std::string("place") + "holder"};
  return words;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

enum class Edges { kPathStart, kWholeWord };

bool stands_alone(std::string_view line, std::size_t found, std::size_t size, Edges edges) {
  if (edges == Edges::kPathStart) return found == 0 || line[found] != '/' || !is_path_char(line[found - 1]);
  const auto end = found + size;
  const auto letter = [&](std::size_t i) { return std::isalnum(static_cast<unsigned char>(line[i])) != 0; };
  return (found == 0 || !letter(found - 1)) && (end == line.size() || !letter(end));
}

Complaints find_words(std::string_view path, std::string_view text, const std::vector<std::string>& words,
                      Edges edges, const std::string& advice) {
  Complaints complaints;
  int number = 0;
  for (const auto& raw : lines_of(text)) {
    ++number;
    const auto line = lower(raw);
    for (const auto& word : words) {
      for (auto found = line.find(word); found != std::string::npos; found = line.find(word, found + 1)) {
        if (stands_alone(line, found, word.size(), edges))
          complaints.push_back(at(path, number, word + advice));
      }
    }
  }
  return complaints;
}

}  // namespace

Complaints check_layers(std::string_view path, std::string_view text) {
  Complaints complaints;
  const auto* layer = layer_of(path);
  if (layer == nullptr)
    return {std::string(path) + ": stands in no layer; see layers() in tests/tidy/rules.cc"};
  for (const auto& include : includes_of(text)) {
    if (allowed(*layer, include) && !reaches_into_sqlite(path, include.path)) continue;
    complaints.push_back(at(path, include.line, "may not include " + include.path));
  }
  return complaints;
}

Complaints check_library_homes(std::string_view path, std::string_view text) {
  Complaints complaints;
  for (const auto& include : includes_of(text)) {
    for (const auto& home : homes()) {
      if (!starts_with_any(include.path, home.includes) || matches_any(path, home.files)) continue;
      complaints.push_back(
          at(path, include.line, include.path + " belongs to " + std::string(home.files.front())));
    }
  }
  return complaints;
}

Complaints check_sans_io(std::string_view path, std::string_view text) {
  Complaints complaints;
  if (!is_sans_io(path)) return complaints;
  for (const auto& include : includes_of(text)) {
    if (!contains(kOutsideHeaders, include.path) && !include.path.starts_with("sys/")) continue;
    complaints.push_back(at(path, include.line, "does no I/O, so may not include <" + include.path + ">"));
  }
  for (const auto& word : words_of(text)) {
    if (is_outside_word(word))
      complaints.push_back(at(path, word.line, "does no I/O, so may not use " + word.text));
  }
  return complaints;
}

Complaints check_coroutines(std::string_view path, std::string_view text) {
  static const Names kWords{"co_await", "co_return", "co_yield"};
  Complaints complaints;
  for (const auto& word : words_of(text)) {
    if (contains(kWords, word.text))
      complaints.push_back(at(path, word.line, word.text + " is miscompiled by g++-12"));
  }
  return complaints;
}

Complaints check_opening(std::string_view path, std::string_view text) {
  Complaints complaints;
  const auto lines = lines_of(text);
  const auto opening = "// " + std::string(path) + " - ";
  if (lines.empty() || !lines.front().starts_with(opening) || lines.front().size() <= opening.size()) {
    complaints.push_back(at(path, 1, "must begin with '" + opening + "' and one sentence"));
  }
  if (path.ends_with(".h") && std::find(lines.begin(), lines.end(), "#pragma once") == lines.end()) {
    complaints.push_back(at(path, 1, "a header needs #pragma once"));
  }
  return complaints;
}

Complaints check_listed(std::string_view path, std::string_view folder, std::string_view cmake) {
  const auto name = path.substr(folder.empty() ? 0 : folder.size() + 1);
  for (const auto& line : lines_of(cmake)) {
    const auto code = line.substr(0, line.find('#'));
    for (std::size_t from = 0; (from = code.find_first_not_of(" \t()\"", from)) != std::string::npos;) {
      const auto end = std::min(code.find_first_of(" \t()\"", from), code.size());
      if (std::string_view(code).substr(from, end - from) == name) return {};
      from = end;
    }
  }
  return {std::string(path) + ": is not listed in " + std::string(folder) + "/CMakeLists.txt"};
}

Complaints check_links(std::string_view path, std::string_view text,
                       const std::function<bool(const std::string&)>& exists) {
  Complaints complaints;
  int number = 0;
  bool fenced = false;
  for (const auto& line : lines_of(text)) {
    ++number;
    if (line.starts_with("```")) fenced = !fenced;
    if (fenced) continue;
    for (auto open = line.find("]("); open != std::string::npos; open = line.find("](", open + 2)) {
      const auto link = line.substr(open + 2, line.find_first_of(") ", open) - open - 2);
      if (!is_remote(link) && !exists(resolve(path, link)))
        complaints.push_back(at(path, number, "no such file: " + link));
    }
  }
  return complaints;
}

Complaints check_machine_words(std::string_view path, std::string_view text) {
  return find_words(path, text, machine_words(), Edges::kPathStart,
                    " names a machine, which differs for every reader");
}

Complaints check_unfinished(std::string_view path, std::string_view text) {
  return find_words(path, text, unfinished_words(), Edges::kWholeWord,
                    ": finish it, or say what is so and why");
}

}  // namespace deltamesh::tidy
