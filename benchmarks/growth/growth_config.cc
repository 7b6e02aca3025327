// benchmarks/growth/growth_config.cc - one fleet, two datasets.
#include "benchmarks/growth/growth_config.h"

namespace deltamesh::bench {

NodeConfig growth_config() {
  NodeConfig config;
  for (std::size_t i = 0; i < config.fleet.bytes.size(); ++i)
    config.fleet.bytes[i] = static_cast<std::uint8_t>(i);
  config.datasets = {{"env"}, {"settings", DatasetKind::kMap}};
  return config;
}

DatasetId growth_dataset() {
  return dataset_id("env");
}

}  // namespace deltamesh::bench
