// tests/sim/fleet_links.h - the links of a fleet: each node in a world of its own, no faults but a partition.
//
// While worlds run, each on any thread, a node touches only what is its own: its ends of connections and its
// outbox. All else happens between two windows of the lockstep, when nothing runs.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <vector>

#include "tests/sim/sim_node.h"
#include "tests/sim/traffic.h"

namespace deltamesh::sim {

class FleetLinks final : public Wire {
 public:
  // Worlds and nodes by number.
  FleetLinks(std::deque<World>& worlds, std::vector<std::unique_ptr<SimNode>>& nodes);

  void add(NodeIx a, NodeIx b, Micros delay, Micros jitter);
  // Between windows. Connects all links that are not, each within the next moments.
  void connect_all(Micros now, Rng& rng);
  // Between windows. Cuts all links between nodes below `first` and the others: frames in flight are lost,
  // and each end hears of it in its own time.
  void part(NodeIx first, Micros now, Rng& rng);
  // Between windows: what was sent becomes an event of its receiver's world.
  void hand_over();

  // Between windows.
  [[nodiscard]] Traffic traffic() const;
  [[nodiscard]] std::uint64_t under_way() const;  // Frames that are no keepalive.
  [[nodiscard]] std::size_t size() const { return links_.size(); }

  void send(PeerId from, std::shared_ptr<const Bytes> frame) override;
  void close(PeerId from) override;

 private:
  using Side = std::size_t;
  struct Link {
    NodeIx a, b;
    Micros delay, jitter;
    bool connected = false;
  };
  // What one node keeps of a connection.
  struct End {
    NodeIx node = 0;
    bool open = false;
    Micros last_arrival{0};  // At the other end, of what was sent from here: order is kept.
  };
  struct Connection {
    std::size_t id = 0, link = 0;
    std::array<End, 2> ends;
    bool cut = false;  // Changes between windows only.
  };
  struct Letter {
    NodeIx to;
    Micros when;
    Task arrive;
  };
  struct Outbox {
    std::vector<Letter> letters;
    Traffic traffic;                      // Sent by this node;
    std::uint64_t sent = 0, arrived = 0;  // frames that are no keepalive, sent by it, and to it.
  };

  static PeerId peer(const Connection& connection, Side side) { return PeerId{2 * connection.id + side}; }
  void connect(std::size_t link, Micros when);
  void open(Connection& connection, Side side);
  void closed(Connection& connection, Side side);
  void arrive(Connection& connection, Side side, const Bytes& frame);

  std::deque<World>& worlds_;
  std::vector<std::unique_ptr<SimNode>>& nodes_;
  std::vector<Link> links_;
  std::deque<Connection> connections_;
  std::vector<Outbox> outboxes_;  // By node.
};

}  // namespace deltamesh::sim
