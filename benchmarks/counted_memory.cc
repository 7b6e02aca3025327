// benchmarks/counted_memory.cc - new and delete that count. A file of its own: where both can be inlined,
// g++-12 takes the pair of malloc() and delete for a mistake.
#include "benchmarks/counted_memory.h"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<std::uint64_t> counted_bytes = 0;

}  // namespace

std::uint64_t deltamesh::bench::allocated_bytes() {
  return counted_bytes;
}

void* operator new(std::size_t bytes) {
  counted_bytes.fetch_add(bytes, std::memory_order_relaxed);
  if (void* const memory = std::malloc(bytes == 0 ? 1 : bytes)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
