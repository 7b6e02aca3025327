// tests/sim/conversation.cc - tables of streams by index, and what may be said about them.
#include "tests/sim/conversation.h"

namespace deltamesh::sim {

std::optional<Message> Conversation::sent(Side from, ByteView frame) {
  auto message = decode(frame);
  if (!message.ok() || !*message) {
    world_.fail("a node sent a frame that is refused: " + (message.ok() ? "unknown" : message.error().text));
    return std::nullopt;
  }
  if (const auto* const frontier = std::get_if<message::Frontier>(&**message)) {
    for (const auto& entry : frontier->entries) learn(from, entry.ref);
  }
  if (const auto* const delta = std::get_if<message::Delta>(&**message)) check_delta(from, *delta);
  if (const auto* const delta = std::get_if<message::MapDelta>(&**message)) learn(from, *delta);
  return *std::move(message);
}

void Conversation::learn(Side from, const message::StreamRef& ref) {
  auto& named = speakers_[from].named;
  if (!ref.stream) {
    if (ref.index >= named.size()) world_.fail("a node speaks of a stream that it never named");
    return;
  }
  if (ref.index != named.size()) world_.fail("a node names a stream out of turn");
  named.push_back(*ref.stream);
}

void Conversation::check_delta(Side from, const message::Delta& delta) {
  learn(from, delta.ref);
  if (delta.ref.index >= speakers_[from].named.size()) return;
  check_durable(speakers_[from].named[delta.ref.index], {delta.first, delta.first + delta.events - 1});
}

void Conversation::check_durable(const StreamId& stream, Interval dots) {
  if (!ledger_.is_durable(stream, dots)) world_.fail("data left before it was durable at its writer");
}

void Conversation::learn(Side from, const message::MapDelta& delta) {
  for (const auto& ref : delta.streams) learn(from, ref);
  auto& [named, map_deltas] = speakers_[from];
  Knowledge& covered = map_deltas[delta.delta];
  for (const auto& item : delta.entries) {
    if (item.stream >= named.size()) return world_.fail("an entry of a stream that was never named");
    const Seq seq = item.entry.version.dot.seq;
    check_durable(named[item.stream], {seq, seq});
    covered.hold({named[item.stream], seq});
  }
  for (const auto& known : delta.knowledge) {
    learn(from, known.ref);
    if (known.ref.index >= named.size()) return;
    for (const Interval dots : known.held.intervals()) covered.at(named[known.ref.index]).hold(dots);
  }
}

void Conversation::check_ack(Side acker, const message::Ack& ack, const MemoryStore& store) {
  const Speaker& writer = speakers_[1 - acker];
  const auto known = store.knowledge();
  for (const auto& [index, dots] : ack.streams) {
    if (index >= writer.named.size())
      return world_.fail("an acknowledgement of a stream that was never named");
    const StreamKnowledge* const held = known->find(writer.named[index]);
    if (held == nullptr || !held->held().includes(dots)) world_.fail("acknowledged and not durable: events");
  }
  for (const std::uint32_t number : ack.map_deltas) {
    const auto delta = writer.map_deltas.find(number);
    if (delta == writer.map_deltas.end()) return world_.fail("an acknowledgement of a map delta never sent");
    if (!known->includes_held(delta->second)) world_.fail("acknowledged and not durable: a map delta");
  }
}

}  // namespace deltamesh::sim
