// tools/health.h - what the parts of a node say of themselves at /healthz.
#pragma once

#include <memory>
#include <vector>

#include "api/api.h"
#include "engine/sqlite/sqlite_store.h"
#include "ingest/counters.h"
#include "ingest/mqtt_source.h"
#include "transport/counters.h"

namespace deltamesh {

// Each but the last may be called from any thread while what it describes lives.
HealthPart health_of(const SqliteStore& store);
HealthPart health_of(const IngestCounters& counters);
HealthPart health_of(const std::vector<std::unique_ptr<MqttSource>>& sources);
// On the driver's thread, which counts.
HealthPart health_of(const TransportCounters& counters);

}  // namespace deltamesh
