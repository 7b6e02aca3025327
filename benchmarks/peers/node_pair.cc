// benchmarks/peers/node_pair.cc - two sync-nodes, as bench_replication runs them, over a link that is
// counted.
#include <fmt/format.h>

#include <stdexcept>

#include "benchmarks/counted_links.h"
#include "benchmarks/node_catch_up.h"
#include "benchmarks/peers/system.h"
#include "tests/support/bytes_on_disk.h"
#include "tests/support/temp_dir.h"

namespace deltamesh::bench {
namespace {

using testing::NodeProcess;

class NodePair final : public System {
 public:
  NodePair(const std::vector<std::string>& sensor_files, std::filesystem::path folder)
      : folder_(std::move(folder)), full_(folder_, "full") {
    totals_ = import_files(full_, "csv-wide", sensor_files);
  }

  CatchUp catch_up() override {
    const testing::TempDir dir(folder_);
    CountedLinks links;
    const auto peer = fmt::format("tcp://127.0.0.1:{}", links.way_to(full_.tcp_port()));
    NodeProcess empty(dir.path(), "empty", {{peer}, "10s", {}, {}});
    settle_disk();
    const NodeCatchUp run = bench::catch_up(full_, empty, totals_);
    CatchUp result;
    result.seconds = run.seconds;
    result.wire_bytes = static_cast<double>(links.bytes());
    result.disk_bytes = static_cast<double>(testing::bytes_on_disk(empty.store()));
    add_use(result, run.full);
    add_use(result, run.empty);
    if (!testing::same_contents(full_, empty)) throw std::runtime_error("the two stores differ");
    return result;
  }

 private:
  std::filesystem::path folder_;
  NodeProcess full_;
  NodeTotals totals_;
};

}  // namespace

std::unique_ptr<System> make_node_pair(const std::vector<std::string>& sensor_files,
                                       const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  return std::make_unique<NodePair>(sensor_files, folder);
}

}  // namespace deltamesh::bench
