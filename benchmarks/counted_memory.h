// benchmarks/counted_memory.h - how many bytes C++ has allocated in this program; linking it replaces new.
#pragma once

#include <cstdint>

namespace deltamesh::bench {

// By operator new and so far, whether they were given back or not, on all threads; what C allocates is not in
// it.
std::uint64_t allocated_bytes();

}  // namespace deltamesh::bench
