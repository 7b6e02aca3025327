// tests/sim/conversation.h - reads along what the two ends of a connection say, and holds them to it.
//
// A frame that leaves must decode, and what it carries must be durable at its writer. An acknowledgement may
// name only what is durable at its sender in the moment in which it leaves.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <vector>

#include "engine/codec.h"
#include "engine/store.h"
#include "tests/sim/ledger.h"

namespace deltamesh::sim {

using Side = std::size_t;  // 0 or 1.

// By the digest of a HELLO: the streams that it spoke of. A later frontier may go on from there.
using Spoken = std::map<Bytes, std::vector<StreamId>>;

class Conversation {
 public:
  // `spoken` is shared by all conversations of a run.
  Conversation(World& world, const Ledger& ledger, Spoken& spoken)
      : world_(world), ledger_(ledger), spoken_(spoken) {}

  // `from`, who knows `known`, sends `frame`. Returns the message; nullopt after a failure.
  std::optional<Message> sent(Side from, ByteView frame, const Knowledge& known);
  // An acknowledgement leaves `acker`, who has `store`.
  void check_ack(Side acker, const message::Ack& ack, const StoreReader& store);

 private:
  struct Speaker {
    Bytes digest;  // Of its HELLO.
    std::vector<StreamId> named;
    std::map<std::uint32_t, Knowledge> map_deltas;  // By number: what the delta covers.
  };

  void learn(Side from, const message::Hello& hello, const Knowledge& known);
  void learn(Side from, const message::Frontier& frontier);
  void learn(Side from, const message::StreamRef& ref);
  void learn(Side from, const message::MapDelta& delta);
  void check_delta(Side from, const message::Delta& delta);
  void check_durable(const StreamId& stream, Interval dots);
  void check_held(const std::vector<StreamId>& named, std::uint32_t index, const IntervalSet& dots,
                  const Knowledge& held);

  World& world_;
  const Ledger& ledger_;
  Spoken& spoken_;
  std::array<Speaker, 2> speakers_;
};

}  // namespace deltamesh::sim
