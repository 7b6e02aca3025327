// benchmarks/convergence_cases.cc - shapes times loads times sizes, as far as they tell something new.
#include "benchmarks/convergence_cases.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "tests/sim/fleet_text.h"

namespace deltamesh::bench {
namespace {

using sim::FleetOptions;
using sim::Load;
using sim::NodeIx;
using sim::Shape;
using sim::What;
using std::chrono::seconds;

struct Sizes {
  NodeIx matrix;
  std::vector<NodeIx> growth;
  NodeIx ring;
  seconds active;        // Up to 100 nodes;
  seconds active_large;  // beyond, where each write is delivered so much more often.
  seconds partition;
  double writes_in_partition;  // A second: ten minutes of them shall not cost ten times the rest.
};
const Sizes kFull{100, {10, 1000}, 64, seconds(30), seconds(10), seconds(600), 5};
const Sizes kQuick{25, {10, 50}, 16, seconds(10), seconds(10), seconds(60), 20};

// In a star or tree of few nodes, 32 gateways would leave nothing below them.
NodeIx gateways_for(NodeIx nodes) {
  return std::min<NodeIx>(32, nodes / 3);
}

FleetCase make_case(const std::string& group, NodeIx nodes, Shape shape, Load load, What what,
                    const Sizes& sizes) {
  FleetCase out{name(shape) + "-" + std::to_string(nodes) + "-" + name(load), group, {}};
  if (what == What::kMap) out.name += "-map";
  out.options.nodes = nodes;
  out.options.shape = shape;
  out.options.load = load;
  out.options.what = what;
  out.options.gateways = gateways_for(nodes);
  out.options.active = nodes > 100 ? sizes.active_large : sizes.active;
  out.options.partition = sizes.partition;
  if (load == Load::kPartition) out.options.writes_per_second = sizes.writes_in_partition;
  return out;
}

std::vector<FleetCase> all_cases(const Sizes& sizes) {
  std::vector<FleetCase> cases;
  for (const What what : {What::kTelemetry, What::kMap}) {
    for (const Load load : {Load::kSteady, Load::kBurst}) {
      for (const Shape shape : {Shape::kStar, Shape::kTree, Shape::kMesh})
        cases.push_back(make_case("matrix", sizes.matrix, shape, load, what, sizes));
      cases.push_back(make_case("matrix", sizes.ring, Shape::kRing, load, what, sizes));
    }
    for (const Shape shape : {Shape::kStar, Shape::kMesh})
      cases.push_back(make_case("matrix", sizes.matrix, shape, Load::kPartition, what, sizes));
  }
  for (const NodeIx nodes : sizes.growth) {
    for (const Shape shape : {Shape::kStar, Shape::kTree, Shape::kMesh})
      cases.push_back(make_case("growth", nodes, shape, Load::kSteady, What::kTelemetry, sizes));
  }
  return cases;
}

}  // namespace

std::vector<FleetCase> convergence_cases(const CaseChoice& choice) {
  Sizes sizes = choice.quick ? kQuick : kFull;
  if (choice.nodes != 0) {
    sizes.matrix = choice.nodes;
    sizes.ring = std::min(sizes.ring, choice.nodes);
    sizes.growth.clear();
  }
  auto cases = all_cases(sizes);
  std::erase_if(cases, [&](const FleetCase& c) { return c.name.find(choice.only) == std::string::npos; });
  for (FleetCase& c : cases) {
    c.options.seed = choice.seed;
    if (choice.active_seconds != 0)
      c.options.active = seconds(static_cast<seconds::rep>(choice.active_seconds));
  }
  return cases;
}

}  // namespace deltamesh::bench
