// tests/tidy/tree.cc - walks the folders and tells what belongs to the project.
#include "tests/tidy/tree.h"

#include <algorithm>
#include <fstream>
#include <iterator>

namespace deltamesh::tidy {

namespace fs = std::filesystem;

namespace {

bool is_binary(const std::string& text) {
  return text.find('\0') != std::string::npos;
}

// What no repository holds, though it may lie in the folder; links lead to what is read where it is, or
// built.
bool is_foreign(const fs::directory_entry& entry) {
  const auto name = entry.path().filename();
  return name == ".git" || name == "build" || name == ".cache" || entry.is_symlink();
}

}  // namespace

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

bool is_cpp(const File& file) {
  return file.path.ends_with(".cc") || file.path.ends_with(".h");
}
bool is_source(const File& file) {
  return is_cpp(file) || file.path.ends_with(".capnp") || file.path.ends_with(".cmake") ||
         file.path.ends_with("CMakeLists.txt") || file.path.starts_with("scripts/");
}
bool is_markdown(const File& file) {
  return file.path.ends_with(".md");
}
bool any(const File&) {
  return true;
}

std::vector<File> read_tree(const fs::path& root) {
  std::vector<File> files;
  for (auto entry = fs::recursive_directory_iterator(root); entry != fs::recursive_directory_iterator();
       ++entry) {
    if (is_foreign(*entry)) entry.disable_recursion_pending();
    if (is_foreign(*entry) || !entry->is_regular_file()) continue;
    auto text = read_file(entry->path());
    if (!is_binary(text))
      files.push_back({entry->path().lexically_relative(root).generic_string(), std::move(text)});
  }
  std::sort(files.begin(), files.end(), [](const File& a, const File& b) { return a.path < b.path; });
  return files;
}

}  // namespace deltamesh::tidy
