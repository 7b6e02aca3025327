// benchmarks/iproto_rows.h - counts the rows that a Tarantool sends to a replica.
//
// Its applier drops what it has without a word and counts nothing, so the wire is asked. There, a greeting of
// 128 bytes is followed by packets: 0xce, their length in 4 bytes, and a header in MessagePack, a map whose
// first key, 0, has the type of the packet.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace deltamesh::bench {

class IprotoRows {
 public:
  // The next bytes of a connection: how many inserted rows have ended in them. None any more after bytes that
  // are no packet.
  std::uint64_t feed(std::string_view bytes);

 private:
  std::string buffer_;
  bool greeted_ = false;
  bool lost_ = false;
};

}  // namespace deltamesh::bench
