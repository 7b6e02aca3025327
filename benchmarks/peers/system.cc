// benchmarks/peers/system.cc - sums and sizes.
#include "benchmarks/peers/system.h"

#include <unistd.h>

namespace deltamesh::bench {

double bytes_in(const std::filesystem::path& folder) {
  double bytes = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) bytes += static_cast<double>(entry.file_size());
  }
  return bytes;
}

void add_use(CatchUp& to, const ProcessUse& use) {
  to.cpu_seconds += use.cpu_seconds;
  to.written_bytes += static_cast<double>(use.disk_bytes);
  to.memory_peak_bytes += static_cast<double>(use.memory_peak_bytes);
}

void settle_disk() {
  ::sync();
}

}  // namespace deltamesh::bench
