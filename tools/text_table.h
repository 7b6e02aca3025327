// tools/text_table.h - rows of cells, written in columns that line up.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace deltamesh {

class TextTable {
 public:
  // A title that begins with '>' stands, as its cells do, at the right.
  explicit TextTable(std::vector<std::string> titles);
  void add(std::vector<std::string> cells);
  [[nodiscard]] bool empty() const { return rows_.size() == 1; }
  void print(std::ostream& out) const;

 private:
  std::vector<std::vector<std::string>> rows_;
  std::vector<bool> right_;
};

}  // namespace deltamesh
