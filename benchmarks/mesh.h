// benchmarks/mesh.h - five nodes, each linked to each: what a row costs until all of them have it.
//
// The same rows are written in the same order and at the same pace whatever the nodes are, so that two kinds
// of them can be compared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace deltamesh::bench {

inline constexpr std::size_t kMeshNodes = 5;

// One reading of the series of the node that writes it.
struct MeshRow {
  std::int64_t time = 0;  // Milliseconds since 1970.
  double value = 0;
};

struct MeshTraffic {
  std::uint64_t wire_bytes = 0;  // Of all links, both directions.
  std::uint64_t crossings = 0;   // Rows that came to a node over a link, whether it had them or not.
};

// What does not do as it is told throws.
class Mesh {
 public:
  virtual ~Mesh() = default;
  // One write, or transaction, of all these rows; returns when the node has taken it.
  virtual void write(std::size_t node, std::span<const MeshRow> rows) = 0;
  // All that the node holds, of whatever writer.
  virtual std::uint64_t rows(std::size_t node) = 0;
  virtual MeshTraffic traffic() = 0;
};

struct MeshLoad {
  std::uint64_t writes = 0;  // The nodes take turns.
  std::uint64_t rows_per_write = 1;
  double writes_per_second = 100;
};

struct MeshCost {
  double wire_bytes_per_delivery = 0;  // A delivery: a row that a node has got from others.
  double crossings_per_delivery = 0;   // 1: no row came twice.
};

// Nothing of `mesh` is under way before and after.
MeshCost cost_of(Mesh& mesh, const MeshLoad& load);

}  // namespace deltamesh::bench
