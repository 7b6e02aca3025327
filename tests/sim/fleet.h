// tests/sim/fleet.h - hundreds or thousands of real engines in one process, measured.
//
// Where network.h looks for bugs in small networks under faults, this asks what convergence costs: every node
// writes now and then, and each delivery of each event is timed. Frames are not read along; what is counted
// comes from the nodes' counters, and the end is checked by what each node holds.
#pragma once

#include <string>
#include <vector>

#include "tests/sim/observer.h"
#include "tests/sim/rng.h"
#include "tests/sim/topology.h"

namespace deltamesh::sim {

enum class Shape : std::uint8_t { kStar, kTree, kMesh, kRing };
enum class Load : std::uint8_t {
  kSteady,     // Single events, spread evenly over nodes and time.
  kBurst,      // Each node writes `burst_events` at one moment.
  kPartition,  // Steady, while half of the nodes are cut off for `partition`.
};
enum class What : std::uint8_t { kTelemetry, kMap };

struct FleetOptions {
  std::uint64_t seed = 1;
  NodeIx nodes = 1000;
  Shape shape = Shape::kMesh;
  Load load = Load::kSteady;
  What what = What::kTelemetry;
  NodeIx degree = 5;     // Of a mesh.
  NodeIx gateways = 32;  // Of a tree.
  Micros delay_min{5'000}, delay_max{80'000};
  Micros commit{2'000};  // Until a batch is durable.
  Micros commit_interval{20'000};
  double writes_per_second = 100;  // Of the whole fleet.
  Micros active{100'000'000};
  std::uint64_t burst_events = 100;
  Micros partition{600'000'000};
  unsigned threads = 0;  // Changes nothing but the time that it takes; 0: as many as help.
};

// Delays from a write to the moment in which a node holds it durably and knows it, in microseconds.
struct Delays {
  std::uint64_t count = 0;
  Micros p50{0}, p99{0}, max{0};
};

struct FleetReport {
  std::string failure;  // Empty: every node holds all that was written.
  Delays first;         // The first two events of each stream, which find the way.
  Delays later;
  std::uint64_t writes = 0;
  Micros last_write{0};  // Of the measured part, on the virtual clock;
  Micros converged{0};   // when the last node held all.
  // From here on of the measured part alone: after each stream's second event.
  std::uint64_t deliveries = 0;     // Events or entries, each once for each other node.
  std::uint64_t redundant = 0;      // The same, come once more.
  std::uint64_t payload_bytes = 0;  // Sent by all nodes: blocks and entries.
  std::uint64_t minimum_bytes = 0;  // Each as its writer first encoded it, once for each other node.
  std::uint64_t frame_bytes = 0;    // All that was sent.
  std::uint64_t frames = 0;
  std::uint64_t deltas = 0;      // Frames with payload that brought something new.
  std::uint64_t idle_bytes = 0;  // Of all links in one keepalive after the end.
  double cpu_seconds = 0;  // Of this process, until the last node held all and acknowledgements were back.
  // Of the whole run.
  NodeIx nodes = 0;
  std::size_t links = 0;
  std::uint64_t events = 0;  // Of the simulator's queue.
  std::uint64_t trace = 0;   // One number for all that happened.
};

// Which nodes are linked; draws for a mesh only.
std::vector<Edge> edges_of(const FleetOptions& options, Rng& rng);

FleetReport run_fleet(const FleetOptions& options);

}  // namespace deltamesh::sim
