// benchmarks/tarantool_mesh.h - a mesh of Tarantool instances, each a master and a replica of all others.
#pragma once

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "benchmarks/counted_links.h"
#include "benchmarks/mesh.h"
#include "tests/support/child_process.h"
#include "tests/support/temp_dir.h"

namespace deltamesh::bench {

// What the program says of its version; none where there is none.
std::optional<std::string> tarantool_version();

// A row is a tuple of a space with the primary key (node, seq); crossings are counted on the wire.
class TarantoolMesh final : public Mesh {
 public:
  TarantoolMesh();
  void write(std::size_t node, std::span<const MeshRow> rows) override;
  std::uint64_t rows(std::size_t node) override;
  MeshTraffic traffic() override;

 private:
  struct Instance {
    std::uint16_t listen, control;
    std::filesystem::path log;
    std::unique_ptr<testing::ChildProcess> process;
    boost::asio::ip::tcp::iostream commands;
  };

  void start(std::size_t node, const std::vector<std::string>& ways);
  void connect(Instance& instance);
  void wait_for(const std::string& question, std::int64_t answer);
  std::int64_t ask(Instance& instance, const std::string& command);

  testing::TempDir dir_;
  std::atomic<std::uint64_t> crossings_{0};
  CountedLinks links_;  // Counts into crossings_, so it ends before that.
  std::vector<Instance> instances_;
};

}  // namespace deltamesh::bench
