// tests/tidy/source_text.h - C++ text as the tidy rules see it: without comments and literals, as words, as
// includes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace deltamesh::tidy {

enum class Keep { kLiterals, kCodeOnly };

// The text with comments (and, for kCodeOnly, the insides of string and character literals) as spaces; line
// ends stay, so line numbers do too.
std::string without_comments(std::string_view text, Keep keep);

struct Include {
  int line = 0;
  std::string path;
  bool angled = false;  // <path>; else "path".
};
std::vector<Include> includes_of(std::string_view text);

// An identifier of the code, outside #include lines; qualified: "::" stands right before it.
struct Word {
  int line = 0;
  std::string text;
  bool qualified = false;
};
std::vector<Word> words_of(std::string_view text);

std::vector<std::string> lines_of(std::string_view text);

}  // namespace deltamesh::tidy
