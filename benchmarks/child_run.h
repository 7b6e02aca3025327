// benchmarks/child_run.h - a measurement in a child process, so that memory is its own and a crash is a
// result.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "benchmarks/report.h"

namespace deltamesh::bench {

struct Measured {
  std::string failure;  // Empty: all went well.
  std::vector<Figure> figures;
};

// Runs `measure` in a fork of this process, which must have one thread, and waits for its end without bound.
// What it throws, and an end before its time, is a failure. Figures come back without their peers.
Measured run_in_child(const std::function<Measured()>& measure);

}  // namespace deltamesh::bench
