// tests/sim/conversation.h - reads along what the two ends of a connection say, and holds them to it.
//
// A frame that leaves must decode, and what it carries must be durable at its writer. What its sender says
// that it holds (acknowledgements, news, frontiers, knowledge of maps) must be durable there in the moment in
// which it leaves. Payload leaves only while the receiver has room for it.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "engine/codec.h"
#include "engine/store.h"
#include "tests/sim/ledger.h"

namespace deltamesh::sim {

using Side = std::size_t;  // 0 or 1.

// By the digest of a HELLO: the streams that it spoke of. A later frontier may go on from there. And what was
// told of streams in sums, by the digest of that.
struct Spoken {
  std::map<Bytes, std::vector<StreamId>> streams;
  std::map<Bytes, std::map<StreamId, StreamKnowledge>> past;
};

class Conversation {
 public:
  // `spoken` is shared by all conversations of a run. Each end grants the other `credit` bytes at most; 0: as
  // many as nodes do by default.
  Conversation(World& world, const Ledger& ledger, Spoken& spoken, std::uint64_t credit)
      : world_(world),
        ledger_(ledger),
        spoken_(spoken),
        credit_max_(static_cast<std::int64_t>(credit > 0 ? credit : limits::kCreditBytes)) {}

  // `from`, who knows `known`, sends `frame`. Returns the message; nullopt after a failure.
  std::optional<Message> sent(Side from, ByteView frame, const Knowledge& known);
  // `from`, who has `store`, sends `message`.
  void check_told(Side from, const Message& message, const StoreReader& store);
  // What `from` has named so.
  [[nodiscard]] const StreamId& stream(Side from, std::uint32_t index) const {
    return speakers_[from].named.at(index);
  }

 private:
  struct Speaker {
    NodeId node;
    Bytes digest;                              // Of its HELLO.
    bool told = false;                         // Its frontier; streams in sums may follow.
    std::map<StreamId, StreamKnowledge> past;  // These, so far.
    std::vector<StreamId> named;
    Knowledge given_up;  // Dropped when it said HELLO, which tells it, and in frontiers since.
    std::deque<std::pair<StreamId, Interval>> deltas;  // Sent and not yet acknowledged.
    std::map<std::uint32_t, Knowledge> map_deltas;     // By number: what the delta covers.
    std::int64_t credit = 0;                           // Bytes of payload frames that it may still send.
  };

  void learn(Side from, const message::Hello& hello, const Knowledge& known);
  void learn(Side from, const message::Frontier& frontier);
  void learn_past(Speaker& speaker, const message::Frontier& frontier);
  void learn(Side from, const message::StreamRef& ref);
  void learn(Side from, const message::MapDelta& delta);
  void check_delta(Side from, const message::Delta& delta);
  void check_durable(const StreamId& stream, Interval dots);
  void check_told(Side from, const message::Ack& ack, const Knowledge& held);
  void check_deltas(Side from, std::uint32_t deltas, const Knowledge& held);
  void check_told(Side from, const message::Frontier& frontier, const Knowledge& held);
  void check_told(Side from, const message::MapDelta& delta, const Knowledge& held);
  void grant(Side to, std::uint32_t credit);
  void spend(Side from, std::size_t bytes);
  void check_held(const char* what, Side from, const std::vector<StreamId>& named, std::uint32_t index,
                  const IntervalSet& dots, const Knowledge& held);

  World& world_;
  const Ledger& ledger_;
  Spoken& spoken_;
  std::int64_t credit_max_;
  std::array<Speaker, 2> speakers_;
};

}  // namespace deltamesh::sim
