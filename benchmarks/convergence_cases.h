// benchmarks/convergence_cases.h - which fleets bench_convergence runs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/sim/fleet.h"

namespace deltamesh::bench {

struct FleetCase {
  std::string name;   // "mesh-100-burst", "star-100-steady-map"
  std::string group;  // "matrix": every shape and load at one size; "growth": one load at other sizes.
  sim::FleetOptions options;
};

struct CaseChoice {
  bool quick = false;       // Fewer nodes, less time.
  std::string only{};       // Cases whose name has this in it; empty: all.
  std::uint64_t nodes = 0;  // Of all cases, a ring apart, instead of several sizes; 0: several.
  std::uint64_t seed = 1;
  std::uint64_t active_seconds = 0;  // For how long there are writes; 0: as the case says.
};

std::vector<FleetCase> convergence_cases(const CaseChoice& choice);

}  // namespace deltamesh::bench
