// tests/sim/run_seeds.cc - runs a range of seeds and prints those that fail, with all their options.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tests/sim/network.h"

namespace {

using namespace deltamesh::sim;

struct Arguments {
  std::uint64_t seeds = 100, first = 1, nodes_min = 2, nodes_max = 12;
  bool verbose = false;
};

bool parse(int argc, char** argv, Arguments& out) {
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--verbose") == 0) {
      out.verbose = true;
      continue;
    }
    if (i + 1 == argc) return false;
    const std::uint64_t value = std::strtoull(argv[i + 1], nullptr, 10);
    if (std::strcmp(argv[i], "--seeds") == 0)
      out.seeds = value;
    else if (std::strcmp(argv[i], "--first") == 0)
      out.first = value;
    else if (std::strcmp(argv[i], "--nodes-min") == 0)
      out.nodes_min = value;
    else if (std::strcmp(argv[i], "--nodes-max") == 0)
      out.nodes_max = value;
    else
      return false;
    ++i;
  }
  return out.nodes_min >= 2 && out.nodes_min <= out.nodes_max;
}

void show(const Options& options, const Outcome& outcome) {
  std::printf("%s\n  trace %016llx, %llu events, %llu writes acknowledged, %llu frames, %llu payload bytes\n",
              describe(options).c_str(), static_cast<unsigned long long>(outcome.trace),
              static_cast<unsigned long long>(outcome.events),
              static_cast<unsigned long long>(outcome.acknowledged),
              static_cast<unsigned long long>(outcome.traffic.frames),
              static_cast<unsigned long long>(outcome.traffic.payload_bytes));
  if (!outcome.failure.empty()) std::printf("  FAILED %s\n", outcome.failure.c_str());
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  if (!parse(argc, argv, arguments)) {
    std::fprintf(stderr,
                 "usage: sim_seeds [--seeds N] [--first SEED] [--nodes-min N] [--nodes-max N] [--verbose]\n");
    return 2;
  }
  std::uint64_t failed = 0, events = 0;
  for (std::uint64_t seed = arguments.first; seed < arguments.first + arguments.seeds; ++seed) {
    const Options options = options_for(seed, arguments.nodes_min, arguments.nodes_max);
    if (arguments.verbose) std::fprintf(stderr, "%s\n", describe(options).c_str());
    const Outcome outcome = run(options);
    if (arguments.verbose || !outcome.failure.empty()) show(options, outcome);
    failed += outcome.failure.empty() ? 0 : 1;
    events += outcome.events;
  }
  std::printf("%llu seeds, %llu failed, %llu events\n", static_cast<unsigned long long>(arguments.seeds),
              static_cast<unsigned long long>(failed), static_cast<unsigned long long>(events));
  return failed == 0 ? 0 : 1;
}
