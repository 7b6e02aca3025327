// tests/sim/plants.cc - bugs put in on purpose, on the wire.
#include "tests/sim/links.h"

#include <algorithm>

namespace deltamesh::sim {
namespace {

// The same dots with another value in the first reading.
Bytes altered(const Bytes& block) {
  auto events = *decode_block(block, limits::kBlock);
  Value& value = events[0].readings[0].value;
  if (auto* const number = std::get_if<std::int64_t>(&value)) *number ^= 1;
  if (auto* const real = std::get_if<double>(&value)) *real += 1;
  if (auto* const flag = std::get_if<bool>(&value)) *flag = !*flag;
  if (auto* const text = std::get_if<std::string>(&value)) *text += "!";
  return *encode_block(events, limits::kBlock);
}

// The page claims the dot of `item` as known.
void tell_known(message::MapDelta& delta, const message::MapDelta::Entry& item) {
  const Seq seq = item.entry.version.dot.seq;
  auto& all = delta.knowledge;
  const auto at =
      std::find_if(all.begin(), all.end(), [&](const auto& known) { return known.ref.index == item.stream; });
  if (at == all.end()) return all.push_back({{item.stream, std::nullopt}, IntervalSet({seq, seq}), seq, {}});
  at->held.add({seq, seq});
  at->head = std::max(at->head, seq);
}

}  // namespace

Message Links::disturbed(Connection& connection, Side from, Message message) {
  if (auto* const delta = std::get_if<message::Delta>(&message)) disturb(connection, from, *delta);
  if (auto* const delta = std::get_if<message::MapDelta>(&message)) disturb(connection, from, *delta);
  if (auto* const frontier = std::get_if<message::Frontier>(&message)) disturb(connection, from, *frontier);
  // The frame vanishes: a PONG takes its place, which says nothing.
  return planted_ && options_.plant == Plant::kForgedAck ? Message(message::Pong{}) : message;
}

// A delta that also names its stream is left alone: without that name the session would end, and heal.
void Links::disturb(Connection& connection, Side from, message::Delta& delta) {
  if (delta.ref.stream) return;
  switch (options_.plant) {
    case Plant::kForgedAck:
    case Plant::kEarlyAck: planted_ = true; return forge_ack(connection, from);
    case Plant::kAlteredEvent:
      planted_ = true;
      delta.block = altered(delta.block);
      return;
    default: return;
  }
}

// Every page, since a later write would hide what became of one.
void Links::disturb(Connection& connection, Side from, message::MapDelta& delta) {
  const SimNode& receiver = *connection.ends[1 - from].node;
  if (options_.plant == Plant::kLostEntry) {
    for (const auto& item : std::exchange(delta.entries, {})) tell_known(delta, item);
  }
  if (options_.plant == Plant::kAlteredEntry) {
    for (auto& item : delta.entries) {
      if (!item.entry.tombstone) item.entry.value[0] ^= 1;
    }
  }
  if (!receiver.up()) return;
  if (delta.entries.empty()) return;
  const StreamId& some = connection.talk.stream(from, delta.entries[0].stream);
  const LwwMap& map = *receiver.node().map(some.dataset);
  if (options_.plant == Plant::kTieByArrival && receiver.ix() == 0)
    let_losers_win(connection, from, delta, map);
  if (options_.plant == Plant::kOmittedWinner) omit_winner(delta, map);
}

void Links::let_losers_win(Connection& connection, Side from, message::MapDelta& delta, const LwwMap& map) {
  for (auto& [stream, entry] : delta.entries) {
    const MapEntry* const before = map.find_entry(entry.key);
    if (before == nullptr) continue;
    MapEntry arriving = entry;
    arriving.version.dot.stream = connection.talk.stream(from, stream);
    if (!wins(*before, arriving)) continue;
    entry.version.epoch = before->version.epoch;
    entry.version.stamp = before->version.stamp;
    ++entry.version.stamp.bits;
  }
}

void Links::omit_winner(message::MapDelta& delta, const LwwMap& map) {
  const auto winner = std::find_if(delta.entries.begin(), delta.entries.end(), [&](const auto& item) {
    return map.find_entry(item.entry.key) != nullptr;
  });
  if (winner == delta.entries.end()) return;
  tell_known(delta, *winner);
  delta.entries.erase(winner);
}

// The sender claims the first numbers that only the receiver holds.
void Links::disturb(Connection& connection, Side from, message::Frontier& frontier) {
  if (options_.plant != Plant::kDropInterval || !connection.ends[1 - from].node->up()) return;
  for (auto& entry : frontier.entries) {
    const StreamId& stream = connection.talk.stream(from, entry.ref.index);
    const StreamKnowledge* const other = connection.ends[1 - from].node->node().knowledge().find(stream);
    if (other == nullptr || ledger_.is_map(stream.dataset)) continue;
    const IntervalSet lacking = other->held().minus(entry.held);
    if (lacking.empty()) continue;
    const Interval claimed = *lacking.intervals().begin();
    entry.held.add(claimed);
    entry.head = std::max(entry.head, claimed.last);
    planted_ = true;
    if (options_.check_acks) connection.talk.check_told(from, frontier, connection.ends[from].node->store());
    return;
  }
}

// Tells the sender of a delta that its peer has one more.
void Links::forge_ack(Connection& connection, Side from) {
  message::Ack ack;
  ack.deltas = 1;
  const Message message = ack;
  if (options_.check_acks)
    connection.talk.check_told(1 - from, message, connection.ends[1 - from].node->store());
  world_.queue.at(arrival(connection, from),
                  [this, &connection, from, message] { deliver(connection, from, encode(message)); });
}

// One that names its stream could not be said twice.
void Links::keep_for_echo(Connection& connection, Side from, std::shared_ptr<const Bytes> frame,
                          const Message& message) {
  const auto* const delta = std::get_if<message::Delta>(&message);
  if (options_.plant == Plant::kEcho && from == 0 && delta != nullptr && !delta->ref.stream)
    connection.last_delta = std::move(frame);
}

void Links::echo() {
  Connection& connection = *connections_[*links_[0].current];
  send(peer(connection, 0), connection.last_delta);
}

}  // namespace deltamesh::sim
