// benchmarks/process_use.h - what a running process has used so far, as Linux counts it.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace deltamesh::bench {

struct ProcessUse {
  double cpu_seconds = 0;               // User and system, all threads.
  std::uint64_t memory_peak_bytes = 0;  // Resident.
  std::uint64_t memory_bytes = 0;       // The same, now.
  std::uint64_t disk_bytes = 0;         // Handed to block devices; 0 on a file system in memory.
};

// Throws if the process is gone.
ProcessUse process_use(pid_t process);
// The same without what it had used at `before`; the peak stays that of its whole life.
ProcessUse used_since(const ProcessUse& before, pid_t process);

}  // namespace deltamesh::bench
