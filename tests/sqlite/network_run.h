// tests/sqlite/network_run.h - one short run of a small network of which one node has its store on a disk.
#pragma once

#include <string>

#include "tests/sim/network.h"
#include "tests/sqlite/network_store.h"

namespace deltamesh {

struct DiskRun {
  std::string failure;  // Empty: all promises were kept, by the network and by the store.
  DiskTally disk;
  std::uint64_t trace = 0;
  std::size_t events = 0, acknowledged = 0;
};

// Three nodes in a line; the disk is that of the middle one, through which all goes.
sim::Options short_run();
DiskRun run_on_disk(const sim::Options& options, const DiskPlan& plan);

}  // namespace deltamesh
