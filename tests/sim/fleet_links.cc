// tests/sim/fleet_links.cc - frames from world to world.
#include "tests/sim/fleet_links.h"

#include <algorithm>

namespace deltamesh::sim {
namespace {

constexpr Micros kDialMin{20'000}, kDialMax{600'000};
constexpr Micros kNoticeMax{400'000};  // Until an end hears that its connection is cut.

}  // namespace

FleetLinks::FleetLinks(std::deque<World>& worlds, std::vector<std::unique_ptr<SimNode>>& nodes)
    : worlds_(worlds), nodes_(nodes), outboxes_(nodes.size()) {
  for (auto& node : nodes_) node->connect(*this);
}

void FleetLinks::add(NodeIx a, NodeIx b, Micros delay, Micros jitter) {
  links_.push_back({a, b, delay, jitter});
}

void FleetLinks::connect_all(Micros now, Rng& rng) {
  for (std::size_t link = 0; link < links_.size(); ++link) {
    if (!links_[link].connected) connect(link, now + rng.between(kDialMin, kDialMax));
  }
}

void FleetLinks::connect(std::size_t ix, Micros when) {
  Link& link = links_[ix];
  link.connected = true;
  Connection& connection = connections_.emplace_back();
  connection.id = connections_.size() - 1;
  connection.link = ix;
  const Micros opens = when + link.delay;
  connection.ends = {End{link.a, false, opens}, End{link.b, false, opens}};
  for (const Side side : {Side{0}, Side{1}}) {
    worlds_[connection.ends[side].node].queue.at(opens,
                                                 [this, &connection, side] { open(connection, side); });
  }
}

void FleetLinks::part(NodeIx first, Micros now, Rng& rng) {
  for (Connection& connection : connections_) {
    Link& link = links_[connection.link];
    if (connection.cut || (link.a < first) == (link.b < first)) continue;
    connection.cut = true;
    link.connected = false;
    for (const Side side : {Side{0}, Side{1}}) {
      worlds_[connection.ends[side].node].queue.at(now + rng.between(Micros(0), kNoticeMax),
                                                   [this, &connection, side] { closed(connection, side); });
    }
  }
}

void FleetLinks::open(Connection& connection, Side side) {
  if (connection.cut) return;
  connection.ends[side].open = true;
  worlds_[connection.ends[side].node].note(connection.id * 2 + side);
  nodes_[connection.ends[side].node]->opened(peer(connection, side));
}

void FleetLinks::closed(Connection& connection, Side side) {
  if (!std::exchange(connection.ends[side].open, false)) return;
  worlds_[connection.ends[side].node].note(~(connection.id * 2 + side));
  nodes_[connection.ends[side].node]->closed(peer(connection, side));
}

// --- Carrying --------------------------------------------------------------------------------------------

void FleetLinks::send(PeerId from, std::shared_ptr<const Bytes> frame) {
  const auto number = static_cast<std::uint64_t>(from);
  Connection& connection = connections_[number / 2];
  const Side to = 1 - number % 2;
  End& end = connection.ends[1 - to];
  Outbox& outbox = outboxes_[end.node];
  outbox.traffic.count(*frame);
  if (connection.cut) return;
  if (!is_keepalive(*frame)) ++outbox.sent;
  World& world = worlds_[end.node];
  const Link& link = links_[connection.link];
  const Micros when = world.queue.now() + link.delay + world.rng.between(Micros(0), link.jitter);
  end.last_arrival = std::max(end.last_arrival, when);
  outbox.letters.push_back(
      {connection.ends[to].node, end.last_arrival,
       Task([this, &connection, to, frame = std::move(frame)] { arrive(connection, to, *frame); })});
}

// Without faults nobody has a reason.
void FleetLinks::close(PeerId from) {
  const auto number = static_cast<std::uint64_t>(from);
  worlds_[connections_[number / 2].ends[number % 2].node].fail("a node closed a connection");
}

void FleetLinks::arrive(Connection& connection, Side side, const Bytes& frame) {
  End& end = connection.ends[side];
  if (!is_keepalive(frame)) ++outboxes_[end.node].arrived;
  if (connection.cut || !end.open) return;
  worlds_[end.node].note(connection.id * 2 + side);
  worlds_[end.node].trace.fold(frame);
  nodes_[end.node]->received(peer(connection, side), frame);
}

void FleetLinks::hand_over() {
  for (Outbox& outbox : outboxes_) {
    for (Letter& letter : outbox.letters) worlds_[letter.to].queue.at(letter.when, std::move(letter.arrive));
    outbox.letters.clear();
  }
}

// --- Books -----------------------------------------------------------------------------------------------

Traffic FleetLinks::traffic() const {
  Traffic all;
  for (const Outbox& outbox : outboxes_) all += outbox.traffic;
  return all;
}

std::uint64_t FleetLinks::under_way() const {
  std::uint64_t sent = 0, arrived = 0;
  for (const Outbox& outbox : outboxes_) {
    sent += outbox.sent;
    arrived += outbox.arrived;
  }
  return sent - arrived;
}

}  // namespace deltamesh::sim
