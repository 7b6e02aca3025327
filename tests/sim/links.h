// tests/sim/links.h - the links between simulated nodes, and all that can go wrong with them.
//
// A link is dialled until it is connected. A connection carries frames in order, each after a delay and (with
// a rate) after the bytes before it, until it is closed by an end, cut (frames in flight are gone from some
// byte on, each end hears of it in its own time), or stalls (it carries nothing any more and nobody is told;
// the nodes' keepalive must find out). Weather (weather.h) holds frames back: nothing is lost, all is late.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "tests/sim/conversation.h"
#include "tests/sim/sim_node.h"
#include "tests/sim/traffic.h"
#include "tests/sim/weather.h"

namespace deltamesh::sim {

using LinkIx = std::size_t;

class Links final : public Wire {
 public:
  // All that is said is read along and checked against the ledger.
  Links(World& world, const Ledger& ledger, const Options& options,
        std::vector<std::unique_ptr<SimNode>>& nodes);

  void add(NodeIx a, NodeIx b);
  void dial_all();

  void cut(LinkIx link);
  void stall(LinkIx link, bool one_way);
  // Weather, see there; false if another partition lies over the links.
  void clog(NodeIx node) { weather_.clog(node); }
  void unclog(NodeIx node);
  bool divide(const std::vector<bool>& side, bool vanishes);
  void unite();
  // Ends what the weather does.
  void heal();
  // `node` has crashed. Peers hear of it soon, or (silent) only by their keepalive.
  void lose(NodeIx node, bool silent);

  // Each link has one connection, with both ends open; nothing but keepalives is under way.
  [[nodiscard]] bool settled() const;
  [[nodiscard]] const Traffic& traffic() const { return traffic_; }
  [[nodiscard]] std::size_t size() const { return links_.size(); }
  // Sends a delta of an earlier moment once more (Plant::kEcho).
  void echo();

  void send(PeerId from, std::shared_ptr<const Bytes> frame) override;
  void close(PeerId from) override;

 private:
  enum class Phase { kPending, kOpen, kClosed };
  using Frame = std::shared_ptr<const Bytes>;  // Null: the other end has closed.
  struct End {
    SimNode* node = nullptr;
    Phase phase = Phase::kPending;
    bool deaf = false;            // Frames to this end vanish.
    Micros line_free{0};          // When all bytes that were sent to this end are on their way.
    Micros next_delivery{0};      // Nothing arrives here earlier: order is kept.
    std::deque<Frame> held;       // Would be here if the weather were better.
    std::uint64_t in_flight = 0;  // Bytes sent to this end that are neither here nor lost.
    std::uint64_t after_cut = 0;  // So many of them still arrive.
  };
  struct Connection {
    std::uint64_t id = 0;
    LinkIx link = 0;
    std::array<End, 2> ends;
    bool cut = false;
    Conversation talk;
    std::shared_ptr<const Bytes> last_delta;  // Of end 0, to be echoed.
  };
  struct Link {
    NodeIx a = 0, b = 0;
    Micros delay{0}, jitter{0};
    std::array<std::uint64_t, 2> bytes_per_second{};  // Towards a, towards b; 0: no limit.
    std::optional<std::uint64_t> current;
    bool dialling = false;
  };

  static PeerId peer(const Connection& connection, Side side);
  [[nodiscard]] Connection& connection_of(PeerId peer);
  void dial(LinkIx link);
  void dial_later(LinkIx link);
  void connect(LinkIx link);
  void open(Connection& connection, Side side);
  void lost(const Connection& connection);
  void tear(Connection& connection);
  void break_off(Connection& connection);
  void hear_close(Connection& connection, Side side, Micros when);
  void closed(Connection& connection, Side side);
  static bool survives_cut(Connection& connection, Side to, std::size_t bytes);
  Micros arrival(Connection& connection, Side to, std::size_t bytes = 0);
  void transmit(Connection& connection, Side to, Frame frame);
  void arrive(Connection& connection, Side to, Frame frame);
  void hand_over(Connection& connection, Side to, const Frame& frame);
  [[nodiscard]] bool holds(const Connection& connection, Side to) const;
  [[nodiscard]] bool swallows(const Connection& connection, Side to) const;
  void release();
  void deliver(Connection& connection, Side to, const Bytes& frame);
  void keep_for_echo(Connection& connection, Side from, std::shared_ptr<const Bytes> frame,
                     const Message& message);
  std::optional<Message> read_along(Connection& connection, Side from,
                                    const std::shared_ptr<const Bytes>& frame);
  Message disturbed(Connection& connection, Side from, Message message);
  void disturb(Connection& connection, Side from, message::Delta& delta);
  void disturb(Connection& connection, Side from, message::MapDelta& delta);
  void disturb(Connection& connection, Side from, message::Frontier& frontier);
  static void let_losers_win(Connection& connection, Side from, message::MapDelta& delta, const LwwMap& map);
  static void omit_winner(message::MapDelta& delta, const LwwMap& map);
  void forge_ack(Connection& connection, Side from);

  World& world_;
  const Ledger& ledger_;
  const Options& options_;
  std::vector<std::unique_ptr<SimNode>>& nodes_;
  Weather weather_;
  std::vector<Link> links_;
  std::vector<std::unique_ptr<Connection>> connections_;
  Traffic traffic_;
  Spoken spoken_;
  std::uint64_t under_way_ = 0;  // Frames that are no keepalive.
  bool planted_ = false;
};

}  // namespace deltamesh::sim
