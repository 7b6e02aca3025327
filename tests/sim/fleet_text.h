// tests/sim/fleet_text.h - what a fleet is made of, and what it cost, in words and figures.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sim/fleet.h"

namespace deltamesh::sim {

// "star", "tree", "mesh", "ring"; "steady", "burst", "partition"; "telemetry", "map".
std::string name(Shape shape);
std::string name(Load load);
std::string name(What what);
std::optional<Shape> shape_named(std::string_view name);
std::optional<Load> load_named(std::string_view name);
std::optional<What> what_named(std::string_view name);

// One line with all of it; equal lines are equal runs.
std::string describe(const FleetOptions& options);

struct FleetFigure {
  std::string metric;
  double value = 0;
  std::string unit;
};

// A delivery is one event or entry that reached one node. Metadata are all bytes of frames but blocks and
// entries as their writers encoded them. The names stay what they mean, so that runs of different versions
// can be compared; not a number where there is nothing to divide by.
std::vector<FleetFigure> figures_of(const FleetReport& report);

}  // namespace deltamesh::sim
