// tests/sim/links.cc - connections: made, carrying, broken.
#include "tests/sim/links.h"

namespace deltamesh::sim {
namespace {

constexpr Micros kDialMin{20'000}, kDialMax{600'000};
constexpr Micros kNoticeMax{400'000};  // Until an end hears that its connection is cut.

bool keepalive(ByteView frame) {
  const auto type = FrameType{decode_head(frame)->type};
  return type == FrameType::kPing || type == FrameType::kPong;
}

bool delta(ByteView frame) {
  const auto type = FrameType{decode_head(frame)->type};
  return type == FrameType::kDelta || type == FrameType::kMapDelta;
}

std::uint64_t payload_bytes(const Message& message) {
  if (const auto* const delta = std::get_if<message::Delta>(&message)) return delta->block.size();
  std::uint64_t bytes = 0;
  if (const auto* const delta = std::get_if<message::MapDelta>(&message)) {
    for (const auto& item : delta->entries) bytes += item.entry.key.size() + item.entry.value.size();
  }
  return bytes;
}

}  // namespace

Links::Links(World& world, const Ledger* ledger, const Options& options,
             std::vector<std::unique_ptr<SimNode>>& nodes)
    : world_(world), ledger_(ledger), options_(options), nodes_(nodes) {
  for (auto& node : nodes_) node->connect(*this);
}

void Links::add(NodeIx a, NodeIx b) {
  const Micros delay = world_.rng.between(Micros(1), options_.delay_max);
  add(a, b, delay, world_.rng.between(Micros(0), delay));
}

void Links::add(NodeIx a, NodeIx b, Micros delay, Micros jitter) {
  links_.push_back({a, b, delay, jitter, std::nullopt, false, false});
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
  if (link.down || !nodes_[link.a]->up() || !nodes_[link.b]->up()) return dial_later(ix);
  connect(ix);
}

void Links::connect(LinkIx ix) {
  Link& link = links_[ix];
  const std::uint64_t id = connections_.size();
  connections_.push_back(std::make_unique<Connection>(Connection{id, ix, {}, false, std::nullopt, nullptr}));
  Connection& connection = *connections_.back();
  if (ledger_ != nullptr) connection.talk.emplace(world_, *ledger_, spoken_);
  link.current = id;
  connection.ends[0].node = nodes_[link.a].get();
  connection.ends[1].node = nodes_[link.b].get();
  for (const Side side : {Side{0}, Side{1}}) {
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
  world_.trace.fold(connection.id * 2 + side);
  end.phase = Phase::kOpen;
  end.node->opened(peer(connection, side));
}

// --- Carrying --------------------------------------------------------------------------------------------

// When something that is sent now reaches `to`: later than all that was sent before.
Micros Links::arrival(Connection& connection, Side to) {
  const Link& link = links_[connection.link];
  const Micros when = world_.queue.now() + link.delay + world_.rng.between(Micros(0), link.jitter);
  Micros& next = connection.ends[to].next_delivery;
  next = std::max(next, when);
  return next;
}

void Links::send(PeerId from, std::shared_ptr<const Bytes> frame) {
  Connection& connection = connection_of(from);
  const Side side = static_cast<std::uint64_t>(from) % 2;
  if (connection.ends[side].phase != Phase::kOpen) return world_.fail("a frame for a closed connection");
  ++traffic_.frames;
  traffic_.frame_bytes += frame->size();
  if (keepalive(*frame)) ++traffic_.keepalives;
  if (delta(*frame)) ++traffic_.deltas;
  auto said = read_along(connection, side, frame);
  if (connection.cut || world_.failed()) return;
  if (said && options_.plant != Plant::kNone && !planted_) {
    said = disturbed(connection, side, *std::move(said));
    frame = std::make_shared<const Bytes>(encode(*said));
  }
  const bool counts = !keepalive(*frame);
  if (counts) ++under_way_;
  const Side to = 1 - side;
  world_.queue.at(arrival(connection, to), [this, &connection, to, frame, counts] {
    if (counts) --under_way_;
    deliver(connection, to, *frame);
  });
}

std::optional<Message> Links::read_along(Connection& connection, Side from,
                                         const std::shared_ptr<const Bytes>& frame) {
  if (!connection.talk) return std::nullopt;
  auto said = connection.talk->sent(from, *frame, connection.ends[from].node->node().knowledge());
  if (!said) return said;
  check_ack(connection, from, *said);
  keep_for_echo(connection, from, frame, *said);
  traffic_.payload_bytes += payload_bytes(*said);
  return said;
}

void Links::check_ack(Connection& connection, Side from, const Message& message) {
  const auto* const ack = std::get_if<message::Ack>(&message);
  if (ack == nullptr || !options_.check_acks) return;
  connection.talk->check_ack(from, *ack, connection.ends[from].node->store());
}

void Links::deliver(Connection& connection, Side to, const Bytes& frame) {
  End& end = connection.ends[to];
  if (connection.cut || end.deaf || end.phase != Phase::kOpen) return;
  world_.trace.fold(connection.id * 2 + to);
  if (connection.talk) world_.trace.fold(frame);
  end.node->received(peer(connection, to), frame);
}

// --- Breaking --------------------------------------------------------------------------------------------

// An end closes; the other hears of it after all that was sent to it.
void Links::close(PeerId from) {
  Connection& connection = connection_of(from);
  const Side side = static_cast<std::uint64_t>(from) % 2;
  hear_close(connection, side, world_.queue.now());
  if (!connection.cut && !connection.ends[1 - side].deaf) {
    hear_close(connection, 1 - side, arrival(connection, 1 - side));
  }
  lost(connection);
}

void Links::hear_close(Connection& connection, Side side, Micros when) {
  world_.queue.at(when, [this, &connection, side] {
    End& end = connection.ends[side];
    const Phase before = std::exchange(end.phase, Phase::kClosed);
    if (before != Phase::kOpen) return;
    world_.trace.fold(~(connection.id * 2 + side));
    end.node->closed(peer(connection, side));
    lost(connection);
  });
}

void Links::lost(const Connection& connection) {
  Link& link = links_[connection.link];
  if (link.current != connection.id) return;
  link.current.reset();
  dial_later(connection.link);
}

void Links::break_off(Connection& connection) {
  connection.cut = true;
  for (const Side side : {Side{0}, Side{1}}) {
    hear_close(connection, side, world_.queue.now() + world_.rng.between(Micros(0), kNoticeMax));
  }
  lost(connection);
}

void Links::cut(LinkIx link) {
  if (links_[link].current) break_off(*connections_[*links_[link].current]);
}

void Links::part(NodeIx first) {
  for (LinkIx link = 0; link < links_.size(); ++link) {
    if ((links_[link].a < first) == (links_[link].b < first)) continue;
    links_[link].down = true;
    cut(link);
  }
}

void Links::heal() {
  for (Link& link : links_) link.down = false;
}

void Links::stall(LinkIx link, bool one_way) {
  if (!links_[link].current) return;
  auto& ends = connections_[*links_[link].current]->ends;
  ends[0].deaf = true;
  if (!one_way) ends[1].deaf = true;
}

void Links::lose(NodeIx node, bool silent) {
  for (auto& connection : connections_) {
    for (const Side side : {Side{0}, Side{1}}) {
      End& end = connection->ends[side];
      if (end.node->ix() != node || end.phase == Phase::kClosed) continue;
      end.phase = Phase::kClosed;
      if (silent && connection->ends[1 - side].phase == Phase::kOpen) {
        connection->cut = true;
        lost(*connection);
      } else {
        break_off(*connection);
      }
    }
  }
}

bool Links::settled() const {
  if (under_way_ > 0) return false;
  for (const auto& link : links_) {
    if (!link.current) return false;
  }
  for (const auto& connection : connections_) {
    const bool current = links_[connection->link].current == connection->id;
    for (const auto& end : connection->ends) {
      if (end.phase != (current ? Phase::kOpen : Phase::kClosed) || (current && end.deaf)) return false;
    }
  }
  return true;
}

}  // namespace deltamesh::sim
