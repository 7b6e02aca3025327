// tests/sim/plants.cc - bugs put in on purpose, on the wire.
#include "tests/sim/links.h"

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

}  // namespace

Message Links::disturbed(Connection& connection, Side from, Message message) {
  if (auto* const delta = std::get_if<message::Delta>(&message)) disturb(connection, from, *delta);
  if (auto* const delta = std::get_if<message::MapDelta>(&message)) disturb(*delta);
  // The frame vanishes: a PONG takes its place, which says nothing.
  return planted_ && options_.plant == Plant::kForgedAck ? Message(message::Pong{}) : message;
}

// A delta that also names its stream is left alone: without that name the session would end, and heal.
void Links::disturb(Connection& connection, Side from, message::Delta& delta) {
  if (delta.ref.stream) return;
  switch (options_.plant) {
    case Plant::kForgedAck:
    case Plant::kEarlyAck: planted_ = true; return forge_ack(connection, from, delta);
    case Plant::kAlteredEvent:
      planted_ = true;
      delta.block = altered(delta.block);
      return;
    default: return;
  }
}

// Every page, since a later write would hide what became of one.
void Links::disturb(message::MapDelta& delta) {
  if (options_.plant == Plant::kLostEntry) {
    for (const auto& item : std::exchange(delta.entries, {})) {
      const Seq seq = item.entry.version.dot.seq;
      delta.knowledge.push_back({{item.stream, std::nullopt}, IntervalSet({seq, seq}), seq});
    }
  }
  if (options_.plant != Plant::kAlteredEntry) return;
  for (auto& item : delta.entries) {
    if (!item.entry.tombstone) item.entry.value += "!";
  }
}

// Tells the sender of `delta` that its peer has it.
void Links::forge_ack(Connection& connection, Side from, const message::Delta& delta) {
  message::Ack ack;
  ack.streams.push_back({delta.ref.index, IntervalSet({delta.first, delta.first + delta.events - 1})});
  const Message message = ack;
  check_ack(connection, 1 - from, message);
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
