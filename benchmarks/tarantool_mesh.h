// benchmarks/tarantool_mesh.h - a mesh of Tarantool instances, each a master and a replica of all others.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "benchmarks/counted_links.h"
#include "benchmarks/mesh.h"
#include "benchmarks/tarantool_instance.h"
#include "tests/support/temp_dir.h"

namespace deltamesh::bench {

// A row is a tuple of a space with the primary key (node, seq); crossings are counted on the wire.
class TarantoolMesh final : public Mesh {
 public:
  TarantoolMesh();
  void write(std::size_t node, std::span<const MeshRow> rows) override;
  std::uint64_t rows(std::size_t node) override;
  MeshTraffic traffic() override;

 private:
  void wait_for(const std::string& question, std::int64_t answer);

  testing::TempDir dir_;
  std::atomic<std::uint64_t> crossings_{0};
  CountedLinks links_;  // Counts into crossings_, so it ends before that.
  std::vector<std::unique_ptr<TarantoolInstance>> instances_;
};

}  // namespace deltamesh::bench
