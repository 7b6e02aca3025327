// tests/tidy/tree.h - the text files of a source tree, as the rules see them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace deltamesh::tidy {

struct File {
  std::string path;  // Relative to the root, with '/'.
  std::string text;
};

std::string read_file(const std::filesystem::path& path);

// All that belongs to the project, in the order of paths: not .git, which in a worktree is a file, not what
// is built, no links, nothing binary.
std::vector<File> read_tree(const std::filesystem::path& root);

bool is_cpp(const File& file);
bool is_source(const File& file);
bool is_markdown(const File& file);
bool any(const File& file);

}  // namespace deltamesh::tidy
