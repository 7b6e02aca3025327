// benchmarks/convergence_table.h - one line a case, readable at a glance.
#pragma once

#include <string>

#include "benchmarks/child_run.h"

namespace deltamesh::bench {

// What the columns are, two lines.
std::string convergence_head();
// Or what went wrong.
std::string convergence_row(const std::string& name, const Measured& measured);

}  // namespace deltamesh::bench
