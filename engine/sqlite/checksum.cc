// engine/sqlite/checksum.cc - gathers the fields, hashes once.
#include "engine/sqlite/checksum.h"

#include <xxhash.h>

#include "crdt/varint.h"

namespace deltamesh::sqlite {

void Checksum::add(std::uint64_t value) {
  put_fixed64(bytes_, value);
}

void Checksum::add(ByteView bytes) {
  add(static_cast<std::uint64_t>(bytes.size()));
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
}

void Checksum::add(const StreamId& stream) {
  add(static_cast<std::uint64_t>(stream.dataset));
  add(static_cast<std::uint64_t>(stream.cls));
  add(stream.node);
  add(stream.incarnation);
}

std::uint64_t Checksum::value_with(ByteView bytes) const {
  Checksum whole = *this;
  whole.add(static_cast<std::uint64_t>(bytes.size()));
  whole.add(XXH3_64bits(bytes.data(), bytes.size()));
  return whole.value();
}

std::uint64_t Checksum::value() const {
  return XXH3_64bits(bytes_.data(), bytes_.size());
}

}  // namespace deltamesh::sqlite
