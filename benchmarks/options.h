// benchmarks/options.h - the options that every benchmark knows.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace deltamesh::bench {

struct Options {
  bool quick = false;     // A smaller case, under 30 s.
  unsigned runs = 3;      // Figures are medians of these.
  std::string json_file;  // Empty: none.
};

// An option that one benchmark alone knows; its value goes to `target`, which keeps its own if it is not
// given. With a bool it takes no value.
struct OwnOption {
  std::string name;  // "--html"
  std::variant<std::string*, std::uint64_t*, bool*> target;
  std::string help;
};

// Nullopt if there is nothing to measure: help was asked for, or the options are wrong; `status` is then what
// main() returns.
std::optional<Options> parse_options(int argc, char** argv, const std::string& question, int& status,
                                     const std::vector<OwnOption>& own = {});

}  // namespace deltamesh::bench
