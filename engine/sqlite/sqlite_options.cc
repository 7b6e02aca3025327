// engine/sqlite/sqlite_options.cc - how a bound on the size of a store is shared out.
#include "engine/sqlite/sqlite_options.h"

#include <algorithm>

namespace deltamesh {

// The log grows to twice its share while readers hold it, and by the group of batches that makes it so long.
std::uint64_t bound_size(SqliteOptions& options, std::uint64_t size_max) {
  constexpr std::uint64_t kPageBytes = 4096, kGroupBytes = 4u << 20;
  options.log_pages_max = static_cast<std::uint32_t>(
      std::clamp<std::uint64_t>(size_max / 32 / kPageBytes, 64, options.log_pages_max));
  options.log_excess = 2;
  options.group_bytes_max = std::min<std::size_t>(options.group_bytes_max, 1u << 20);
  return size_max - 2 * kPageBytes * options.log_pages_max - kGroupBytes;
}

}  // namespace deltamesh
