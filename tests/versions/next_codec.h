// tests/versions/next_codec.h - the codec of the next version of the protocol, which knows more fields.
//
// Its schema is ours with added fields (next_schema.cmake). It stands between a node of ours and its peers:
// what the node says leaves with the added fields set, and what it hears was read with them.
#pragma once

#include "crdt/result.h"
#include "engine/frame.h"
#include "tests/sim/outfit.h"

namespace deltamesh::versions {

struct Spoken {
  std::uint16_t min = 0, max = 1;  // What its HELLO says.
  // Whether frames with data have more fields too. They count against credit with their length, and the node
  // behind this codec knows another one: then nobody's credit may be small.
  bool longer_data = true;
};

class NextCodec {
 public:
  explicit NextCodec(std::uint64_t seed, Spoken spoken = {}) : rng_(seed), spoken_(spoken) {}

  // `frame` of our version as the next one says it.
  Bytes said(ByteView frame);
  // A frame of either version as our version says it.
  Result<Bytes> heard(ByteView frame);
  // Structs that were heard with added fields.
  [[nodiscard]] std::size_t heard_filled() const { return filled_; }

 private:
  sim::Rng rng_;
  Spoken spoken_;
  std::size_t filled_ = 0;
};

class NextDialect final : public sim::Dialect {
 public:
  NextDialect(sim::World& world, std::uint64_t seed, Spoken spoken = {})
      : world_(world), codec_(seed, spoken) {}

  std::shared_ptr<const Bytes> said(std::shared_ptr<const Bytes> frame) override {
    return std::make_shared<const Bytes>(codec_.said(*frame));
  }
  Bytes heard(ByteView frame) override;

 private:
  sim::World& world_;
  NextCodec codec_;
};

}  // namespace deltamesh::versions
