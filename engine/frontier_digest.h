// engine/frontier_digest.h - one number for all that a node can tell of its knowledge.
//
// The sum modulo 2^128 of XXH3-128 over the frontier entries with their stream ids, so that their order does
// not matter; docs/protocol.md. It finds accidents, not attackers.
#pragma once

#include "crdt/fingerprint.h"
#include "crdt/varint.h"
#include "engine/raw_part.h"

namespace deltamesh {

class FrontierDigest {
 public:
  void add(const StreamId& stream, const StreamKnowledge& known) {
    bytes_.clear();
    put_stream_id(bytes_, stream);
    put_knowledge(bytes_, known);
    sum_.add(bytes_);
  }
  // No stream has this class.
  void add(const PastOf& of, const PastSums& sums) {
    bytes_.clear();
    put_fixed64(bytes_, static_cast<std::uint64_t>(of.dataset));
    bytes_.push_back(std::byte{0xff});
    put_item(bytes_, message::Frontier::Past{of, sums});
    sum_.add(bytes_);
  }
  [[nodiscard]] Bytes bytes() const {
    Bytes out;
    put_fixed64(out, sum_.high());
    put_fixed64(out, sum_.low());
    return out;
  }

 private:
  Fingerprint sum_;
  Bytes bytes_;
};

}  // namespace deltamesh
