// tests/tidy/source_text.cc - a scanner that knows just enough C++ to tell code from comments and literals.
#include "tests/tidy/source_text.h"

#include <algorithm>
#include <cctype>

namespace deltamesh::tidy {
namespace {

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

// Copies `text` piece by piece; each skip_ function starts at the opening mark and ends behind the closing
// one.
class Scanner {
 public:
  Scanner(std::string_view text, Keep keep) : text_(text), keep_(keep) {}

  std::string run() {
    while (at_ < text_.size()) step();
    return std::move(out_);
  }

 private:
  void step() {
    if (starts("//")) return blank_until(std::min(text_.find('\n', at_), text_.size()));
    if (starts("/*")) return blank_until(end_of("*/", at_ + 2));
    if (starts("R\"") && !after_word()) return raw_string();
    if (text_[at_] == '"' || (text_[at_] == '\'' && !after_word())) return quoted(text_[at_]);
    out_ += text_[at_++];
  }

  bool starts(std::string_view mark) const { return text_.substr(at_, mark.size()) == mark; }
  bool after_word() const { return at_ > 0 && is_word(text_[at_ - 1]); }  // The ' of 1'000 is no literal.

  std::size_t end_of(std::string_view mark, std::size_t from) const {
    const auto found = text_.find(mark, from);
    return found == std::string_view::npos ? text_.size() : found + mark.size();
  }

  void blank_until(std::size_t end) {
    for (; at_ < end; ++at_) out_ += text_[at_] == '\n' ? '\n' : ' ';
  }

  void literal_until(std::size_t end) {
    if (keep_ == Keep::kCodeOnly) return blank_until(end);
    out_ += text_.substr(at_, end - at_);
    at_ = end;
  }

  void raw_string() {
    const auto open = std::min(text_.find('(', at_), text_.size());
    const std::string delimiter(text_.substr(at_ + 2, open - std::min(open, at_ + 2)));
    literal_until(end_of(")" + delimiter + "\"", open));
  }

  void quoted(char mark) {
    auto end = at_ + 1;
    while (end < text_.size() && text_[end] != mark && text_[end] != '\n') end += text_[end] == '\\' ? 2 : 1;
    literal_until(std::min(end + 1, text_.size()));
  }

  std::string_view text_;
  Keep keep_;
  std::size_t at_ = 0;
  std::string out_;
};

}  // namespace

std::string without_comments(std::string_view text, Keep keep) {
  return Scanner(text, keep).run();
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

namespace {

// The path that the line includes, with its opening mark before it; empty if the line includes nothing.
std::string included_by(const std::string& line) {
  const auto hash = line.find_first_not_of(" \t");
  if (hash == std::string::npos || line[hash] != '#') return {};
  const auto word = line.find_first_not_of(" \t", hash + 1);
  if (word == std::string::npos || line.compare(word, 7, "include") != 0) return {};
  const auto open = line.find_first_of("<\"", word);
  if (open == std::string::npos) return {};
  const auto close = line.find(line[open] == '<' ? '>' : '"', open + 1);
  return close == std::string::npos ? std::string{} : line.substr(open, close - open);
}

void append_words(const std::string& code, int line, std::vector<Word>& words) {
  for (std::size_t at = 0; at < code.size(); ++at) {
    if (!is_word(code[at])) continue;
    auto end = at;
    while (end < code.size() && is_word(code[end])) ++end;
    words.push_back({line, code.substr(at, end - at), at >= 2 && code.compare(at - 2, 2, "::") == 0});
    at = end;
  }
}

}  // namespace

std::vector<Include> includes_of(std::string_view text) {
  std::vector<Include> found;
  int number = 0;
  for (const auto& line : lines_of(without_comments(text, Keep::kLiterals))) {
    ++number;
    const auto path = included_by(line);
    if (!path.empty()) found.push_back({number, path.substr(1), path.front() == '<'});
  }
  return found;
}

std::vector<Word> words_of(std::string_view text) {
  std::vector<Word> words;
  int number = 0;
  for (const auto& line : lines_of(without_comments(text, Keep::kCodeOnly))) {
    ++number;
    if (included_by(line).empty()) append_words(line, number, words);
  }
  return words;
}

}  // namespace deltamesh::tidy
