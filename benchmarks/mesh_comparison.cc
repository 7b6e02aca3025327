// benchmarks/mesh_comparison.cc - which loads, how often, and what is told.
#include "benchmarks/mesh_comparison.h"

#include <fmt/format.h>

#include <iostream>
#include <vector>

#include "benchmarks/node_mesh.h"
#include "benchmarks/recording.h"
#include "benchmarks/tarantool_mesh.h"

namespace deltamesh::bench {
namespace {

std::vector<MeshLoad> loads(bool quick) {
  return {{quick ? 300u : 1'000u, 1}, {quick ? 100u : 200u, 100}};
}

// Of several runs, the costs of one load.
struct Samples {
  std::vector<double> wire_bytes, crossings;
};

template <class Kind>
void run(const std::vector<MeshLoad>& loads, std::vector<Samples>& samples) {
  Kind mesh;
  for (std::size_t i = 0; i < loads.size(); ++i) {
    const MeshCost cost = cost_of(mesh, loads[i]);
    samples[i].wire_bytes.push_back(cost.wire_bytes_per_delivery);
    samples[i].crossings.push_back(cost.crossings_per_delivery);
  }
}

void add_params(Report& report, const MeshLoad& load, const std::string& version, unsigned runs) {
  report.begin_case();
  report.param("case", fmt::format("mesh-{}-rows-{}", kMeshNodes, load.rows_per_write));
  report.param("group", "tarantool");
  report.param("nodes", static_cast<double>(kMeshNodes));
  report.param("writes", static_cast<double>(load.writes));
  report.param("rows_per_write", static_cast<double>(load.rows_per_write));
  report.param("writes_per_second", load.writes_per_second);
  report.param("runs", static_cast<double>(runs));
  report.param("tarantool_version", version);
}

void tell(Report& report, const Samples& ours, const Samples& theirs) {
  const auto add = [&](const char* metric, const char* unit, const auto& own, const auto& other) {
    report.add({metric, median(own), unit, Peer{"tarantool", median(other)}});
  };
  add("mesh_wire_bytes_per_delivery", "B", ours.wire_bytes, theirs.wire_bytes);
  add("mesh_crossings_per_delivery", "", ours.crossings, theirs.crossings);
}

}  // namespace

void compare_with_tarantool(const Options& options, Report& all) {
  const auto version = tarantool_version();
  if (!version) {
    std::cout << "\nSKIPPED: the mesh beside Tarantool: no program tarantool (Debian package tarantool)\n";
    return;
  }
  const auto plan = loads(options.quick);
  std::vector<Samples> ours(plan.size()), theirs(plan.size());
  for (unsigned i = 0; i < options.runs; ++i) {
    run<TarantoolMesh>(plan, theirs);
    run<NodeMesh>(plan, ours);
  }
  Report shown("a mesh of sync-nodes beside one of Tarantools");
  std::string ratios;
  for (std::size_t i = 0; i < plan.size(); ++i) {
    for (Report* report : {&all, &shown}) {
      add_params(*report, plan[i], *version, options.runs);
      tell(*report, ours[i], theirs[i]);
    }
    ratios += fmt::format("with {} a write, a row takes Tarantool {:.1f} times the bytes\n",
                          plan[i].rows_per_write, median(theirs[i].wire_bytes) / median(ours[i].wire_bytes));
  }
  std::cout << "\n" << shown.table() << ratios << std::flush;
}

}  // namespace deltamesh::bench
