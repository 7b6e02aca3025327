// benchmarks/options.cc - the command line of a benchmark.
#include "benchmarks/options.h"

#include <CLI/CLI.hpp>

namespace deltamesh::bench {

std::optional<Options> parse_options(int argc, char** argv, const std::string& question, int& status,
                                     const std::vector<OwnOption>& own) {
  Options options;
  CLI::App app(question);
  app.add_flag("--quick", options.quick, "A smaller case, under 30 s");
  app.add_option("--runs", options.runs, "Figures are medians of these; one with --quick")
      ->check(CLI::Range(1, 99));
  app.add_option("--json", options.json_file, "Writes one JSON object a figure and line to this file");
  for (const OwnOption& option : own) {
    if (bool* const* flag = std::get_if<bool*>(&option.target)) {
      app.add_flag(option.name, **flag, option.help);
    } else {
      std::visit([&](auto* target) { app.add_option(option.name, *target, option.help); }, option.target);
    }
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    status = app.exit(error);
    return std::nullopt;
  }
  if (options.quick) options.runs = 1;
  return options;
}

}  // namespace deltamesh::bench
