// tests/tidy_test.cc - reads the tree and holds it to the rules of tests/tidy/rules.h, each seen to fail
// first.
#include <catch2/catch.hpp>

#include <algorithm>
#include <fstream>

#include "tests/support/temp_dir.h"
#include "tests/tidy/rules.h"
#include "tests/tidy/source_text.h"
#include "tests/tidy/tree.h"

namespace deltamesh::tidy {
namespace {

namespace fs = std::filesystem;

const fs::path kRoot = DELTAMESH_SOURCE_DIR;

const std::vector<File>& tree() {
  static const auto files = read_tree(kRoot);
  return files;
}

// What `rule` says of all files that `applies` picks, one complaint a line; empty is good.
template <class Rule>
std::string complaints(bool (*applies)(const File&), Rule rule) {
  std::string all;
  for (const auto& file : tree()) {
    if (!applies(file)) continue;
    for (const auto& complaint : rule(file.path, file.text)) all += complaint + "\n";
  }
  return all;
}

// The nearest CMakeLists.txt at or above the folder of `path`.
std::string check_listed_nearby(const std::string& path) {
  auto folder = fs::path(path).parent_path();
  while (!folder.empty() && !fs::exists(kRoot / folder / "CMakeLists.txt")) folder = folder.parent_path();
  const auto found =
      check_listed(path, folder.generic_string(), read_file(kRoot / folder / "CMakeLists.txt"));
  return found.empty() ? "" : found.front();
}

// Headers of tests belong to whoever includes them; all else must be named to be built, and to be compiled
// alone.
bool must_be_listed(const File& file) {
  return file.path.ends_with(".cc") || (file.path.ends_with(".h") && !file.path.starts_with("tests/"));
}

struct Planted {
  std::string path, text;
};

}  // namespace

TEST_CASE("the tree is there to be read", "[tidy]") {
  CHECK(std::count_if(tree().begin(), tree().end(), is_cpp) > 20);
  CHECK(std::count_if(tree().begin(), tree().end(), is_markdown) > 3);
}

TEST_CASE("what is no part of the tree is not read", "[tidy]") {
  const deltamesh::testing::TempDir dir;
  fs::create_directories(dir.path() / "build" / "dev");
  for (const char* name : {".git", "kept.md", "build/dev/made.cc", "build/dev/compile_commands.json"})
    std::ofstream(dir.path() / name) << "text\n";  // In a worktree, .git is a file.
  fs::create_symlink("build/dev/compile_commands.json", dir.path() / "compile_commands.json");
  const auto files = read_tree(dir.path());
  REQUIRE(files.size() == 1);
  CHECK(files[0].path == "kept.md");
}

TEST_CASE("code is told from comments and literals", "[tidy]") {
  const std::string text =
      "int a = 1'000; // b \"\nconst char* c = \"d // e\"; /* f\n */ auto g = R\"x(h)\" i)x\"; char j = "
      "'\"';\n";
  std::vector<std::string> words;
  for (const auto& word : words_of(text)) words.push_back(word.text);
  CHECK(words ==
        std::vector<std::string>{"int", "a", "1", "000", "const", "char", "c", "auto", "g", "char", "j"});
  CHECK(without_comments(text, Keep::kLiterals).find("d // e") != std::string::npos);
}

TEST_CASE("includes go down the layers only", "[tidy]") {
  const auto planted = GENERATE(values<Planted>({
      {"crdt/dot.cc", "#include \"engine/node.h\"\n"},
      {"crdt/dot.cc", "#include <boost/endian.hpp>\n"},
      {"crdt/dot.cc", "#include <unistd.h>\n"},
      {"engine/node.cc", "#include \"engine/sqlite/sqlite_store.h\"\n"},
      {"engine/node.cc", "#include \"transport/driver.h\"\n"},
      {"engine/node.cc", "#include <capnp/message.h>\n"},
      {"engine/sqlite/schema.cc", "#include \"transport/driver.h\"\n"},
      {"engine/sqlite/schema.cc", "#include <boost/asio.hpp>\n"},
      {"transport/tcp.cc", "#include \"api/live.h\"\n"},
      {"transport/tcp.cc", "# include \"engine/sqlite/sqlite_store.h\"\n"},
      {"ingest/topic.cc", "#include \"transport/driver.h\"\n"},
      {"api/live.cc", "#include \"ingest/topic.h\"\n"},
      {"api/live.cc", "#include \"tools/settings.h\"\n"},
      {"tools/settings.cc", "#include \"tests/support/files.h\"\n"},
      {"benchmarks/report.cc", "#include \"tools/settings.h\"\n"},
      {"tests/sim/network.cc", "#include \"transport/driver.h\"\n"},
      {"elsewhere/x.cc", "int x;\n"},
  }));
  CAPTURE(planted.path, planted.text);
  CHECK(check_layers(planted.path, planted.text).size() == 1);
  CHECK(check_layers("tests/x_test.cc", planted.text).empty());
  CHECK(check_layers("engine/codec.cc", "#include <kj/io.h>\n// #include \"api/live.h\"\n").empty());
}

TEST_CASE("the tree keeps to the layers", "[tidy]") {
  CHECK(complaints(is_cpp, check_layers) == "");
}

TEST_CASE("costly libraries are seen by the files listed only", "[tidy]") {
  const auto planted = GENERATE(values<Planted>({
      {"ingest/topic.cc", "#include <mqtt/async_client.h>\n"},
      {"api/live.h", "#include <boost/beast/http.hpp>\n"},
      {"transport/driver.cc", "#include <spdlog/spdlog.h>\n"},
      {"api/live.cc", "#include <sqlite3.h>\n"},
      {"engine/node.cc", "#include \"engine/protocol.capnp.h\"\n"},
      {"tools/replay.cc", "#include <toml++/toml.h>\n"},
      {"transport/driver.cc", "#include <CLI/CLI.hpp>\n"},
      {"engine/node.cc", "#include <rapidcheck.h>\n"},
  }));
  CAPTURE(planted.path, planted.text);
  CHECK(check_library_homes(planted.path, planted.text).size() == 1);
}

TEST_CASE("the tree keeps costly libraries at home", "[tidy]") {
  CHECK(complaints(is_cpp, check_library_homes) == "");
}

TEST_CASE("crdt and engine do no I/O", "[tidy]") {
  const auto text = GENERATE(values<std::string>({
      "#include <thread>\n",
      "#include <sys/socket.h>\n",
      "#include <fstream>\n",
      "auto t = std::chrono::steady_clock::now();\n",
      "std::random_device seed;\n",
      "std::thread worker(run);\n",
      "const char* home = std::getenv(\"HOME\");\n",
      "std::uniform_int_distribution<int> pick(0, 9);\n",
      "boost::asio::post(f);\n",
      "FILE* f = fopen(name, \"r\");\n",
  }));
  CAPTURE(text);
  CHECK(check_sans_io("crdt/dot.cc", text).size() == 1);
  CHECK(check_sans_io("engine/node.cc", text).size() == 1);
  CHECK(check_sans_io("engine/sqlite/schema.cc", text).empty());
  CHECK(check_sans_io("engine/node.cc", "// Reads no std::chrono::steady_clock.\nint thread = 0;\n").empty());
}

TEST_CASE("the tree's crdt and engine do no I/O", "[tidy]") {
  CHECK(complaints(is_cpp, check_sans_io) == "");
}

TEST_CASE("no coroutines while g++-12 is supported", "[tidy]") {
  const auto word = GENERATE(values<std::string>({"co_await", "co_return", "co_yield"}));
  CHECK(check_coroutines("api/live.cc", word + " f();\n").size() == 1);
  CHECK(check_coroutines("api/live.cc", "// " + word + "\nauto s = \"" + word + "\";\n").empty());
  CHECK(complaints(is_cpp, check_coroutines) == "");
}

TEST_CASE("a file opens with its path and a sentence, and a header guards itself", "[tidy]") {
  CHECK(check_opening("crdt/dot.h", "// crdt/dot.h - names.\n#pragma once\n").empty());
  CHECK(check_opening("crdt/dot.h", "// crdt/dot.h - names.\n").size() == 1);
  CHECK(check_opening("crdt/dot.cc", "// crdt/dots.cc - names.\n").size() == 1);
  CHECK(check_opening("crdt/dot.cc", "// crdt/dot.cc - \n").size() == 1);
  CHECK(check_opening("crdt/dot.cc", "").size() == 1);
  CHECK(complaints(is_cpp, check_opening) == "");
}

TEST_CASE("what CMake does not list is reported", "[tidy]") {
  const std::string cmake = "deltamesh_module(crdt\n  SOURCES dot.cc # varint.cc\n  HEADERS dot.h)\n";
  CHECK(check_listed("crdt/dot.cc", "crdt", cmake).empty());
  CHECK(check_listed("crdt/dot.h", "crdt", cmake).empty());
  CHECK(check_listed("crdt/varint.cc", "crdt", cmake).size() == 1);
  CHECK(check_listed("crdt/ot.cc", "crdt", cmake).size() == 1);
  CHECK(check_listed("tests/tidy/rules.cc", "tests", "deltamesh_test(x SOURCES tidy/rules.cc)").empty());
}

TEST_CASE("every source of the tree is built", "[tidy]") {
  CHECK(complaints(must_be_listed, [](const std::string& path, const std::string&) {
          const auto complaint = check_listed_nearby(path);
          return complaint.empty() ? Complaints{} : Complaints{complaint};
        }) == "");
}

TEST_CASE("links in documents lead somewhere", "[tidy]") {
  const auto exists = [](const std::string& path) { return path == "docs/a.md" || path == "README.md"; };
  CHECK(check_links("docs/b.md", "[a](a.md#part) [r](../README.md) [w](https://example.org/) [h](#here)\n",
                    exists)
            .empty());
  CHECK(check_links("docs/b.md", "[gone](gone.md)\n", exists).size() == 1);
  CHECK(check_links("docs/b.md", "[a](docs/a.md) and [a](a.md)\n", exists).size() == 1);
  CHECK(check_links("docs/b.md", "```\n[gone](gone.md)\n```\n", exists).empty());
}

TEST_CASE("the tree's links lead somewhere", "[tidy]") {
  CHECK(complaints(is_markdown, [](const std::string& path, const std::string& text) {
          return check_links(path, text,
                             [](const std::string& target) { return fs::exists(kRoot / target); });
        }) == "");
}

TEST_CASE("no text names a machine of ours or a package host", "[tidy]") {
  const std::string slash = "/";  // Keeps this file within its own rule.
  CHECK(check_machine_words("docs/a.md", "see " + slash + "work/main\n").size() == 1);
  CHECK(check_machine_words("docs/a.md", "in `" + slash + "root/x`\n").size() == 1);
  CHECK(check_machine_words("docs/a.md", "from http://deb." + std::string("debian.org/\n")).size() == 1);
  CHECK(check_machine_words("docs/a.md", "the frame" + slash + "work/ of docs" + slash + "root/\n").empty());
  CHECK(complaints(any, check_machine_words) == "");
}

TEST_CASE("no source says that it is unfinished", "[tidy]") {
  const std::string word = std::string("TO") + "DO";
  CHECK(check_unfinished("crdt/dot.cc", "// " + word + ": more\n").size() == 1);
  CHECK(check_unfinished("crdt/dot.cc", "int mas" + word + "nt;\n").empty());
  CHECK(complaints(is_source, check_unfinished) == "");
}

}  // namespace deltamesh::tidy
