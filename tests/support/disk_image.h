// tests/support/disk_image.h - the bytes of one file on a simulated disk: what it holds for good, and what
// was not synced.
//
// Reads see every operation at once. Until the next sync an operation can be lost, alone and in any order
// with the others, or torn: of a write, any of its sectors may have reached the disk.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sim/rng.h"

namespace deltamesh::testing {

inline constexpr std::uint64_t kSectorBytes = 512;

class DiskImage {
 public:
  // As reads see it.
  [[nodiscard]] const std::string& bytes() const { return visible_; }
  [[nodiscard]] std::size_t unsynced() const { return unsynced_.size(); }

  void write(std::uint64_t offset, std::string_view bytes);
  void truncate(std::uint64_t size);
  void sync();

  // After a failed sync: what was not synced never reaches the disk, though reads go on seeing it, until
  // evict().
  void forget_unsynced() { unsynced_.clear(); }
  // The cache is dropped: reads see what is on the disk, or on its way there.
  void evict();

  // The power is gone: each operation that was not synced is kept, with this chance, or dropped or torn.
  void lose_power(sim::Rng& rng, std::uint64_t kept_per_mille);

 private:
  struct Operation {
    bool truncates = false;
    std::uint64_t at = 0;  // Offset of a write, or the new size.
    std::string bytes;
  };
  static void apply(std::string& image, const Operation& operation);
  static void tear(std::string& image, const Operation& operation, sim::Rng& rng);

  std::string durable_, visible_;
  std::vector<Operation> unsynced_;
};

// The end of the sector in which `offset` lies, or `end` if that comes first.
std::uint64_t sector_end(std::uint64_t offset, std::uint64_t end);

}  // namespace deltamesh::testing
