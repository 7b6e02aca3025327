// tests/sim/links.cc - connections: made, and carrying.
#include "tests/sim/links.h"

namespace deltamesh::sim {
namespace {

constexpr Micros kDialMin{20'000}, kDialMax{600'000};

std::uint64_t payload_bytes(const Message& message) {
  if (const auto* const delta = std::get_if<message::Delta>(&message)) return delta->block.size();
  std::uint64_t bytes = 0;
  if (const auto* const delta = std::get_if<message::MapDelta>(&message)) {
    for (const auto& item : delta->entries) bytes += map_entry_bytes(item.entry);
  }
  return bytes;
}

}  // namespace

Links::Links(World& world, const Ledger& ledger, const Options& options,
             std::vector<std::unique_ptr<SimNode>>& nodes)
    : world_(world), ledger_(ledger), options_(options), nodes_(nodes), weather_(nodes.size()) {
  for (auto& node : nodes_) node->connect(*this);
}

void Links::add(NodeIx a, NodeIx b) {
  const Micros delay = world_.rng.between(Micros(1), options_.delay_max);
  links_.push_back({a, b, delay, world_.rng.between(Micros(0), delay), {}, std::nullopt, false});
  if (options_.bytes_per_second == 0) return;
  for (auto& rate : links_.back().bytes_per_second)
    rate = world_.rng.between(options_.bytes_per_second / 2, options_.bytes_per_second);
}

void Links::dial_all() {
  for (LinkIx link = 0; link < links_.size(); ++link) dial_later(link);
}

void Links::dial_later(LinkIx link) {
  if (std::exchange(links_[link].dialling, true)) return;
  world_.queue.in(world_.rng.between(kDialMin, kDialMax), [this, link] { dial(link); });
}

void Links::dial(LinkIx ix) {
  Link& link = links_[ix];
  link.dialling = false;
  if (link.current) return;
  if (!nodes_[link.a]->up() || !nodes_[link.b]->up()) return dial_later(ix);
  connect(ix);
}

void Links::connect(LinkIx ix) {
  Link& link = links_[ix];
  const std::uint64_t id = connections_.size();
  connections_.push_back(std::make_unique<Connection>(
      Connection{id, ix, {}, false, Conversation(world_, ledger_, spoken_, options_.credit), nullptr}));
  Connection& connection = *connections_.back();
  link.current = id;
  connection.ends[0].node = nodes_[link.a].get();
  connection.ends[1].node = nodes_[link.b].get();
  for (const Side side : {Side{0}, Side{1}}) {
    connection.ends[side].deaf = swallows(connection, side);
    const Micros when = arrival(connection, side);
    world_.queue.at(when, [this, &connection, side] { open(connection, side); });
  }
}

PeerId Links::peer(const Connection& connection, Side side) {
  return PeerId{2 * connection.id + side};
}

Links::Connection& Links::connection_of(PeerId peer) {
  return *connections_[static_cast<std::uint64_t>(peer) / 2];
}

void Links::open(Connection& connection, Side side) {
  End& end = connection.ends[side];
  if (end.phase != Phase::kPending) return;
  world_.note(connection.id * 2 + side);
  end.phase = Phase::kOpen;
  end.node->opened(peer(connection, side));
}

// --- Carrying --------------------------------------------------------------------------------------------

// When something of so many bytes that is sent now reaches `to`: later than all that was sent before.
Micros Links::arrival(Connection& connection, Side to, std::size_t bytes) {
  const Link& link = links_[connection.link];
  End& end = connection.ends[to];
  end.line_free = std::max(end.line_free, world_.queue.now());
  if (const std::uint64_t rate = link.bytes_per_second[to]; rate > 0)
    end.line_free += Micros(static_cast<Micros::rep>(bytes * 1'000'000 / rate));
  const Micros when = end.line_free + link.delay + world_.rng.between(Micros(0), link.jitter);
  end.next_delivery = std::max(end.next_delivery, when);
  return end.next_delivery;
}

void Links::send(PeerId from, std::shared_ptr<const Bytes> frame) {
  Connection& connection = connection_of(from);
  const Side side = static_cast<std::uint64_t>(from) % 2;
  if (connection.ends[side].phase != Phase::kOpen) return world_.fail("a frame for a closed connection");
  traffic_.count(*frame);
  auto said = read_along(connection, side, frame);
  if (connection.cut || world_.failed()) return;
  if (said && options_.plant != Plant::kNone && !planted_) {
    said = disturbed(connection, side, *std::move(said));
    frame = std::make_shared<const Bytes>(encode(*said));
  }
  transmit(connection, 1 - side, std::move(frame));
}

void Links::transmit(Connection& connection, Side to, Frame frame) {
  if (!is_keepalive(*frame)) ++under_way_;
  connection.ends[to].in_flight += frame->size();
  const Micros when = arrival(connection, to, frame->size());
  world_.queue.at(when, [this, &connection, to, frame = std::move(frame)] { arrive(connection, to, frame); });
}

// At the near end of the link; the weather may keep it there.
void Links::arrive(Connection& connection, Side to, Frame frame) {
  auto& held = connection.ends[to].held;
  if (!held.empty() || holds(connection, to)) return held.push_back(std::move(frame));
  hand_over(connection, to, frame);
}

void Links::hand_over(Connection& connection, Side to, const Frame& frame) {
  if (!frame) return closed(connection, to);
  if (!is_keepalive(*frame)) --under_way_;
  connection.ends[to].in_flight -= frame->size();
  if (!connection.cut || survives_cut(connection, to, frame->size())) deliver(connection, to, *frame);
}

std::optional<Message> Links::read_along(Connection& connection, Side from,
                                         const std::shared_ptr<const Bytes>& frame) {
  auto said = connection.talk.sent(from, *frame, connection.ends[from].node->node().knowledge());
  if (!said) return said;
  if (options_.check_acks) connection.talk.check_told(from, *said, connection.ends[from].node->store());
  keep_for_echo(connection, from, frame, *said);
  traffic_.payload_bytes += payload_bytes(*said);
  return said;
}

void Links::deliver(Connection& connection, Side to, const Bytes& frame) {
  End& end = connection.ends[to];
  if (end.deaf || end.phase != Phase::kOpen) return;
  world_.note(connection.id * 2 + to);
  world_.trace.fold(frame);
  end.node->received(peer(connection, to), frame);
}

}  // namespace deltamesh::sim
