// benchmarks/node_mesh.h - a mesh of sync-nodes, each pair with one link.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "benchmarks/counted_links.h"
#include "benchmarks/mesh.h"
#include "tests/scenarios/node_process.h"
#include "tests/support/temp_dir.h"

namespace deltamesh::bench {

// A row is an event; rows and crossings are what the nodes count themselves.
class NodeMesh final : public Mesh {
 public:
  NodeMesh();
  void write(std::size_t node, std::span<const MeshRow> rows) override;
  std::uint64_t rows(std::size_t node) override;
  MeshTraffic traffic() override;

 private:
  testing::TempDir dir_;
  CountedLinks links_;
  std::vector<std::unique_ptr<testing::NodeProcess>> nodes_;
  std::vector<std::uint64_t> written_;
};

}  // namespace deltamesh::bench
