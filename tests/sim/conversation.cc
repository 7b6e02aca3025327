// tests/sim/conversation.cc - tables of streams by index, and what may be said about them.
#include "tests/sim/conversation.h"

#include "engine/frontier_digest.h"

namespace deltamesh::sim {

std::optional<Message> Conversation::sent(Side from, ByteView frame, const Knowledge& known) {
  auto message = decode(frame);
  if (!message.ok() || !*message) {
    world_.fail("a node sent a frame that is refused: " + (message.ok() ? "unknown" : message.error().text));
    return std::nullopt;
  }
  if (const auto* const hello = std::get_if<message::Hello>(&**message)) {
    learn(from, *hello, known);
    grant(1 - from, hello->credit);
  }
  if (const auto* const ack = std::get_if<message::Ack>(&**message)) {
    for (const auto& have : ack->haves) learn(from, have.ref);
    grant(1 - from, ack->credit);
  }
  if (const auto* const frontier = std::get_if<message::Frontier>(&**message)) {
    learn(from, *frontier);
  }
  if (const auto* const delta = std::get_if<message::Delta>(&**message)) {
    check_delta(from, *delta);
    spend(from, frame.size());
  }
  if (const auto* const delta = std::get_if<message::MapDelta>(&**message)) {
    learn(from, *delta);
    spend(from, frame.size());
  }
  return *std::move(message);
}

// Two HELLOs with one digest name all streams that both know, in their order; but for those that are over,
// which they tell in sums.
void Conversation::learn(Side from, const message::Hello& hello, const Knowledge& known) {
  for (const auto& [stream, one] : known.entries()) speakers_[from].given_up.at(stream).drop(one.dropped());
  Speaker& speaker = speakers_[from];
  Speaker& other = speakers_[1 - from];
  speaker.node = hello.identity.node;
  speaker.digest = hello.knowledge;
  std::vector<StreamId> streams;
  for (const auto& [stream, one] : known.entries()) {
    const bool is_past = is_over(one) && !ledger_.is_map(stream.dataset) && !writes(hello.identity, stream);
    if (!one.empty() && !is_past) streams.push_back(stream);
  }
  const auto [at, is_new] = spoken_.streams.try_emplace(hello.knowledge, streams);
  if (!is_new && at->second != streams) world_.fail("equal digests of different knowledge");
  if (speaker.digest == other.digest) speaker.named = other.named = streams;
}

void Conversation::learn(Side from, const message::Frontier& frontier) {
  Speaker& speaker = speakers_[from];
  if (!frontier.base.empty() && !speaker.told) {
    const auto base = spoken_.streams.find(frontier.base);
    if (base == spoken_.streams.end()) return world_.fail("a frontier goes on from what nobody said");
    speaker.named = base->second;
  }
  if (!frontier.base.empty() && speaker.told) {
    const auto base = spoken_.past.find(frontier.base);
    if (base == spoken_.past.end()) return world_.fail("streams in sums go on from what nobody said");
    speaker.past = base->second;
    for (const auto& [stream, known] : base->second) speaker.named.push_back(stream);
  }
  for (const auto& entry : frontier.entries) learn(from, entry.ref);
  if (speaker.told) learn_past(speaker, frontier);
  speaker.told = speaker.told || frontier.last;
}

void Conversation::learn_past(Speaker& speaker, const message::Frontier& frontier) {
  for (const auto& entry : frontier.entries) {
    if (entry.ref.index >= speaker.named.size()) return;
    StreamKnowledge known;
    known.hold(entry.held);
    known.drop(entry.dropped);
    known.declare_void(entry.voided);
    known.declare_lost(entry.lost);
    known.declare_head(entry.head, entry.settled);
    speaker.past.erase(speaker.named[entry.ref.index]);
    if (!known.empty()) speaker.past.emplace(speaker.named[entry.ref.index], std::move(known));
  }
  if (!frontier.last) return;
  FrontierDigest digest;
  for (const auto& [stream, known] : speaker.past) digest.add(stream, known);
  spoken_.past.emplace(digest.bytes(), speaker.past);
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
  const StreamId& stream = speakers_[from].named[delta.ref.index];
  const Interval dots{delta.first, delta.first + delta.events - 1};
  check_durable(stream, dots);
  speakers_[from].deltas.emplace_back(stream, dots);
}

void Conversation::check_durable(const StreamId& stream, Interval dots) {
  if (!ledger_.is_durable(stream, dots)) world_.fail("data left before it was durable at its writer");
}

void Conversation::learn(Side from, const message::MapDelta& delta) {
  for (const auto& ref : delta.streams) learn(from, ref);
  const auto& named = speakers_[from].named;
  Knowledge& covered = speakers_[from].map_deltas[delta.delta];
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

// --- Room ------------------------------------------------------------------------------------------------

// Counted when it leaves the receiver: never less than what the sender has heard of.
void Conversation::grant(Side to, std::uint32_t credit) {
  std::int64_t& has = speakers_[to].credit;
  has += credit;
  if (has > credit_max_) world_.fail("a node gives a peer more credit than it has memory for");
}

// The last frame may be larger than what is left.
void Conversation::spend(Side from, std::size_t bytes) {
  std::int64_t& has = speakers_[from].credit;
  if (has <= 0) world_.fail("a node sends more than its peer has room for");
  has -= static_cast<std::int64_t>(bytes);
}

// --- What is said to be held -----------------------------------------------------------------------------

void Conversation::check_told(Side from, const Message& message, const StoreReader& store) {
  const auto check = [&](const auto* told) {
    if (told != nullptr) check_told(from, *told, *store.knowledge());
  };
  check(std::get_if<message::Ack>(&message));
  check(std::get_if<message::Frontier>(&message));
  check(std::get_if<message::MapDelta>(&message));
}

void Conversation::check_told(Side from, const message::Ack& ack, const Knowledge& held) {
  const char* const what = "acknowledged and not durable: events";
  const Speaker& writer = speakers_[1 - from];
  check_deltas(from, ack.deltas, held);
  for (const auto& [index, dots] : ack.subscribed) check_held(what, from, writer.named, index, dots, held);
  for (const auto& [ref, dots] : ack.haves)
    check_held(what, from, speakers_[from].named, ref.index, dots, held);
  for (const std::uint32_t number : ack.map_deltas) {
    const auto delta = writer.map_deltas.find(number);
    if (delta == writer.map_deltas.end()) return world_.fail("an acknowledgement of a map delta never sent");
    if (!held.includes_held(delta->second)) world_.fail("acknowledged and not durable: a map delta");
  }
}

// `from` says that so many more of what the other side sent are durable.
void Conversation::check_deltas(Side from, std::uint32_t deltas, const Knowledge& held) {
  auto& sent = speakers_[1 - from].deltas;
  for (; deltas > 0 && !sent.empty(); --deltas) {
    const auto [stream, dots] = sent.front();
    sent.pop_front();
    const StreamKnowledge* const known = held.find(stream);
    const StreamKnowledge* const told = speakers_[from].given_up.find(stream);
    IntervalSet missing(dots);
    if (known != nullptr) missing = missing.minus(known->held());
    if (known != nullptr && known->dropped().intersects(dots))
      missing = missing.minus(ledger_.once_stored(speakers_[from].node, stream));
    if (told != nullptr) missing = missing.minus(told->dropped());
    if (!missing.empty()) world_.fail("acknowledged and not durable: a delta");
  }
  if (deltas > 0) world_.fail("an acknowledgement of a delta never sent");
}

void Conversation::check_told(Side from, const message::Frontier& frontier, const Knowledge& held) {
  Speaker& speaker = speakers_[from];
  for (const auto& entry : frontier.entries) {
    check_held("a frontier claims what is not held", from, speaker.named, entry.ref.index, entry.held, held);
    if (entry.ref.index < speaker.named.size())
      speaker.given_up.at(speaker.named[entry.ref.index]).drop(entry.dropped);
  }
}

void Conversation::check_told(Side from, const message::MapDelta& delta, const Knowledge& held) {
  for (const auto& known : delta.knowledge)
    check_held("a map delta claims what is not known", from, speakers_[from].named, known.ref.index,
               known.held, held);
}

// What is given up in the store and was there when the node last heard of it is no lie: the news of it
// follow.
void Conversation::check_held(const char* what, Side from, const std::vector<StreamId>& named,
                              std::uint32_t index, const IntervalSet& dots, const Knowledge& held) {
  if (index >= named.size()) return world_.fail("a node speaks of a stream that was never named");
  const StreamKnowledge* const known = held.find(named[index]);
  if (dots.empty() || (known != nullptr && known->held().includes(dots))) return;
  if (known == nullptr || known->dropped().empty()) return world_.fail(what);
  const IntervalSet gone =
      known->dropped().intersect(ledger_.once_stored(speakers_[from].node, named[index]));
  if (!known->held().includes(dots.minus(gone))) world_.fail(what);
}

}  // namespace deltamesh::sim
