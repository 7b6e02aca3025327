// benchmarks/growth/growth_config.h - what all nodes of these measurements are set to.
#pragma once

#include "engine/config.h"

namespace deltamesh::bench {

// As the settings files of testing::NodeProcess have it: a telemetry dataset "env" and a map.
NodeConfig growth_config();
DatasetId growth_dataset();

}  // namespace deltamesh::bench
