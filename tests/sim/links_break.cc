// tests/sim/links_break.cc - connections closed, cut, stalled, lost, and under bad weather.
#include "tests/sim/links.h"

namespace deltamesh::sim {
namespace {

constexpr Micros kNoticeMax{400'000};  // Until an end hears that its connection is cut.

}  // namespace

// An end closes; the other hears of it after all that was sent to it.
void Links::close(PeerId from) {
  Connection& connection = connection_of(from);
  const Side side = static_cast<std::uint64_t>(from) % 2;
  hear_close(connection, side, world_.queue.now());
  if (!connection.cut && !connection.ends[1 - side].deaf) {
    const Micros when = arrival(connection, 1 - side);
    world_.queue.at(when, [this, &connection, side] { arrive(connection, 1 - side, nullptr); });
  }
  lost(connection);
}

void Links::hear_close(Connection& connection, Side side, Micros when) {
  world_.queue.at(when, [this, &connection, side] { closed(connection, side); });
}

void Links::closed(Connection& connection, Side side) {
  End& end = connection.ends[side];
  const Phase before = std::exchange(end.phase, Phase::kClosed);
  if (before != Phase::kOpen) return;
  world_.note(~(connection.id * 2 + side));
  end.node->closed(peer(connection, side));
  lost(connection);
}

void Links::lost(const Connection& connection) {
  Link& link = links_[connection.link];
  if (link.current != connection.id) return;
  link.current.reset();
  dial_later(connection.link);
}

// The stream of bytes in each direction ends at some byte. A frame of which that is no end never comes out of
// the transport that puts frames together.
void Links::tear(Connection& connection) {
  if (std::exchange(connection.cut, true) || !options_.torn) return;
  for (End& end : connection.ends) end.after_cut = world_.rng.below(end.in_flight + 1);
}

bool Links::survives_cut(Connection& connection, Side to, std::size_t bytes) {
  std::uint64_t& left = connection.ends[to].after_cut;
  const bool whole = bytes <= left;
  left = whole ? left - bytes : 0;
  return whole;
}

void Links::break_off(Connection& connection) {
  tear(connection);
  for (const Side side : {Side{0}, Side{1}}) {
    hear_close(connection, side, world_.queue.now() + world_.rng.between(Micros(0), kNoticeMax));
  }
  lost(connection);
}

void Links::cut(LinkIx link) {
  if (links_[link].current) break_off(*connections_[*links_[link].current]);
}

void Links::heal() {
  weather_ = Weather(nodes_.size());
  release();
}

void Links::stall(LinkIx link, bool one_way) {
  if (!links_[link].current) return;
  auto& ends = connections_[*links_[link].current]->ends;
  ends[0].deaf = true;
  if (!one_way) ends[1].deaf = true;
}

// --- Weather ---------------------------------------------------------------------------------------------

bool Links::holds(const Connection& connection, Side to) const {
  return weather_.holds(connection.ends[1 - to].node->ix(), connection.ends[to].node->ix());
}

bool Links::swallows(const Connection& connection, Side to) const {
  return weather_.swallows(connection.ends[1 - to].node->ix(), connection.ends[to].node->ix());
}

void Links::unclog(NodeIx node) {
  weather_.unclog(node);
  release();
}

// A connection that has lost a frame carries no later one: it stays deaf when the partition is over.
bool Links::divide(const std::vector<bool>& side, bool vanishes) {
  if (weather_.divided()) return false;
  weather_.divide(side, vanishes);
  for (auto& connection : connections_) {
    for (const Side to : {Side{0}, Side{1}}) {
      if (swallows(*connection, to)) connection->ends[to].deaf = true;
    }
  }
  return true;
}

void Links::unite() {
  weather_.unite();
  release();
}

// What waits only for better weather arrives.
void Links::release() {
  for (auto& connection : connections_) {
    for (const Side to : {Side{0}, Side{1}}) {
      if (connection->ends[to].held.empty() || holds(*connection, to)) continue;
      for (const Frame& frame : std::exchange(connection->ends[to].held, {}))
        hand_over(*connection, to, frame);
    }
  }
}

// --- Crashes, and the end --------------------------------------------------------------------------------

void Links::lose(NodeIx node, bool silent) {
  for (auto& connection : connections_) {
    for (const Side side : {Side{0}, Side{1}}) {
      End& end = connection->ends[side];
      if (end.node->ix() != node || end.phase == Phase::kClosed) continue;
      end.phase = Phase::kClosed;
      if (silent && connection->ends[1 - side].phase == Phase::kOpen) {
        tear(*connection);
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
