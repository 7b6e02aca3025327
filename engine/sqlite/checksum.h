// engine/sqlite/checksum.h - XXH3-64 over the fields of one row, the same on every machine.
#pragma once

#include <cstdint>
#include <string_view>

#include "crdt/dot.h"

namespace deltamesh::sqlite {

// Which kind of thing is summed; part of the format, so that a row of one table cannot pass in another.
enum class RowKind : std::uint8_t {
  kMeta = 1,
  kStream = 2,
  kKnowledge = 3,
  kSeries = 4,
  kBlock = 5,
  kEntry = 6,
  kIncarnation = 7,
  kFence = 8,
  kFile = 9,
  kWitness = 10,
  kArrival = 11,
  kTierAck = 12,
  kFloor = 13,
  kSurfaced = 14,
  kBootOffset = 15,
  kOwnBoot = 16,
};

class Checksum {
 public:
  explicit Checksum(RowKind kind) { add(static_cast<std::uint64_t>(kind)); }

  void add(std::uint64_t value);  // As 8 bytes, little-endian.
  void add(ByteView bytes);       // Preceded by their length.
  void add(std::string_view text) { add(std::as_bytes(std::span(text.data(), text.size()))); }
  void add(const StreamId& stream);
  template <class Tag>
  void add(const Id128<Tag>& id) {
    add(std::as_bytes(std::span(id.bytes)));
  }
  // Like add(), without copying: `bytes` comes last and is hashed on its own.
  [[nodiscard]] std::uint64_t value_with(ByteView bytes) const;
  [[nodiscard]] std::uint64_t value() const;

 private:
  Bytes bytes_;
};

}  // namespace deltamesh::sqlite
