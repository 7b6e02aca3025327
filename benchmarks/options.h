// benchmarks/options.h - the options that every benchmark knows.
#pragma once

#include <optional>
#include <string>

namespace deltamesh::bench {

struct Options {
  bool quick = false;     // A smaller case, under 30 s.
  unsigned runs = 3;      // Figures are medians of these.
  std::string json_file;  // Empty: none.
};

// Nullopt if there is nothing to measure: help was asked for, or the options are wrong; `status` is then what
// main() returns.
std::optional<Options> parse_options(int argc, char** argv, const std::string& question, int& status);

}  // namespace deltamesh::bench
