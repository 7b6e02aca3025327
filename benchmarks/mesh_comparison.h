// benchmarks/mesh_comparison.h - the same load on a mesh of sync-nodes and one of Tarantools, in turn.
#pragma once

#include "benchmarks/options.h"
#include "benchmarks/report.h"

namespace deltamesh::bench {

// Adds the medians to `all` and prints them; where there is no Tarantool, says so and adds nothing.
void compare_with_tarantool(const Options& options, Report& all);

}  // namespace deltamesh::bench
