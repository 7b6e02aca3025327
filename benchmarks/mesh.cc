// benchmarks/mesh.cc - writes to a mesh, waits until all nodes hold all, and divides.
#include "benchmarks/mesh.h"

#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

#include "tests/sim/rng.h"
#include "tests/support/wait.h"

namespace deltamesh::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t kFirstTime = 1'764'000'000'000;
constexpr std::chrono::seconds kRest{5};  // Acknowledgements come later than what they acknowledge.

class Writer {
 public:
  Writer(Mesh& mesh, std::uint64_t rows_per_write)
      : mesh_(mesh), rows_(rows_per_write), held_(mesh.rows(0)) {}

  void write(std::uint64_t writes, double per_second);
  // Until all nodes hold all, and then until nothing more is said about it.
  void settle();
  [[nodiscard]] std::uint64_t held() const { return held_; }

 private:
  void write_next();

  Mesh& mesh_;
  std::vector<MeshRow> rows_;
  std::uint64_t held_;
  std::uint64_t turn_ = 0;
  sim::Rng rng_{1};
};

// A reading a second and node, a few milliseconds early or late.
void Writer::write_next() {
  for (MeshRow& row : rows_) {
    const auto second = static_cast<std::int64_t>(held_++);
    row.time = kFirstTime + 1'000 * second + static_cast<std::int64_t>(rng_.below(10));
    row.value = 20 + static_cast<double>(rng_.below(200)) / 100;
  }
  mesh_.write(turn_++ % kMeshNodes, rows_);
}

void Writer::write(std::uint64_t writes, double per_second) {
  const auto begin = Clock::now();
  for (std::uint64_t i = 0; i < writes; ++i) {
    const std::chrono::duration<double> due(static_cast<double>(i) / per_second);
    std::this_thread::sleep_until(begin + std::chrono::duration_cast<Clock::duration>(due));
    write_next();
  }
}

void Writer::settle() {
  for (std::size_t node = 0; node < kMeshNodes; ++node) {
    if (!testing::wait_until([&] { return mesh_.rows(node) == held_; }))
      throw std::runtime_error("not every node of the mesh gets every row");
  }
  std::this_thread::sleep_for(kRest);
}

}  // namespace

// The first rows of each node find the way and name the series, and do not count.
MeshCost cost_of(Mesh& mesh, const MeshLoad& load) {
  Writer writer(mesh, load.rows_per_write);
  writer.write(2 * kMeshNodes, load.writes_per_second);
  writer.settle();
  const MeshTraffic before = mesh.traffic();
  const std::uint64_t held = writer.held();
  writer.write(load.writes, load.writes_per_second);
  writer.settle();
  const MeshTraffic after = mesh.traffic();
  const std::uint64_t deliveries = (writer.held() - held) * (kMeshNodes - 1);
  const std::uint64_t crossings = after.crossings - before.crossings;
  if (crossings < deliveries) throw std::runtime_error("rows came to nodes of the mesh unseen");
  const auto each = [&](std::uint64_t sum) {
    return static_cast<double>(sum) / static_cast<double>(deliveries);
  };
  return {each(after.wire_bytes - before.wire_bytes), each(crossings)};
}

}  // namespace deltamesh::bench
