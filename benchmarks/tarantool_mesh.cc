// benchmarks/tarantool_mesh.cc - starts Tarantools and tells them what to do, one command a line.
#include "benchmarks/tarantool_mesh.h"

#include <fmt/format.h>

#include <stdexcept>

#include "benchmarks/iproto_rows.h"
#include "tests/support/wait.h"

namespace deltamesh::bench {

TarantoolMesh::TarantoolMesh() {
  std::vector<std::string> ways;
  for (std::size_t node = 0; node < kMeshNodes; ++node) {
    instances_.push_back(
        std::make_unique<TarantoolInstance>(dir_.path() / fmt::format("tarantool-{}", node)));
    const auto make_hearer = [this] {
      return [this, rows = IprotoRows()](std::string_view said) mutable { crossings_ += rows.feed(said); };
    };
    ways.push_back(fmt::format("127.0.0.1:{}", links_.way_to(instances_.back()->port(), make_hearer)));
  }
  for (std::size_t node = 0; node < kMeshNodes; ++node) {
    std::vector<std::string> arguments{std::to_string(node)};
    arguments.insert(arguments.end(), ways.begin(), ways.end());
    instances_[node]->start("tarantool_mesh.lua", arguments);
  }
  // They take commands only once all have found each other.
  for (const auto& instance : instances_) instance->connect();
  wait_for("upstreams", kMeshNodes - 1);
  instances_.front()->ask("create");
  wait_for("rows", 0);
}

void TarantoolMesh::wait_for(const std::string& question, std::int64_t answer) {
  for (const auto& instance : instances_) {
    if (!testing::wait_until([&] { return instance->ask(question) == answer; }))
      throw std::runtime_error("the mesh of Tarantools does not come together:\n" + instance->log());
  }
}

void TarantoolMesh::write(std::size_t node, std::span<const MeshRow> rows) {
  std::string command = "insert";
  for (const MeshRow& row : rows) command += fmt::format(" {} {}", row.time, row.value);
  instances_[node]->ask(command);
}

std::uint64_t TarantoolMesh::rows(std::size_t node) {
  return static_cast<std::uint64_t>(instances_[node]->ask("rows"));
}

MeshTraffic TarantoolMesh::traffic() {
  return {links_.bytes(), crossings_.load()};
}

}  // namespace deltamesh::bench
